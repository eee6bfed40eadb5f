// SPDX-License-Identifier: MIT
#include "kernel/ipc/semaphores.h"

#include <algorithm>

#include <base/format.h>

namespace ipc {

MM_OBJECT_CACHE_DEFINE(SemaphoreSet)

constinit SemaphoreSets semaphore_sets;

namespace {

constexpr i32 lowest_adjustment = -SEMAEM - 1;

bool changes_values(std::span<sembuf const> operations) {
    return std::ranges::any_of(operations, [](sembuf const& operation) { return operation.sem_op != 0; });
}
bool wants_undo(std::span<sembuf const> operations) {
    return std::ranges::any_of(operations, [](sembuf const& operation) { return (operation.sem_flg & SEM_UNDO) && operation.sem_op != 0; });
}

}

Result<Ref<SemaphoreSet>> SemaphoreSet::create(Requester const& who, u32 count, u32 flags) {
    if (count == 0 || count > SEMMSL) return fail(EINVAL);
    auto storage = TRY(mm::Buffer::allocate(count * sizeof(Semaphore)));
    std::ranges::fill(std::span(reinterpret_cast<Semaphore*>(storage.data()), count), Semaphore{});
    return mm::make_ref<SemaphoreSet>(who, flags, count, std::move(storage));
}

void SemaphoreSet::Waiter::finish(int with_error) {
    error = with_error;
    done.store(true, std::memory_order_release);
    wake.wake_one();
}

/// One operation, if it can be now. ERANGE.
Result<> SemaphoreSet::step(Waiter& who, sembuf const& operation, bool& blocks) {
    Semaphore& semaphore = all()[operation.sem_num];
    i32 const value = semaphore.value + operation.sem_op;
    blocks = operation.sem_op == 0 ? semaphore.value != 0 : value < 0;
    if (blocks) return {};
    if (value > SEMVMX) return fail(ERANGE);
    if ((operation.sem_flg & SEM_UNDO) && operation.sem_op != 0) {
        i16& adjustment = who.undo->adjustments()[operation.sem_num];
        i32 const wanted = adjustment - operation.sem_op;
        if (wanted < lowest_adjustment || wanted > SEMAEM) return fail(ERANGE);
        adjustment = static_cast<i16>(wanted);
    }
    semaphore.value = value;
    return {};
}

/// The first `steps` operations did not happen.
void SemaphoreSet::take_back(Waiter& who, size_t steps) {
    while (steps-- > 0) {
        sembuf const& operation = who.operations[steps];
        all()[operation.sem_num].value -= operation.sem_op;
        if ((operation.sem_flg & SEM_UNDO) && operation.sem_op != 0)
            who.undo->adjustments()[operation.sem_num] = static_cast<i16>(who.undo->adjustments()[operation.sem_num] + operation.sem_op);
    }
}

/// All of them or none. EAGAIN (IPC_NOWAIT) ERANGE.
Result<SemaphoreSet::Outcome> SemaphoreSet::try_operations(Waiter& who) {
    for (size_t i = 0; i < who.operations.size(); ++i) {
        bool blocks = false;
        auto const stepped = step(who, who.operations[i], blocks);
        if (stepped && !blocks) continue;
        take_back(who, i);
        if (!stepped) return fail(stepped.error());
        if (who.operations[i].sem_flg & IPC_NOWAIT) return fail(EAGAIN);
        who.blocking = i;
        return Outcome::MustWait;
    }
    for (sembuf const& operation : who.operations) all()[operation.sem_num].last_pid = who.pid;
    operated_s_ = now_seconds();
    return Outcome::Done;
}

/// After a change of a value: from the start again after each who changed one itself.
void SemaphoreSet::wake_those_who_can() {
    for (auto at = waiters_.begin(); at != waiters_.end();) {
        Waiter& waiter = *at;
        ++at;
        auto const outcome = try_operations(waiter);
        if (outcome && *outcome == Outcome::MustWait) continue;
        waiters_.erase(waiters_.iterator_to(waiter));
        bool const changed = outcome && changes_values(waiter.operations);
        waiter.finish(outcome ? 0 : outcome.error().value);
        if (changed) at = waiters_.begin();
    }
}

Result<> SemaphoreSet::operate(std::span<sembuf const> operations, u64 deadline_ns, Requester const& who, SemaphoreUndoList& undos) {
    for (sembuf const& operation : operations)
        if (operation.sem_num >= count_) return fail(EFBIG);
    Ref<SemaphoreUndo> undo;
    if (wants_undo(operations)) undo = TRY(undos.of(*this));
    Waiter waiter;
    waiter.operations = operations;
    waiter.undo = undo.get();
    waiter.pid = who.pid.value;
    bool const changes = changes_values(operations);
    {
        ObjectGuard guard(lock);
        TRY(permit(who, changes ? may_write_all : may_read_all));
        if (removed) return fail(EIDRM);
        if (TRY(try_operations(waiter)) == Outcome::Done) {
            if (changes) wake_those_who_can();
            return {};
        }
        waiters_.push_back(waiter);
    }
    auto const slept = waiter.wake.wait([&] { return waiter.done.load(std::memory_order_acquire); }, sched::Interruptible::Yes, deadline_ns);
    ObjectGuard guard(lock);
    if (waiter.done.load(std::memory_order_relaxed)) return waiter.error ? Result<>(fail(waiter.error)) : Result<>();
    waiters_.erase(waiters_.iterator_to(waiter));
    return fail(!slept && slept.error() == Errno(ETIMEDOUT) ? EAGAIN : EINTR);
}

Result<i32> SemaphoreSet::get(u32 number, u32 command, Requester const& who) {
    if (number >= count_) return fail(EINVAL);
    ObjectGuard guard(lock);
    TRY(permit(who, may_read_all));
    if (removed) return fail(EIDRM);
    if (command == GETVAL) return all()[number].value;
    if (command == GETPID) return all()[number].last_pid;
    i32 waiting = 0;
    for (Waiter const& waiter : waiters_) {
        sembuf const& operation = waiter.operations[waiter.blocking];
        if (operation.sem_num == number && (operation.sem_op == 0) == (command == GETZCNT)) ++waiting;
    }
    return waiting;
}

void SemaphoreSet::forget_adjustments(u32 number) {
    for (SemaphoreUndo& undo : undos_) undo.adjustments()[number] = 0;
}

Result<> SemaphoreSet::set_value(u32 number, i32 value, Requester const& who) {
    if (value < 0 || value > SEMVMX) return fail(ERANGE);
    if (number >= count_) return fail(EINVAL);
    ObjectGuard guard(lock);
    TRY(permit(who, may_write_all));
    if (removed) return fail(EIDRM);
    all()[number] = {value, who.pid.value};
    forget_adjustments(number);
    changed_s = now_seconds();
    wake_those_who_can();
    return {};
}

Result<> SemaphoreSet::get_all(std::span<u16> out, Requester const& who) {
    ObjectGuard guard(lock);
    TRY(permit(who, may_read_all));
    if (removed) return fail(EIDRM);
    for (u32 i = 0; i < count_; ++i) out[i] = static_cast<u16>(all()[i].value);
    return {};
}

Result<> SemaphoreSet::set_all(std::span<u16 const> values, Requester const& who) {
    if (std::ranges::any_of(values, [](u16 value) { return value > SEMVMX; })) return fail(ERANGE);
    ObjectGuard guard(lock);
    TRY(permit(who, may_write_all));
    if (removed) return fail(EIDRM);
    for (u32 i = 0; i < count_; ++i) {
        all()[i] = {values[i], who.pid.value};
        forget_adjustments(i);
    }
    changed_s = now_seconds();
    wake_those_who_can();
    return {};
}

Result<semid64_ds> SemaphoreSet::status(Requester const& who, bool check_rights) {
    semid64_ds out{};
    ObjectGuard guard(lock);
    if (check_rights) TRY(permit(who, may_read_all));
    if (removed) return fail(EIDRM);
    out.sem_perm = describe();
    out.sem_otime = operated_s_;
    out.sem_ctime = changed_s;
    out.sem_nsems = count_;
    return out;
}

Result<> SemaphoreSet::change(semid64_ds const& to, Requester const& who) {
    ObjectGuard guard(lock);
    TRY(permit_control(who));
    if (removed) return fail(EIDRM);
    return Identity::change(to.sem_perm);
}

void SemaphoreSet::end() {
    ObjectGuard guard(lock);
    removed = true;
    waiters_.clear_and_dispose([](Waiter* waiter) { waiter->finish(EIDRM); });
    undos_.clear_and_dispose([](SemaphoreUndo* undo) { undo->linked = false; });
}

void SemaphoreSet::write_line(base::Writer& out) {
    ObjectGuard guard(lock);
    if (removed) return;
    base::format_to(out, "{:>10} {:>10}  {} {:>10} {:>5} {:>5} {:>5} {:>5} {:>10} {:>10}\n", key, id, OctalMode(mode).text(),
                    count_, uid.value, gid.value, creator_uid.value, creator_gid.value, operated_s_, changed_s);
}

i32 semaphore_total() {
    u64 total = 0;
    semaphore_sets.for_each([&](SemaphoreSet const& set) { total += set.count(); });
    return static_cast<i32>(total);
}

}
