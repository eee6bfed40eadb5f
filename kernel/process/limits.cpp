// SPDX-License-Identifier: MIT
// Limits that are asked for the running program: RLIMIT_FSIZE when it makes a file larger, RLIMIT_RTTIME at its ticks.
#include "kernel/process/limits.h"

#include <abi/signal.h>
#include <asm/resource.h>

#include "kernel/fs/proc_number.h"
#include "kernel/fs/size_limit.h"
#include "kernel/process/process.h"
#include "sched/realtime_share.h"
#include "sched/scheduler.h"

namespace process {
namespace {

class ProgramSizeLimit final : public fs::SizeLimit {
public:
    u64 bytes() override {
        auto const* const thread = current_user_thread_or_null();
        return thread ? thread->process().limits[RLIMIT_FSIZE].soft : ~u64{0};
    }
    void exceeded() override {
        UserThread& thread = current_user_thread();
        SignalInfo info;
        info.signal = SIGXFSZ;
        info.code = SI_USER;
        info.pid = thread.process().pid().value;
        info.uid = thread.process().credentials.real_uid.value;
        SignalNodes no_room;
        post_to_thread(thread, info, no_room);
    }
};

constinit ProgramSizeLimit program_size_limit;

void signal_from_kernel(Process& process, int signal) {
    SignalInfo info;
    info.signal = signal;
    info.code = SI_KERNEL;
    post_signal(process, info);
}

/// The runtime is -1 or no longer than the period, which is not 0.
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

void register_size_limit() { fs::size_limit.provide(program_size_limit); }

/// Linux's check_thread_timers(): at the soft limit, and each second beyond it, SIGXCPU; at the hard one SIGKILL.
void check_realtime_limit(UserThread& thread) {
    if (!sched::is_realtime(thread.own().scheduling_class)) [[likely]] return;
    if (thread.own().realtime_priority == sched::realtime_priority_reaper) return;   // it ends
    Process& process = thread.process();
    ResourceLimit& limit = process.limits[RLIMIT_RTTIME];
    if (limit.soft == ~u64{0}) return;
    u64 const us = (thread.ran_ns - thread.ran_at_wake_ns) / ns_per_us;
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
