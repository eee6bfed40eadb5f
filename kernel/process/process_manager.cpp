// SPDX-License-Identifier: MIT
// The table of all processes: start, lookup, limits.
#include "kernel/process/process_manager.h"
#include "kernel/process/oom.h"

#include <algorithm>

#include <base/log.h>
#include <base/panic.h>
#include <boot/boot_info.h>

#include "kernel/base/command_line.h"
#include "kernel/process/image.h"
#include "kernel/process/limits.h"
#include "kernel/process/rights.h"
#include "kernel/process/terminal_signals.h"
#include "mm/frame_allocator.h"
#include "sched/scheduler.h"

namespace process {

constinit TreeLock tree_lock;
constinit ProcessManager process_manager;

namespace { constexpr u8 signalling_priority = 99; }   // a busy program does not keep ^C from its group

void ProcessManager::initialize() {
    // The FPU area shares the kernel stack's pages: most of them must be left for frames.
    ASSERT(arch::fpu_area_size() <= mm::kernel_stack_size / 4);
    // As Linux: at most an eighth of memory in kernel stacks.
    u64 const by_memory = mm::frame_allocator.total_bytes() / (8 * mm::kernel_stack_size);
    thread_limit_ = static_cast<u32>(std::clamp<u64>(by_memory, 20, PidTable::pid_max - PidTable::first_reused));
    if (base::CommandLine(boot::boot_info.command()).flag("norandmaps")) disable_random_layout();
    register_terminal_signals();
    register_caller();
    register_size_limit();
    start_oom_turns();
    auto const thread = create("signals", signal_large_groups, 0);
    if (!thread) panic("no memory for the thread of signals");
    sched::scheduler.set_class(**thread, sched::SchedulingClass::Fifo, signalling_priority);
    log_info("process", "at most {} threads, pids below {}", thread_limit_, PidTable::pid_max);
}

Result<sched::Thread*> ProcessManager::create(std::string_view name, void (*entry)(void*), int priority, void* argument) {
    return sched::scheduler.create_kernel_thread(name, entry, argument, priority);
}

Ref<Process> ProcessManager::find(Pid pid) {
    TreeGuard guard(tree_lock);
    return Ref<Process>::share(static_cast<Process*>(pids_.find(pid, PidKind::Process)));
}

Ref<Process> ProcessManager::find_after(Pid pid) {
    TreeGuard guard(tree_lock);
    return Ref<Process>::share(static_cast<Process*>(pids_.next_process(pid)));
}

i32 ProcessManager::pid_limit() const {
    TreeGuard guard(tree_lock);
    return pids_.limit();
}

void ProcessManager::set_pid_limit(i32 limit) {
    TreeGuard guard(tree_lock);
    pids_.set_limit(limit);
}

Result<> ProcessManager::set_last_pid(Pid last) {
    TreeGuard guard(tree_lock);
    return pids_.set_last_given(last) ? Result<>() : fail(EINVAL);
}

Pid ProcessManager::last_pid() const {
    TreeGuard guard(tree_lock);
    return pids_.last_given();
}

}
