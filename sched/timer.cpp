// SPDX-License-Identifier: MIT
// Timers and the alarm. A callback runs without the queue's lock, so that it may wake
// threads (a lower rank) and re-arm; `running_` tells ~Timer to wait for it.
#include "sched/timer.h"

#include <arch/interrupts.h>

namespace sched {

PER_CPU arch::PerCpu<TimerQueue*> timer_queue;
PER_CPU arch::PerCpu<u64> alarm_ns{no_alarm};

void TimerQueue::insert(Timer& timer, u64 deadline_ns) {
    decltype(lock_)::Guard guard(lock_);
    timer.deadline_ns_ = deadline_ns;
    timer.last_queue_ = this;
    auto const position = timers_.insert(timer);
    timer.queue_.store(this, std::memory_order_relaxed);
    if (position == timers_.begin()) alarm_no_later_than(deadline_ns);
}

bool TimerQueue::remove(Timer& timer) {
    decltype(lock_)::Guard guard(lock_);
    if (timer.queue_.load(std::memory_order_relaxed) != this) return false;
    timers_.erase(timers_.iterator_to(timer));
    timer.queue_.store(nullptr, std::memory_order_relaxed);
    return true;
}

void TimerQueue::run_expired(u64 now_ns) {
    for (;;) {
        Timer* timer;
        {
            decltype(lock_)::Guard guard(lock_);
            if (timers_.empty() || timers_.begin()->deadline_ns_ > now_ns) return;
            timer = &*timers_.begin();
            timers_.erase(timers_.begin());
            running_.store(timer, std::memory_order_relaxed);
            // Ordering: release; ~Timer that sees it unarmed sees it running.
            timer->queue_.store(nullptr, std::memory_order_release);
        }
        timer->callback_(*timer);
        running_.store(nullptr, std::memory_order_release);
    }
}

u64 TimerQueue::first_deadline_ns() const {
    decltype(lock_)::Guard guard(lock_);
    return timers_.empty() ? no_alarm : timers_.begin()->deadline_ns_;
}

Timer::~Timer() {
    if (!last_queue_) return;
    do cancel();
    while (last_queue_->is_running(*this) || is_armed());
}

void Timer::arm(u64 deadline_ns) {
    cancel();
    arch::InterruptGuard interrupts_off;
    timer_queue.read()->insert(*this, deadline_ns);
}

bool Timer::cancel() {
    for (;;) {
        TimerQueue* const queue = queue_.load(std::memory_order_acquire);
        if (!queue) return false;
        if (queue->remove(*this)) return true;   // else it fired, and perhaps was armed again, meanwhile
    }
}

}
