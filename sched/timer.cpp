// SPDX-License-Identifier: MIT
// Timers and the alarm. A callback runs without the queue's lock, so it may wake threads (a lower rank) and re-arm
// the timer; `running_` makes ~Timer wait for it.
#include "sched/timer.h"

#include <arch/interrupts.h>

namespace sched {

PER_CPU arch::PerCpu<TimerQueue*> timer_queue;
PER_CPU arch::PerCpu<u64> alarm_ns{no_alarm};

void TimerQueue::insert(Timer& timer, u64 deadline_ns) {
    Locked guard(lock_);
    add(timer, deadline_ns);
    if (timers_.begin() == timers_.iterator_to(timer)) alarm_no_later_than(deadline_ns);
}

bool TimerQueue::insert_if_running(Timer& timer, u64 deadline_ns) {
    Locked guard(lock_);
    if (running_.load(std::memory_order_relaxed) != &timer) return false;
    add(timer, deadline_ns);   // run_expired() checks the queue again
    return true;
}

void TimerQueue::add(Timer& timer, u64 deadline_ns) {
    timer.deadline_ns_ = deadline_ns;
    timer.last_queue_ = this;
    timers_.insert(timer);
    // Ordering: relaxed; cancel() takes the lock before it relies on this.
    timer.queue_.store(this, std::memory_order_relaxed);
}

bool TimerQueue::remove(Timer& timer) {
    Locked guard(lock_);
    if (timer.queue_.load(std::memory_order_relaxed) != this) return false;
    timers_.erase(timers_.iterator_to(timer));
    timer.queue_.store(nullptr, std::memory_order_relaxed);
    return true;
}

void TimerQueue::run_expired(u64 now_ns, unsigned most) {
    for (unsigned i = 0; i < most; ++i) {
        Timer* timer;
        {
            Locked guard(lock_);
            if (timers_.empty() || timers_.begin()->deadline_ns_ > now_ns) return;
            timer = &*timers_.begin();
            timers_.erase(timers_.begin());
            running_.store(timer, std::memory_order_relaxed);
            // Ordering: release; if ~Timer sees it unarmed, it sees it running.
            timer->queue_.store(nullptr, std::memory_order_release);
        }
        timer->callback_(*timer);
        running_.store(nullptr, std::memory_order_release);
    }
}

u64 TimerQueue::first_deadline_ns() const {
    Locked guard(lock_);
    return timers_.empty() ? no_alarm : timers_.begin()->deadline_ns_;
}

Timer::~Timer() { finish(); }

void Timer::finish() {
    if (!last_queue_) return;
    do cancel();
    while (last_queue_->is_running(*this) || is_armed());
}

void Timer::arm(u64 deadline_ns) {
    cancel();
    arch::InterruptGuard interrupts_off;
    TimerQueue* const here = timer_queue.read();
    // While its callback runs on another CPU, the timer is queued on that CPU again: ~Timer waits for only one queue.
    if (last_queue_ && last_queue_ != here && last_queue_->insert_if_running(*this, deadline_ns)) return;
    here->insert(*this, deadline_ns);
}

bool Timer::cancel() {
    for (;;) {
        TimerQueue* const queue = queue_.load(std::memory_order_acquire);
        if (!queue) return false;
        if (queue->remove(*this)) return true;   // else it has fired, and may have been armed again
    }
}

}
