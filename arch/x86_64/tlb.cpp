// SPDX-License-Identifier: MIT
// Shoot-downs. A CPU that wants something forgotten writes down what, once, marks itself in each other
// CPU's word, interrupts those that were not marked already, and waits until all have answered. While it waits,
// or waits for a spin lock, it answers what it is asked itself, so that two such CPUs cannot wait for each other.
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
PER_CPU TlbEvents tlb_events;

namespace {

/// Beyond, dropping everything is cheaper than single pages.
constexpr u64 most_kernel_pages = 64;

/// What one CPU asks of others; written by it alone, read by them until they have answered.
struct Request {
    enum class Kind : u8 { Pages, Space, Kernel, Leave };
    Kind kind = Kind::Pages;
    TlbSpace const* space = nullptr;
    u64 const* pages = nullptr;
    u64 count = 0;
    u64 start = 0, end = 0;
    std::atomic<u64> waiting{0};     ///< CPUs that have yet to answer. Ordering: release by who answers, acquire by who asked
};

PER_CPU PerCpu<Request> requests;
/// Bit n: CPU n asks. Ordering: release with the bit, acquire when it is taken: the request is complete.
PER_CPU PerCpu<std::atomic<u64>> asked_by;

constexpr u64 bit_of(CpuId cpu) { return u64{1} << cpu.value; }

void forget_kernel(u64 start, u64 end) {
    tlb_events.kernel.add(1);
    if (end - start > most_kernel_pages * page_size) return tlb_flush_global();
    for (u64 address = start; address < end; address += page_size) tlb_flush_page(address);
}

void forget_pages(std::span<u64 const> pages) {
    for (u64 address : pages) tlb_flush_page(address);
    tlb_events.pages.add(pages.size());
}

void forget_space() {
    tlb_flush_all();
    tlb_events.spaces.add(1);
}

/// A kernel thread runs here and needs no space: rather than be asked again and again, this CPU drops it.
void drop_space() {
    tlb_load_kernel();
    tlb_events.lazy_leaves.add(1);
}

void answer(Request const& request) {
    if (request.kind == Request::Kind::Kernel) return forget_kernel(request.start, request.end);
    if (loaded_space.read() != request.space) return;
    if (request.kind == Request::Kind::Leave || wanted_space.read() != request.space) return drop_space();
    if (request.kind == Request::Kind::Pages) forget_pages({request.pages, request.count});
    else forget_space();
}

/// Interrupts off: the switch of spaces and an answer do not mix.
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

/// Asks `cpus` for what this CPU's request says, and waits for their answers.
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

/// The other CPUs that have `space` loaded, after all that this one has written.
u64 other_cpus_of(TlbSpace const& space) {
    if (online_cpus() == 1) return 0;
    // Ordering: full fence, see TlbSpace::cpus.
    std::atomic_thread_fence(std::memory_order_seq_cst);
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
}

bool tlb_is_loaded(TlbSpace const& space) { return loaded_space.read() == &space; }

void tlb_flush(TlbSpace const& space, std::span<u64 const> pages) {
    DEBUG_ASSERT(!preempt_enabled());
    if (tlb_is_loaded(space)) forget_pages(pages);
    u64 const others = other_cpus_of(space);
    if (others == 0) [[likely]] return;
    Request& request = requests.local();
    request.kind = Request::Kind::Pages;
    request.space = &space;
    request.pages = pages.data();
    request.count = pages.size();
    ask(request, others);
}

void tlb_flush(TlbSpace const& space) {
    DEBUG_ASSERT(!preempt_enabled());
    if (tlb_is_loaded(space)) forget_space();
    u64 const others = other_cpus_of(space);
    if (others == 0) [[likely]] return;
    Request& request = requests.local();
    request.kind = Request::Kind::Space;
    request.space = &space;
    ask(request, others);
}

void tlb_flush_kernel(u64 start, u64 end) {
    PreemptGuard const on_this_cpu;
    forget_kernel(start, end);
    u64 const others = all_other_cpus();
    if (others == 0) return;
    Request& request = requests.local();
    request.kind = Request::Kind::Kernel;
    request.start = start;
    request.end = end;
    ask(request, others);
}

void tlb_leave(TlbSpace const& space) {
    PreemptGuard const on_this_cpu;
    if (tlb_is_loaded(space)) tlb_load_kernel();
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
