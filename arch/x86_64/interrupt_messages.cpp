// SPDX-License-Identifier: MIT
// Interrupts that devices send as messages (MSI): each has its own vector and goes to the boot CPU's local APIC.
// Intel SDM vol. 3, 11.11.
#include <arch/pci.h>

#include <atomic>

#include <base/format.h>

#include "arch/x86_64/interrupt_controller.h"

namespace arch {

namespace {

constexpr u64 message_base = 0xfee00000;
constexpr u32 message_count = 64;

struct Message {
    InterruptHandler handler = nullptr;   // these three are written once, before `taken` counts them
    void* context = nullptr;
    char const* name = "";
    u64 count = 0;                        // boot CPU, interrupts off
};

constinit Message messages[message_count] = {};
/// Ordering: the number is taken with relaxed; a device sends nothing before it has been given its message.
constinit std::atomic<u32> taken{0};
constinit u32 boot_apic_id = 0;           // written once at boot

}

void initialize_messages() { boot_apic_id = local_apic_id(); }

Result<InterruptMessage> make_interrupt_message(InterruptHandler handler, void* context, char const* name) {
    // Without interrupt remapping a message has room for 8 bits of an APIC id.
    if (!uses_apic() || boot_apic_id > 0xff) return fail(ENODEV);
    u32 const index = taken.load(std::memory_order_relaxed) < message_count ? taken.fetch_add(1, std::memory_order_relaxed) : message_count;
    if (index >= message_count) return fail(ENOSPC);
    messages[index] = {handler, context, name, 0};
    return InterruptMessage{message_base | boot_apic_id << 12, vector_first_message + index};
}

bool run_message(u8 vector) {
    if (vector < vector_first_message || vector >= vector_first_message + message_count) return false;
    Message& message = messages[vector - vector_first_message];
    if (!message.handler) return false;
    message.count++;
    message.handler(message.context);
    return true;
}

void write_messages(base::Writer& out) {
    for (u32 i = 0; i < message_count; ++i) {
        if (!messages[i].handler) continue;
        base::format_to(out, "{:>3}:", vector_first_message + i);
        for (u32 cpu = 0; cpu < online_cpus(); ++cpu) base::format_to(out, " {:>10}", cpu == 0 ? messages[i].count : 0);
        base::format_to(out, "   PCI-MSI   {}\n", messages[i].name);
    }
}

}
