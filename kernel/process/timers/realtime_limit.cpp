// SPDX-License-Identifier: MIT
// Limits of the CPU time of realtime threads: RLIMIT_RTTIME, checked at their ticks, and the files of the share that all of them
// may use together (/proc/sys/kernel/sched_rt_*).
#include "kernel/process/timers/realtime_limit.h"

#include <abi/signal.h>
#include <asm/resource.h>

#include "kernel/fs/procfs/proc_number.h"
#include "kernel/process/signal/signal.h"
#include "sched/realtime_share.h"
#include "sched/scheduler.h"

namespace process {
namespace {

void signal_from_kernel(Process& process, int signal) {
    SignalInfo info;
    info.signal = signal;
    info.code = SI_KERNEL;
    post_signal(process, info);
}

/// The runtime is -1 (no limit) or at most the period, which is not 0.
Result<> change_runtime(std::string_view text, fs::Credentials const&) {
    i64 const us = TRY(fs::parse_proc_number<i64>(text, -1, INT32_MAX));
    if (us > sched::realtime_period_us.load(std::memory_order_relaxed)) return fail(EINVAL);
    sched::realtime_runtime_us.store(us, std::memory_order_relaxed);
    return {};
}

Result<> change_period(std::string_view text, fs::Credentials const&) {
    i64 const us = TRY(fs::parse_proc_number<i64>(text, 1, INT32_MAX));
    if (us < sched::realtime_runtime_us.load(std::memory_order_relaxed)) return fail(EINVAL);
    sched::realtime_period_us.store(us, std::memory_order_relaxed);
    return {};
}

template <auto& number>
Result<> write_number(base::Writer& out) {
    base::format_to(out, "{}\n", number.load(std::memory_order_relaxed));
    return {};
}

}

/// As Linux's check_thread_timers(): SIGXCPU at the soft limit and each second beyond it, SIGKILL at the hard one.
void check_realtime_limit(UserThread& thread) {
    sched::Level const level = thread.own_level();
    if (!sched::is_realtime(level)) [[likely]] return;
    if (level == 0) return;                      // it is ending
    Process& process = thread.process();
    ResourceLimit& limit = process.limits[RLIMIT_RTTIME];
    if (limit.soft == ~u64{0}) return;
    u64 const us = sched::scheduler.ran_since_wake_ns(thread) / ns_per_us;
    if (us >= limit.hard) return signal_from_kernel(process, SIGKILL);
    if (us < limit.soft) return;
    limit.soft += ns_per_s / ns_per_us;
    signal_from_kernel(process, SIGXCPU);
}

Result<> register_realtime_limits() {
    TRY(fs::procfs.add("sys/kernel/sched_rt_runtime_us", write_number<sched::realtime_runtime_us>, 0644, change_runtime));
    return fs::procfs.add("sys/kernel/sched_rt_period_us", write_number<sched::realtime_period_us>, 0644, change_period);
}

}
