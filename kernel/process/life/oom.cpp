// SPDX-License-Identifier: MIT
// Out of memory: kills one process, logs it, waits briefly for its memory and lets the caller retry. No lock is held while sizes
// are read. Threads that need memory take turns in the order of their arrival (FIFO): a shell among a thousand threads that ask for
// more gets what it waits for.
#include "kernel/process/life/oom.h"

#include <algorithm>

#include <abi/signal.h>
#include <arch/time.h>
#include <base/log.h>

#include "kernel/process/process_manager.h"
#include "kernel/process/signal/signal.h"
#include "kernel/sync/completion.h"
#include "mm/frame_caches.h"
#include "sched/wait_queue.h"

namespace process {
namespace {

/// Victims that have not yet released their memory. Ordering: acquire; pairs with the release in oom_victim_is_gone().
constinit std::atomic<u32> victims{0};
constinit sched::WaitQueue victim_gone;

/// The turn, passed from one thread that needs memory to the next.
constinit sync::Completion turn;

constexpr u64 patience_ns = 200 * ns_per_ms;
/// The number of free frames that makes a retry worthwhile.
constexpr u64 worth_another_try = 64;

struct Candidate {
    Ref<Process> process;
    u64 score = 0;
    mm::AddressSpaceStatistics size;
};

/// Pages that its descriptors hold (pipes, sockets, files without a name), and its threads' stacks.
u64 kernel_pages_of(Process const& process) {
    Ref<fs::DescriptorTable> const descriptors = process.copy_descriptors();
    u64 const in_files = descriptors ? descriptors->held_pages() : 0;
    Locked guard(process.signal_lock);
    return in_files + process.thread_count * (mm::kernel_stack_size / page_size);
}

/// The pages that its end would free, including the kernel's pages for it, shifted by oom_score_adj (thousandths of all memory), as
/// in Linux's oom_badness().
u64 score_of(Process const& process, mm::AddressSpaceStatistics const& size) {
    i64 const total = static_cast<i64>(mm::frame_allocator.total_bytes() / page_size);
    i64 const pages = static_cast<i64>(size.resident_pages + size.table_frames + kernel_pages_of(process));
    i64 const score = pages + process.oom_score_adjustment.load() * (total / 1000);
    return score > 0 ? static_cast<u64>(score) : 1;
}

constexpr int never_chosen = -1000;   // OOM_SCORE_ADJ_MIN

bool may_be_killed(Process const& process) {
    return !process.is_init() && process.oom_score_adjustment != never_chosen && !process.oom_victim &&
           process.state.load(std::memory_order_relaxed) == ProcessState::Alive;
}

Candidate find_largest() {
    Candidate largest;
    for (Ref<Process> process = process_manager.find_after(Pid(1)); process; process = process_manager.find_after(process->pid())) {
        if (!may_be_killed(*process)) continue;
        Ref<mm::AddressSpace> const space = process->copy_address_space();
        if (!space) continue;
        mm::AddressSpaceStatistics const size = space->statistics();
        u64 const score = score_of(*process, size);
        if (score > largest.score) largest = {process, score, size};
    }
    return largest;
}

/// Lets the victim's threads run before all others on their CPUs: a realtime thread that spins there must not keep the victim's
/// memory from everyone. A few threads per hold of the lock; those done go to the end of the list, whose order no longer matters.
void hurry_to_end(Process& victim) {
    constexpr u32 at_once = 16;
    u32 left = ~u32{0};
    while (left != 0) {
        Locked guard(victim.signal_lock);
        left = std::min(left, victim.thread_count);
        for (u32 i = 0; i < at_once && left != 0; ++i, --left) {
            UserThread& thread = victim.threads.front();
            victim.threads.pop_front();
            victim.threads.push_back(thread);
            sched::scheduler.hurry_to_end(thread);
        }
    }
}

void kill_victim(Candidate const& victim) {
    constexpr u64 page_kib = page_size / kib;
    mm::AddressSpaceStatistics const& size = victim.size;
    u64 const anonymous = size.resident_pages - size.file_pages - size.shared_pages;
    base::log(base::LogLevel::Error, "memory",
              "Out of memory: Killed process {} ({}) total-vm:{}kB, anon-rss:{}kB, file-rss:{}kB, shmem-rss:{}kB, pgtables:{}kB oom_score_adj:{}",
              victim.process->pid(), victim.process->name(), size.mapped_pages * page_kib, anonymous * page_kib,
              size.file_pages * page_kib, size.shared_pages * page_kib, size.table_frames * page_kib,
              victim.process->oom_score_adjustment.load());
    SignalInfo info;
    info.signal = SIGKILL;
    info.code = SI_KERNEL;
    send_signal(*victim.process, info);
    hurry_to_end(*victim.process);
}

/// Sleeps until all victims are gone, or patience_ns is over.
void wait_for_victim() {
    (void)victim_gone.wait([] { return victims.load(std::memory_order_acquire) == 0; }, sched::Interruptible::No,
                           arch::clock_ns() + patience_ns);
}

}

void oom_victim_is_gone() {
    victims.fetch_sub(1, std::memory_order_release);
    victim_gone.wake_all();
}

namespace {

/// False: it need not be killed, since it is ending anyway.
bool mark(Candidate const& victim) {
    Locked guard(tree_lock);
    if (!may_be_killed(*victim.process)) return false;
    victim.process->oom_victim = true;
    victims.fetch_add(1, std::memory_order_relaxed);
    return true;
}

/// The caller has the turn. False: there is no process to kill, and no memory.
bool make_room(UserThread const* self) {
    if (mm::frame_allocator.may_take(worth_another_try, mm::Urgency::User)) return true;
    if (victims.load(std::memory_order_acquire) != 0) {
        wait_for_victim();
        if (victims.load(std::memory_order_acquire) == 0) return true;
    }
    if (mm::drain_frame_caches() >= worth_another_try) return true;
    Candidate const victim = find_largest();
    if (!victim.process) return victims.load(std::memory_order_relaxed) != 0;
    if (!mark(victim)) return true;
    kill_victim(victim);
    if (!self || &self->process() != victim.process.get()) wait_for_victim();
    return true;
}

}

u64 shown_oom_score(Process const& process) {
    if (process.oom_score_adjustment == never_chosen) return 0;
    Ref<mm::AddressSpace> const space = process.copy_address_space();
    if (!space) return 0;
    mm::AddressSpaceStatistics const size = space->statistics();
    i64 const total = static_cast<i64>(mm::frame_allocator.total_bytes() / page_size);
    i64 const pages = static_cast<i64>(size.resident_pages + size.table_frames) + process.oom_score_adjustment.load() * (total / 1000);
    return static_cast<u64>((1000 + pages * 1000 / total) * 2 / 3);
}

bool kill_for_memory() {
    Candidate const victim = find_largest();
    if (!victim.process) return false;
    if (mark(victim)) kill_victim(victim);
    return true;
}

void start_oom_turns() { turn.complete(); }

bool ProcessManager::out_of_memory() {
    UserThread* self = current_user_thread_or_null();
    // A dying thread need not kill another: it exits on its return to user mode.
    if (self && fatal_signal_pending()) return true;
    if (!turn.wait(sched::Interruptible::Yes)) {
        // Not a fatal signal: its handler needs memory, too.
        if (!fatal_signal_pending()) (void)sched::scheduler.sleep_until(arch::clock_ns() + ns_per_ms, sched::Interruptible::No);
        return true;
    }
    bool const hope = make_room(self);
    turn.complete();
    return hope;
}

}
