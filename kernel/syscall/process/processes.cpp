// SPDX-License-Identifier: MIT
// Numbers of processes, threads, groups and sessions: getpid(2) setpgid(2) setsid(2); sched_yield(2).
#include "kernel/process/process_manager.h"
#include "kernel/syscall/process/processes.h"
#include "sched/scheduler.h"

namespace syscall {

using process::process_manager;

Result<Pid> sys_getpid(Caller& caller) { return caller.process.pid(); }
Result<Pid> sys_gettid(Caller& caller) { return caller.thread.tid; }
Result<Pid> sys_getppid(Caller& caller) {
    Locked guard(process::tree_lock);
    return caller.process.parent ? caller.process.parent->pid() : Pid(0);
}
Result<> sys_setpgid(Caller&, Pid pid, Pid group) { return process_manager.set_group(pid, group); }
Result<Pid> sys_getpgid(Caller&, Pid pid) { return process_manager.get_group(pid); }
Result<Pid> sys_getpgrp(Caller&) { return process_manager.get_group(Pid(0)); }
Result<Pid> sys_setsid(Caller&) { return process_manager.new_session(); }
Result<Pid> sys_getsid(Caller&, Pid pid) { return process_manager.get_session(pid); }

Result<Pid> sys_set_tid_address(Caller& caller, UserAddr address) {
    caller.thread.clear_child_tid = address;
    return caller.thread.tid;
}

Result<> sys_sched_yield(Caller&) {
    sched::scheduler.yield();
    return {};
}

}
