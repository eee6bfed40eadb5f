// SPDX-License-Identifier: MIT
// Changes the policy while threads run. With all run queues held, every waiting thread moves from the old policy's
// queue to the new one's, and every running thread gets a turn by the new policy. O(waiting threads), interrupts off.
#include <algorithm>
#include <array>

#include <base/log.h>

#include "sched/run_queue.h"
#include "sched/scheduler.h"

namespace sched {
namespace {

/// Holds the run queues of all CPUs, taken in ascending order of address, as their rank requires. Interrupts and
/// preemption are already off.
class SCOPED_CAPABILITY AllQueuesLock {
public:
    AllQueuesLock() ACQUIRE(its_run_queue) : count_(arch::online_cpus()) {
        for (u32 cpu = 0; cpu < count_; ++cpu) queues_[cpu] = run_queue.on(CpuId(cpu));
        std::sort(queues_.begin(), queues_.begin() + count_);
        for (RunQueue* queue : view()) queue->lock.take();
    }
    ~AllQueuesLock() RELEASE() {
        for (RunQueue* queue : view()) queue->lock.give();
    }
    AllQueuesLock(AllQueuesLock const&) = delete;
    AllQueuesLock& operator=(AllQueuesLock const&) = delete;
    std::span<RunQueue* const> view() const { return {queues_.data(), count_}; }
private:
    std::array<RunQueue*, max_cpus> queues_;
    u32 count_;
};

void requeue_all(RunQueue& queue, Policy const& from, Policy const& to) REQUIRES(its_run_queue) {
    base::List<Schedulable, &Schedulable::run_hook> waiting;
    while (Schedulable* thread = from.pick(queue.other)) waiting.push_back(*thread);
    while (!waiting.empty()) {
        Schedulable& thread = waiting.front();
        waiting.pop_front();
        thread.slice_left_ns = 0;
        to.enqueue(queue.other, thread, Arrival::Woken);
    }
}

}

Result<> Scheduler::change_policy(std::string_view name) {
    Policy const* const wanted = find_policy(name);
    if (!wanted) return fail(EINVAL);
    {
        SwitchesOff const guard;
        AllQueuesLock const locked;
        Policy const& old = policy();
        if (wanted == &old) return {};
        for (RunQueue* queue : locked.view()) requeue_all(*queue, old, *wanted);
        policy_.store(wanted, std::memory_order_relaxed);
        for (RunQueue* queue : locked.view()) {
            restart_slice(*queue);
            if (queue->ready_count() != 0) ask_to_reschedule(*queue);
        }
    }
    log_info("sched", "policy {} from now on", wanted->name());
    return {};
}

}
