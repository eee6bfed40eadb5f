// SPDX-License-Identifier: MIT
// Timer files. A read restarts a periodic timer that has expired, and counts the intervals that have passed since, so
// that no interval, however short, costs more interrupts than there are reads.
#include "kernel/ipc/timer_file.h"

#include <algorithm>

#include <linux/fcntl.h>
#include <linux/poll.h>

#include "kernel/ipc/nameless.h"
#include "sched/clock.h"
#include "sched/timer.h"

namespace ipc {
namespace {

constinit char const kind_mark = 0;

class TimerFile;
/// Those that were set to a moment of the wall clock once.
constinit sync::Mutex<LockRank::sleeping_leaf> wall_timers_lock;
constinit TimerFile* wall_timers GUARDED_BY(wall_timers_lock) = nullptr;

class TimerFile final : public fs::File, private sched::Timer {
public:
    TimerFile(Ref<fs::Dentry> dentry, u32 flags, TimerFileClock clock)
        : File(std::move(dentry), flags), Timer([](sched::Timer& timer) { static_cast<TimerFile&>(timer).on_expiry(); }), clock_(clock) {}
    ~TimerFile() override;
    bool is_seekable() const override { return false; }
    Result<> can_be_written() const override { return fail(EINVAL); }
    void const* kind() const override { return &kind_mark; }
    fs::PollEvents poll(sched::WaitQueue*& queue_out) override;
    Result<> truncate(u64) override { return fail(EINVAL); }
    Result<> synchronise() override { return fail(EINVAL); }
    TimerFileSetting set(TimerFileSetting const& setting, TimerFileMode mode);
    TimerFileSetting setting();
    void on_clock_set();
    TimerFile* next_wall GUARDED_BY(wall_timers_lock) = nullptr;
    TimerFile** wall_link GUARDED_BY(wall_timers_lock) = nullptr;   ///< the pointer that points to it; null: it is in no list
    MM_OBJECT_CACHE(TimerFile)
protected:
    Result<size_t> do_read(u64, mm::IoBuffer& buffer) override;
private:
    using Lock = SpinLock<LockRank::timer_file, InterruptsOff>;
    Result<size_t> read_ticks(mm::IoBuffer& buffer, u64 size);
    void on_expiry();
    bool is_ready() const;
    void catch_up() REQUIRES(lock_);
    TimerFileSetting left() REQUIRES(lock_);
    void fit_expiry_to_clock() REQUIRES(lock_);

