// SPDX-License-Identifier: MIT
// A process's timers: POSIX timers (timer_create(2)), interval timers (setitimer(2)) and RLIMIT_CPU. Timers of a clock that
// always runs are sched::Timers; timers of CPU time are checked by each tick that finds a thread of the process running.
// A periodic timer is restarted only when its signal is taken, and the intervals that have passed until then are counted as
// overruns. So no interval, however short, costs more than the program's own handling of it.
#pragma once

#include <atomic>
#include <optional>

#include <base/from_above.h>

#include "kernel/process/pending_signals.h"
#include "sched/timer.h"

namespace process {

class ProcessTimers;
struct ResourceLimit;
class UserThread;

/// What a timer measures.
enum class TimerClock : u8 { Monotonic, Realtime, ProcessCpu, ThreadCpu };
constexpr bool is_cpu_clock(TimerClock clock) { return clock >= TimerClock::ProcessCpu; }

/// How a timer reports its expiry.
enum class TimerNotice : u8 { Signal, Nothing };

/// struct itimerspec: ns to the first expiry (0: not armed), and between later ones.
struct TimerSetting { u64 value_ns = 0, interval_ns = 0; };

struct TimerRequest {
    TimerClock clock = TimerClock::Monotonic;
    TimerNotice notice = TimerNotice::Signal;
    int signal = 14;                             ///< SIGALRM
    std::optional<u64> value;                    ///< sigev_value; else the timer's number
    Pid target;                                  ///< SIGEV_THREAD_ID: a thread of the caller's process; 0: the process
};

/// The process's signal_lock guards all fields except the constant ones.
class PosixTimer final : public sched::Timer {
public:
    PosixTimer(Process& process, TimerRequest const& request, fs::Charge charge);
    ~PosixTimer() { finish(); }                  // before the members that the callback uses
    Process& process;
    TimerClock const clock;
    TimerNotice const notice;
    bool const has_target;                       ///< SIGEV_THREAD_ID
    // Null once the thread has ended (forget_thread()), because its number may then belong to another.
    UserThread* target = nullptr;
    UserThread* measured_thread;                 ///< of ThreadCpu
    int id = -1;
    u64 expires_ns = 0;                          ///< by its clock (Realtime: by clock_ns()); 0: not armed
    u64 interval_ns = 0;
    u64 overruns = 0, last_overruns = 0;         ///< counted now; reported by timer_getoverrun(2)
    base::TreeHook id_hook;
    base::ListHook cpu_hook;                     ///< in ProcessTimers::armed_cpu_ if is_listed
    bool is_listed = false;
    SignalNode node;
    struct Id { using type = int; int operator()(PosixTimer const& timer) const { return timer.id; } };
    MM_OBJECT_CACHE(PosixTimer)
};

/// The three timers of setitimer(2).
enum class IntervalTimer : u8 { Real, Virtual, Profile };

/// The process's signal_lock guards all of it; callers do not hold that unless they pass the guard.
class ProcessTimers {
public:
    explicit ProcessTimers(Process& process) : process_(process), real_(process) {}
    using Guard = SignalLock::Guard;
    /// Connects ITIMER_REAL with its expiry. Called once at boot.
    static void initialize();

    // ---- posix_timers.cpp
    Result<int> create(TimerRequest const& request);                             ///< EAGAIN ENOMEM EINVAL
    /// `is_absolute`: value_ns is a time of the clock. Returns the previous setting. EINVAL: no such timer.
    Result<TimerSetting> set(int id, TimerSetting const& setting, bool is_absolute);
    Result<TimerSetting> get(int id);
    Result<int> overruns(int id);
    Result<> remove(int id);
    void remove_all();                                                           ///< exec
    void end();                                                                  ///< the process ends: no timer expires afterwards

    // ---- interval_timers.cpp
    TimerSetting set_interval_timer(IntervalTimer which, TimerSetting const& setting);
    TimerSetting interval_timer(IntervalTimer which);

    // ---- timer_expiry.cpp
    /// A signal was taken: if it is a timer's, fills in the overruns and restarts the timer. The lock is held.
    void on_taken(SignalInfo& info);
    /// `signal` is no longer ignored: periodic timers whose signal was ignored send it.
    void stop_ignoring(int signal, Guard const& guard) { if (!timers_.empty()) [[unlikely]] send_ignored(signal, guard); }
    /// A thread ends: the signals that timers have sent only to it are dropped, and no timer sends it more. The lock is held.
    void forget_thread(UserThread& thread);
    void expire(PosixTimer& timer, Guard const& guard);

    // ---- cpu_timers.cpp
    /// The tick found `thread` running. In the timer interrupt.
    void on_tick(UserThread const& thread);
    /// RLIMIT_CPU, in seconds.
    void set_cpu_limit(ResourceLimit const& limit);

private:
    struct RealTimer final : sched::Timer {
        explicit RealTimer(Process& owner) : Timer([](sched::Timer& timer) { rings(timer); }), process(owner) {}
        static constinit base::FromAbove<void(sched::Timer& timer)> rings;
        Process& process;
        u64 expires_ns = 0, interval_ns = 0;     ///< by clock_ns(); 0: not armed
    };
    struct CpuInterval { u64 expires_ns = 0, interval_ns = 0; };                 ///< by the process's CPU time
    struct CpuTime { u64 user_ns = 0, all_ns = 0; };

    PosixTimer* find(int id);
    UserThread* thread_of(Pid tid) const;
    void start(PosixTimer& timer);
    void stop(PosixTimer& timer);
    TimerSetting left(PosixTimer& timer);
    u64 now(PosixTimer const& timer) const;
    u64 forward(PosixTimer& timer, u64 now_ns);
    void fit_watching();
    void send_ignored(int signal, Guard const& guard);
    /// In signal.cpp. False: the signal is ignored.
    bool send(PosixTimer& timer, Guard const& guard);
    CpuTime cpu_time() const;
    int expired_interval(CpuInterval& interval, u64 used_ns, int signal);
    int exceeded_limit(u64 used_ns);
    static void on_real_expiry(sched::Timer& timer);
    void restart_real();

    Process& process_;
    base::Tree<PosixTimer, &PosixTimer::id_hook, PosixTimer::Id> timers_;
    base::List<PosixTimer, &PosixTimer::cpu_hook> armed_cpu_;
    RealTimer real_;
    CpuInterval virtual_, profile_;
    int next_id_ = 0;
    u64 soft_limit_ns_ = ~u64{0}, hard_limit_ns_ = ~u64{0};                      ///< of RLIMIT_CPU; the soft one advances
    /// Whether ticks have anything to check. Ordering: relaxed; one tick more or less does not matter.
    std::atomic<bool> watches_cpu_{false};
};

}
