// SPDX-License-Identifier: MIT
// Starts this subsystem at boot: checks and limits that depend on the machine, and the hooks that lower floors call
// (terminals, credentials, file sizes, timers).
#include <algorithm>

#include <base/log.h>
#include <base/panic.h>
#include <boot/boot_info.h>

#include "kernel/base/command_line.h"
#include "kernel/process/exec/image.h"
#include "kernel/process/life/oom.h"
#include "kernel/process/process_manager.h"
#include "kernel/process/rights.h"
#include "kernel/process/signal/file_size_limit.h"
#include "kernel/process/signal/terminal_signals.h"
#include "mm/frame_allocator.h"
#include "sched/scheduler.h"

namespace process {

namespace { constexpr u8 signalling_priority = 99; }   // so that a busy program cannot keep ^C from its group

void ProcessManager::initialize() {
    // The FPU area shares the kernel stack's pages: most of them must be left for frames.
    ASSERT(arch::fpu_area_size() <= mm::kernel_stack_size / 4);
    // As in Linux: kernel stacks take at most an eighth of memory.
    u64 const by_memory = mm::frame_allocator.total_bytes() / (8 * mm::kernel_stack_size);
    thread_limit_ = static_cast<u32>(std::clamp<u64>(by_memory, 20, PidTable::pid_max - PidTable::first_reused));
    if (base::CommandLine(boot::boot_info.command()).flag("norandmaps")) disable_random_layout();
    ProcessTimers::initialize();
    register_terminal_signals();
    register_caller();
    register_size_limit();
    start_oom_turns();
    auto const thread = create("signals", signal_large_groups, 0);
    if (!thread) panic("no memory for the thread of signals");
    sched::scheduler.set_class(**thread, sched::SchedulingClass::Fifo, signalling_priority);
    log_info("process", "at most {} threads, pids below {}", thread_limit_, PidTable::pid_max);
}

}
