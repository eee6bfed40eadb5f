// SPDX-License-Identifier: MIT
// TLB shoot-downs. A CPU that needs a flush writes one request, sets its bit in each other CPU's word, interrupts the
// CPUs whose word was 0, and waits until all have answered. While it waits, or waits for a spin lock, it answers
// requests to itself, so two such CPUs cannot wait for each other.
// Only CPUs that have the space loaded are asked. What others still hold of it under a PCID is out of date by its
// generation, and is dropped when they load the space again.
#include <arch/tlb.h>

#include <bit>

#include <arch/interrupts.h>
#include <arch/spin_lock.h>
#include <base/panic.h>
#include <base/trace.h>

#include "arch/x86_64/context_switch.h"
#include "arch/x86_64/processors.h"

namespace arch {

constinit TlbSpace kernel_tlb_space;
PER_CPU PerCpu<TlbSpace*> loaded_space{&kernel_tlb_space};
PER_CPU PerCpu<TlbSpace*> wanted_space;
PER_CPU PerCpu<TlbSlots> tlb_slots;
PER_CPU TlbEvents tlb_events;

namespace {

/// Beyond this, dropping everything is cheaper than single pages.
constexpr u64 most_kernel_pages = 64;

constexpr u64 keep_translations = u64{1} << 63;   // CR3, with PCIDs

constinit std::atomic<u64> last_id{0};

/// One CPU's request to others; only that CPU writes it, and they read it until they have answered.
struct Request {
    enum class Kind : u8 { Space, Kernel, Leave };
    Kind kind = Kind::Space;
    TlbSpace const* space = nullptr;
    u64 generation = 0;
    u64 const* pages = nullptr;
    u64 count = 0;
    u64 start = 0, end = 0;
    bool tables_went = false;
    std::atomic<u64> waiting{0};     ///< CPUs that have yet to answer. Ordering: release by the answering CPU, acquire by the asking one
};

PER_CPU PerCpu<Request> requests;
/// Bit n: CPU n asks. Ordering: release with the bit, acquire when it is taken: the request is complete.
PER_CPU PerCpu<std::atomic<u64>> asked_by;

constexpr u64 bit_of(CpuId cpu) { return u64{1} << cpu.value; }

/// INVLPG drops global entries of every PCID, but cached upper levels only of the loaded one (4.10.4.1).
void forget_kernel(u64 start, u64 end, bool tables_went) {
    tlb_events.kernel.add(1);
    if (end - start > most_kernel_pages * page_size || (tables_went && cpu_features.pcid)) return tlb_flush_global();
    for (u64 address = start; address < end; address += page_size) tlb_flush_page(address);
}

/// Flushes single pages, or (if none are given) everything, of the space that is loaded here. A request that arrives
/// out of turn flushes everything; requests numbered before it that arrive later have then been served.
void forget(TlbSpace const& space, u64 generation, std::span<u64 const> pages) {
    TlbSlots& slots = tlb_slots.local();
    TlbSlot& slot = slots.slots[slots.current];
    if (slot.generation >= generation) return;
    if (pages.empty() || slot.generation + 1 != generation) {
        slot.generation = space.generation.load(std::memory_order_acquire);
        tlb_flush_all();
        tlb_events.spaces.add(1);
        return;
    }
    for (u64 address : pages) tlb_flush_page(address);
    slot.generation = generation;
    tlb_events.pages.add(pages.size());
}

/// A kernel thread runs here and needs no space: this CPU drops it instead of being asked again and again.
void drop_space() {
    tlb_load_kernel();
    tlb_events.lazy_leaves.add(1);
}

void answer(Request const& request) {
    if (request.kind == Request::Kind::Kernel) return forget_kernel(request.start, request.end, request.tables_went);
    if (loaded_space.read() != request.space) return;
    if (request.kind == Request::Kind::Leave || wanted_space.read() != request.space) return drop_space();
    forget(*request.space, request.generation, {request.pages, request.count});
}

/// Interrupts off, because an answer must not mix with a switch of spaces.
void answer_all() {
    InterruptGuard const guard;
    u64 senders = asked_by.local().exchange(0, std::memory_order_acquire);
    u64 const self = bit_of(current_cpu());
    for (; senders != 0; senders &= senders - 1) {
        Request& request = requests.on(CpuId(static_cast<u32>(std::countr_zero(senders))));
        answer(request);
        tlb_events.received.add(1);
        request.waiting.fetch_and(~self, std::memory_order_release);
    }
}

/// Sends this CPU's request to `cpus` and waits for their answers.
void ask(Request& request, u64 cpus) {
    u64 const self = bit_of(current_cpu());
    request.waiting.store(cpus, std::memory_order_relaxed);
    for (u64 left = cpus; left != 0; left &= left - 1) {
        CpuId const cpu(static_cast<u32>(std::countr_zero(left)));
        if (asked_by.on(cpu).fetch_or(self, std::memory_order_acq_rel) == 0) send_interrupt(cpu, vector_tlb);
        tlb_events.sent.add(1);
    }
    while (request.waiting.load(std::memory_order_acquire) != 0) {
        if (base::panicking()) [[unlikely]] return;
        answer_requests_while_waiting();
        relax();
    }
}

/// The other CPUs that have `space` loaded. The caller has executed a full fence.
u64 other_cpus_of(TlbSpace const& space) {
    return space.cpus.load(std::memory_order_relaxed) & ~bit_of(current_cpu());
}

u64 all_other_cpus() {
    u32 const count = online_cpus();
    return (count == 64 ? ~u64{0} : (u64{1} << count) - 1) & ~bit_of(current_cpu());
}

}

void tlb_load(TlbSpace& space) {
    InterruptGuard const guard;
    wanted_space.write(&space);
    if (loaded_space.read() != &space) switch_space(space);
}

void tlb_load_kernel() {
    InterruptGuard const guard;
    wanted_space.write(nullptr);
    if (loaded_space.read() != &kernel_tlb_space) switch_space(kernel_tlb_space);
}

void tlb_set_kernel_root(PhysAddr root) {
    kernel_tlb_space.root = root;
    load_page_table_root(root);
    tlb_flush_global();
    enable_pcids();
}

TlbSpace::TlbSpace(PhysAddr its_root) : root(its_root), id(last_id.fetch_add(1, std::memory_order_relaxed) + 1) {}

void enable_pcids() {
    constexpr u64 pcid_enable = 1 << 17;
    if (!cpu_features.pcid) return;
    u64 cr4;
    asm volatile("movq %%cr4, %0" : "=r"(cr4));
    asm volatile("movq %0, %%cr4" : : "r"(cr4 | pcid_enable) : "memory");
}

/// The kernel's own tables have only global pages, whose translations every load keeps.
void load_root_with_pcid(TlbSpace const& to) {
    if (to.id == 0) return load_page_table_root(PhysAddr(to.root.value() | keep_translations));
    TlbSlots& slots = tlb_slots.local();
    u64 const generation = to.generation.load(std::memory_order_relaxed);
    for (u32 i = 0; i < TlbSlots::count; ++i) {
        if (slots.slots[i].id != to.id) continue;
        bool const fresh = slots.slots[i].generation == generation;
        (fresh ? tlb_events.pcid_hits : tlb_events.pcid_misses).add(1);
        slots.slots[i].generation = generation;
        slots.current = i;
        return load_page_table_root(PhysAddr(to.root.value() | (i + 1) | (fresh ? keep_translations : 0)));
    }
    tlb_events.pcid_misses.add(1);
    slots.current = slots.oldest;
    slots.oldest = (slots.oldest + 1) % TlbSlots::count;
    slots.slots[slots.current] = {to.id, generation};
    load_page_table_root(PhysAddr(to.root.value() | (slots.current + 1)));
}

bool tlb_is_loaded(TlbSpace const& space) { return loaded_space.read() == &space; }

void tlb_flush(TlbSpace& space, std::span<u64 const> pages) {
    DEBUG_ASSERT(!preempt_enabled());
    // Ordering: full fence between the changed entries and the read of `cpus`, see TlbSpace.
    u64 const generation = space.generation.fetch_add(1, std::memory_order_seq_cst) + 1;
    if (tlb_is_loaded(space)) forget(space, generation, pages);
    u64 const others = other_cpus_of(space);
    if (others == 0) [[likely]] return;
    Request& request = requests.local();
    request.kind = Request::Kind::Space;
    request.space = &space;
    request.generation = generation;
    request.pages = pages.data();
    request.count = pages.size();
    ask(request, others);
}

void tlb_flush(TlbSpace& space) { tlb_flush(space, {}); }

void tlb_flush_kernel(u64 start, u64 end, bool tables_went) {
    PreemptGuard const on_this_cpu;
    forget_kernel(start, end, tables_went);
    u64 const others = all_other_cpus();
    if (others == 0) return;
    Request& request = requests.local();
    request.kind = Request::Kind::Kernel;
    request.start = start;
    request.end = end;
    request.tables_went = tables_went;
    ask(request, others);
}

void tlb_leave(TlbSpace const& space) {
    PreemptGuard const on_this_cpu;
    if (tlb_is_loaded(space)) tlb_load_kernel();
    // Ordering: full fence; a CPU that loaded it set its bit before the thread that last used it went on.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    u64 const others = other_cpus_of(space);
    if (others == 0) [[likely]] return;
    Request& request = requests.local();
    request.kind = Request::Kind::Leave;
    request.space = &space;
    ask(request, others);
}

void answer_requests_while_waiting() {
    if (asked_by.local().load(std::memory_order_relaxed) != 0) [[unlikely]] answer_all();
}

void tlb_interrupt() { answer_all(); }

}