    TimerFileClock const clock_;
    mutable Lock lock_;
    u64 expires_ns_ GUARDED_BY(lock_) = 0;       ///< by clock_ns(); 0: not armed
    u64 wall_ns_ GUARDED_BY(lock_) = 0;          ///< by the wall clock, if it was set so; else 0
    u64 interval_ns_ GUARDED_BY(lock_) = 0;
    u64 ticks_ GUARDED_BY(lock_) = 0;            ///< expiries that nobody has read
    bool has_expired_ GUARDED_BY(lock_) = false; ///< and has not been restarted
    bool watches_clock_ GUARDED_BY(lock_) = false;   ///< TFD_TIMER_CANCEL_ON_SET
    bool clock_was_set_ GUARDED_BY(lock_) = false;
    sched::WaitQueue waiters_;
};

MM_OBJECT_CACHE_DEFINE(TimerFile)

/// The timers that were ever set to a time of the wall clock.

TimerFile::~TimerFile() {
    finish();
    Locked guard(wall_timers_lock);
    if (!wall_link) return;
    *wall_link = next_wall;
    if (next_wall) next_wall->wall_link = wall_link;
}

void TimerFile::on_expiry() {
    {
        Locked guard(lock_);
        if (expires_ns_ == 0 || has_expired_ || is_armed() || sched::clock.monotonic_ns() < expires_ns_) return;
        has_expired_ = true;
        ++ticks_;
    }
    waiters_.wake_all(POLLIN);
}

/// After an expiry: counts the intervals that have passed since, and restarts the timer for the next.
void TimerFile::catch_up() {
    if (!has_expired_ || interval_ns_ == 0) return;
    u64 const passed = (sched::clock.monotonic_ns() - expires_ns_) / interval_ns_ + 1;
    expires_ns_ += passed * interval_ns_;
    if (wall_ns_) wall_ns_ += passed * interval_ns_;
    ticks_ += passed - 1;
    has_expired_ = false;
    arm(expires_ns_);
}

bool TimerFile::is_ready() const {
    Locked guard(lock_);
    return ticks_ != 0 || clock_was_set_;
}

Result<size_t> TimerFile::do_read(u64, mm::IoBuffer& buffer) {
    return mm::for_each_part(buffer, [&](u64 size) { return read_ticks(buffer, size); });
}

Result<size_t> TimerFile::read_ticks(mm::IoBuffer& buffer, u64 size) {
    if (size < sizeof(u64)) return fail(EINVAL);
    for (;;) {
        u64 ticks;
        {
            Locked guard(lock_);
            if (std::exchange(clock_was_set_, false)) {
                ticks_ = 0;
                has_expired_ = false;
                return fail(ECANCELED);
            }
            if (ticks_ != 0) catch_up();
            ticks = std::exchange(ticks_, 0);
            if (ticks != 0 && interval_ns_ == 0) has_expired_ = false, expires_ns_ = 0;
        }
        if (ticks != 0) {
            TRY(buffer.copy_whole_out(&ticks, sizeof ticks));    // otherwise they are lost, as in Linux
            return sizeof ticks;
        }
        if (flags() & O_NONBLOCK) return fail(EAGAIN);
        TRY(waiters_.wait([this] { return is_ready(); }));
    }
}

fs::PollEvents TimerFile::poll(sched::WaitQueue*& queue_out) {
    queue_out = &waiters_;
    return is_ready() ? POLLIN : 0u;
}

TimerFileSetting TimerFile::left() {
    catch_up();
    u64 const now_ns = sched::clock.monotonic_ns();
    u64 const left_ns = !has_expired_ && expires_ns_ > now_ns ? expires_ns_ - now_ns : 0;
    return {left_ns, interval_ns_};
}

TimerFileSetting TimerFile::setting() {
    Locked guard(lock_);
    return left();
}

/// A time before the boot counts as the boot.
void TimerFile::fit_expiry_to_clock() {
    u64 const now_ns = sched::clock.monotonic_ns(), wall_ns = sched::clock.realtime_ns();
    if (wall_ns_ >= wall_ns) expires_ns_ = now_ns + (wall_ns_ - wall_ns);
    else expires_ns_ = now_ns - std::min(wall_ns - wall_ns_, now_ns - 1);
}

TimerFileSetting TimerFile::set(TimerFileSetting const& setting, TimerFileMode mode) {
    bool const of_wall = clock_ == TimerFileClock::Realtime && mode.is_absolute;
    if (of_wall) {
        Locked guard(wall_timers_lock);
        if (!wall_link) {
            next_wall = wall_timers;
            if (next_wall) next_wall->wall_link = &next_wall;
            wall_timers = this;
            wall_link = &wall_timers;
        }
    }
    Locked guard(lock_);
    TimerFileSetting const old = left();
    cancel();
    ticks_ = 0;
    has_expired_ = clock_was_set_ = false;
    watches_clock_ = of_wall && mode.ends_with_clock_change;
    interval_ns_ = setting.interval_ns;
    expires_ns_ = wall_ns_ = 0;
    if (setting.value_ns == 0) return old;
    if (of_wall) {
        wall_ns_ = setting.value_ns;
        fit_expiry_to_clock();
    } else {
        expires_ns_ = mode.is_absolute ? setting.value_ns : sched::clock.monotonic_ns() + setting.value_ns;
    }
    arm(expires_ns_);
    return old;
}

void TimerFile::on_clock_set() {
    {
        Locked guard(lock_);
        clock_was_set_ |= watches_clock_;
        if (wall_ns_ && is_armed()) {
            fit_expiry_to_clock();
            arm(expires_ns_);
        }
    }
    waiters_.wake_all(POLLIN);
}

TimerFile* as_timer_file(fs::File& file) { return file.kind() == &kind_mark ? static_cast<TimerFile*>(&file) : nullptr; }

}

Result<Ref<fs::File>> make_timer_file(TimerFileClock clock, u32 flags, fs::Credentials const& who) {
    auto dentry = TRY(make_nameless("timerfd", who));
    return TRY(mm::make_ref<TimerFile>(std::move(dentry), O_RDWR | (flags & O_NONBLOCK), clock));
}

Result<TimerFileSetting> set_timer_file(fs::File& file, TimerFileSetting const& setting, TimerFileMode mode) {
    TimerFile* const timer = as_timer_file(file);
    if (!timer) return fail(EINVAL);
    return timer->set(setting, mode);
}

Result<TimerFileSetting> timer_file_setting(fs::File& file) {
    TimerFile* const timer = as_timer_file(file);
    if (!timer) return fail(EINVAL);
    return timer->setting();
}

void on_clock_set() {
    Locked guard(wall_timers_lock);
    for (TimerFile* timer = wall_timers; timer; timer = timer->next_wall) timer->on_clock_set();
}

}
