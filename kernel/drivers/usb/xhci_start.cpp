// SPDX-License-Identifier: MIT
// Takes the controller from whatever state the firmware left it in to a running one (4.2), and stops it again. Memory that the
// controller may write to is freed only after it has stopped.
#include <algorithm>

#include <base/log.h>

#include "kernel/drivers/usb/xhci.h"
#include "sched/scheduler.h"

namespace drivers::usb::xhci {

namespace {

constexpr u64 halt_ms = 100, reset_ms = 2000, firmware_ms = 1000, run_ms = 100, interrupt_ms = 100;
constexpr u32 moderation_quarter_us = 1000;   ///< at most one interrupt in this many units of 250 ns
constexpr unsigned most_extended = 64;
constexpr u32 nothing = ~0u;

void sleep_ms(u64 milliseconds) {
    static_cast<void>(sched::scheduler.sleep_until(arch::clock_ns() + milliseconds * ns_per_ms, sched::Interruptible::No));
}

/// Waits for a register that changes without an event.
Result<> wait_for(Registers registers, u32 offset, u32 mask, u32 value, u64 milliseconds) {
    u64 const deadline_ns = arch::clock_ns() + milliseconds * ns_per_ms;
    for (;;) {
        bool const is_late = arch::clock_ns() >= deadline_ns;
        if ((registers.read(offset) & mask) == value) return {};
        if (is_late) return fail(ETIMEDOUT);
        sleep_ms(1);
    }
}

}

Result<> Controller::find_registers() {
    u32 const structure = registers_.read(reg_structure1), capability = registers_.read(reg_capability1), length = registers_.read8(reg_length);
    u32 const doorbells = registers_.read(reg_doorbells) & ~3u, runtime = registers_.read(reg_runtime) & ~0x1fu;
    slot_count_ = static_cast<u8>(structure);
    port_count_ = static_cast<u8>(structure >> 24);
    if (structure == nothing || slot_count_ == 0 || port_count_ == 0) return fail(ENXIO);
    if (length + reg_ports + u64{port_count_} * port_stride > size_ || doorbells + 4u * (slot_count_ + 1u) > size_ || runtime + u64{reg_dequeue} + 8 > size_)
        return fail(ENXIO);
    operational_ = registers_ + length;
    runtime_ = registers_ + runtime;
    doorbells_ = registers_ + doorbells;
    reach_ = {(capability & capability_64) != 0, (capability & capability_large_contexts) != 0};
    return {};
}

Result<> Controller::start() {
    function_.enable();
    take_from_firmware();
    function_.route_usb_ports_here();
    find_ports();
    TRY(halt_and_reset());
    TRY(give_memory());
    use_memory();
    interrupts_.store(0, std::memory_order_relaxed);
    (runtime_ + reg_interrupter).write(0, interrupt_pending | interrupt_enable);
    operational_.write(reg_command, command_run | command_interrupts);
    TRY(wait_for(operational_, reg_status, status_halted, 0, run_ms));
    works_ = true;
    test_interrupts();
    power_ports();
    return {};
}

/// Issues a command that does nothing: its event must bring an interrupt, unless a port's event has just brought one.
void Controller::test_interrupts() {
    auto const came = [&] { return interrupts_.load(std::memory_order_relaxed) != 0; };
    if (!slot_command(TrbType::NoOp, 0)) return;
    if (!wait_until(came, interrupt_ms) && works_) log_info("usb", "no interrupt arrives: the controller is looked at every 10 ms until one does");
}

/// Stops the controller before freeing memory: what it may still write to must not yet belong to anyone else.
void Controller::shut_down() {
    works_ = false;
    bus_.detach_all();
    operational_.write(reg_command, 0);
    if (!wait_for(operational_, reg_status, status_halted, status_halted, halt_ms)) function_.disable();
    for (auto& slot : slots_) slot = mm::Owned<Slot>();
    free_scratchpad();
    shared_ = {}, events_memory_ = {}, input_ = {};
    commands_ = {}, events_ = {};
    command_address_ = 0;
}

// ---------------------------------------------------------------- extended capabilities

/// The offset of the next capability of that kind behind `after` (0: the first); 0: there is none.
u32 Controller::find_extended(u8 id, u32 after) const {
    u32 at = (registers_.read(reg_capability1) >> 16) * 4;
    for (unsigned i = 0; i < most_extended && at != 0 && u64{at} + 16 <= size_; ++i) {
        u32 const header = registers_.read(at), next = header >> 8 & 0xff;
        if (at > after && static_cast<u8>(header) == id) return at;
        if (next == 0) break;
        at += next * 4;
    }
    return 0;
}

/// A BIOS that serves USB keyboards itself must first give up the controller (7.1.1), or its management mode interferes.
void Controller::take_from_firmware() {
    u32 const at = find_extended(extended_legacy, 0);
    if (at == 0) return;
    registers_.write(at, registers_.read(at) | legacy_os_owned);
    if (!wait_for(registers_, at, legacy_bios_owned, 0, firmware_ms)) {
        log_warning("usb", "the firmware does not let go of the controller: it is taken away");
        registers_.write(at, registers_.read(at) & ~legacy_bios_owned);
    }
    registers_.write(at + 4, (registers_.read(at + 4) & legacy_control_kept) | legacy_control_events);
}

void Controller::find_ports_of(u32 offset) {
    u32 const header = registers_.read(offset), range = registers_.read(offset + 8);
    u32 const first = range & 0xff, count = range >> 8 & 0xff;
    for (u32 port = std::max(first, 1u); port < first + count && port <= port_count_; ++port)
        ports_[port] = {static_cast<u8>(registers_.read(offset + 12) & 0x1f), header >> 24 >= 3, false};
}

void Controller::find_ports() {
    for (u32 at = find_extended(extended_protocol, 0), i = 0; at != 0 && i < most_extended; at = find_extended(extended_protocol, at), ++i) find_ports_of(at);
}

// ---------------------------------------------------------------- reset and memory

Result<> Controller::halt_and_reset() {
    if (operational_.read(reg_status) == nothing) return fail(ENODEV);
    operational_.write(reg_command, operational_.read(reg_command) & ~(command_run | command_interrupts));
    if (!wait_for(operational_, reg_status, status_halted, status_halted, halt_ms)) log_warning("usb", "the controller does not stop");
    operational_.write(reg_command, command_reset);
    sleep_ms(1);   // some controllers must not be accessed for that long
    TRY(wait_for(operational_, reg_command, command_reset, 0, reset_ms));
    return wait_for(operational_, reg_status, status_not_ready, 0, reset_ms);
}

Result<> Controller::give_memory() {
    if (!(operational_.read(reg_page_size) & 1)) return fail(ENXIO);   // it has no pages of 4 KiB
    shared_ = TRY(DmaMemory::allocate(reach_));
    events_memory_ = TRY(DmaMemory::allocate(reach_));
    input_ = TRY(DmaMemory::allocate(reach_));
    return give_scratchpad();
}

/// Gives the controller the pages that it wants for itself (4.20).
Result<> Controller::give_scratchpad() {
    u32 const structure = registers_.read(reg_structure2), count = (structure >> 21 & 0x1f) << 5 | structure >> 27;
    if (count == 0) return {};
    scratchpad_ = TRY(DmaMemory::allocate(reach_, count * sizeof(u64) > page_size ? 1 : 0));
    for (u32 i = 0; i < count; ++i) {
        DmaMemory page = TRY(DmaMemory::allocate(reach_));
        scratchpad_.at<u64>(0)[i] = page.address(0).value();
        page.leak();
        ++scratchpad_pages_;
    }
    *shared_.at<u64>(0) = scratchpad_.address(0).value();
    return {};
}

void Controller::free_scratchpad() {
    for (u32 i = 0; i < scratchpad_pages_; ++i) DmaMemory::adopt(PhysAddr(scratchpad_.at<u64>(0)[i]));
    scratchpad_pages_ = 0;
    scratchpad_ = {};
}

void Controller::use_memory() {
    commands_ = shared_.ring(command_ring_at, small_ring);
    events_ = EventRing(events_memory_.at<Trb>(0), events_memory_.address(0), event_count);
    u64* const segment = shared_.at<u64>(segment_table_at);
    segment[0] = events_memory_.address(0).value();
    segment[1] = event_count;
    operational_.write(reg_configure, slot_count_);
    operational_.write64(reg_contexts, shared_.address(0).value());
    operational_.write64(reg_command_ring, commands_.dequeue_pointer());
    runtime_.write(reg_moderation, moderation_quarter_us);
    runtime_.write(reg_segments, 1);
    runtime_.write64(reg_dequeue, events_.dequeue_pointer());
    runtime_.write64(reg_segment_table, shared_.address(segment_table_at).value());
}

}
