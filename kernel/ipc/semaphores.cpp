// SPDX-License-Identifier: MIT
// Sets of semaphores. When `lock` is released, no waiter's operations are possible: whoever changes a value has performed those
// that became possible, and finished their waiters under the lock, which a waiter takes before it leaves.
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
    if (count == 0) return fail(EINVAL);
    static constinit std::atomic<u64> semaphores{0};   // in all sets
    auto share = TRY(Share::of(semaphores, count, semmns.load(std::memory_order_relaxed)));
    auto storage = TRY(mm::Buffer::allocate(count * sizeof(Semaphore)));
    std::ranges::fill(std::span(reinterpret_cast<Semaphore*>(storage.data()), count), Semaphore{});
    return mm::make_ref<SemaphoreSet>(who, flags, count, std::move(storage), std::move(share));
}

void SemaphoreSet::Waiter::finish(int with_error) {
    error = with_error;
    done.store(true, std::memory_order_release);
    wake.wake_one();
}

/// Performs one operation if it is possible now. ERANGE.
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

/// Reverts the first `steps` operations.
void SemaphoreSet::take_back(Waiter& who, size_t steps) {
    while (steps-- > 0) {
        sembuf const& operation = who.operations[steps];
        all()[operation.sem_num].value -= operation.sem_op;
        if ((operation.sem_flg & SEM_UNDO) && operation.sem_op != 0)
            who.undo->adjustments()[operation.sem_num] = static_cast<i16>(who.undo->adjustments()[operation.sem_num] + operation.sem_op);
    }
}

/// Performs all operations or none. EAGAIN (IPC_NOWAIT) ERANGE.
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

/// Puts the waiter in line at the semaphore that it waits for; it keeps its arrival number when that later is another semaphore.
void SemaphoreSet::enter(Waiter& waiter) {
    sembuf const& operation = waiter.operations[waiter.blocking];
    waiter.place = place_of(operation.sem_num, operation.sem_op == 0 ? For::Zero : For::More, waiter.place & sequence_mask);
    waiters_.insert(waiter);
}

/// Tries the waiters of a semaphore, in their order, as long as its value can help them. True: one of them proceeded that may
/// help an earlier one. Changes by waiters with several operations are left to look_behind(): `done` grows.
bool SemaphoreSet::go_on(u32 number, For what, Waiter*& done) {
    Semaphore const& semaphore = all()[number];
    auto const can_help = [&] { return (semaphore.value == 0) == (what == For::Zero); };
    u64 const end = place_of(number, what, sequence_mask);
    for (auto at = waiters_.lower_bound(place_of(number, what, 0)); at != waiters_.end() && at->place <= end && can_help();) {
        Waiter& waiter = *at;
        ++at;
        i32 const before = semaphore.value;
        size_t const blocking = waiter.blocking;
        auto const outcome = try_operations(waiter);
        bool const stays = outcome && *outcome == Outcome::MustWait;
        if (stays && waiter.blocking == blocking) continue;
        waiters_.erase(waiters_.iterator_to(waiter));
        if (stays) {
            enter(waiter);
            continue;
        }
        bool const is_one_of_several = outcome && waiter.operations.size() > 1 && changes_values(waiter.operations);
        if (is_one_of_several) waiter.next_done = std::exchange(done, &waiter);
        waiter.finish(outcome ? 0 : outcome.error().value);
        if (is_one_of_several && semaphore.value > before) return true;
    }
    return false;
}

/// The semaphore's value has changed. A waiter that lowers it helps only those that wait for zero.
void SemaphoreSet::look_at(u32 number, Waiter*& done) {
    do {
        while (go_on(number, For::Zero, done)) { }
    } while (go_on(number, For::More, done));
    (void)go_on(number, For::Zero, done);
}

/// Examines the changes by finished waiters. A finished waiter exists until `lock` is released.
void SemaphoreSet::look_behind(Waiter* done) {
    while (done) {
        Waiter& waiter = *std::exchange(done, done->next_done);
        for (sembuf const& operation : waiter.operations)
            if (operation.sem_op != 0) look_at(operation.sem_num, done);
    }
}

void SemaphoreSet::wake_after(std::span<sembuf const> operations) {
    if (waiters_.empty()) return;
    Waiter* done = nullptr;
    for (sembuf const& operation : operations)
        if (operation.sem_op != 0) look_at(operation.sem_num, done);
    look_behind(done);
}

/// Any value may have changed.
void SemaphoreSet::wake_all_who_can() {
    if (waiters_.empty()) return;
    Waiter* done = nullptr;
    for (u32 i = 0; i < count_; ++i) look_at(i, done);
    look_behind(done);
}

Result<> SemaphoreSet::operate(std::span<sembuf const> operations, u64 deadline_ns, Requester const& who, Ref<SemaphoreUndoList>& undos) {
    for (sembuf const& operation : operations)
        if (operation.sem_num >= count_) return fail(EFBIG);
    Ref<SemaphoreUndo> undo;
    if (wants_undo(operations)) {
        if (!undos) undos = TRY(mm::make_ref<SemaphoreUndoList>());
        undo = TRY(undos->of(*this));
    }
    Waiter waiter;
    waiter.operations = operations;
    waiter.undo = undo.get();
    waiter.pid = who.pid.value;
    bool const changes = changes_values(operations);
    {
        Locked guard(lock);
        TRY(permit(who, changes ? may_write_all : may_read_all));
        if (removed) return fail(EIDRM);
        if (TRY(try_operations(waiter)) == Outcome::Done) {
            if (changes) wake_after(operations);
            return {};
        }
        waiter.place = ++sequence_;
        enter(waiter);
    }
    auto const slept = waiter.wake.wait([&] { return waiter.done.load(std::memory_order_acquire); }, sched::Interruptible::Yes, deadline_ns);
    Locked guard(lock);
    if (waiter.done.load(std::memory_order_relaxed)) return waiter.error ? Result<>(fail(waiter.error)) : Result<>();
    waiters_.erase(waiters_.iterator_to(waiter));
    return fail(!slept && slept.error() == Errno(ETIMEDOUT) ? EAGAIN : EINTR);
}

Result<i32> SemaphoreSet::get(u32 number, u32 command, Requester const& who) {
    if (number >= count_) return fail(EINVAL);
    Locked guard(lock);
    TRY(permit(who, may_read_all));
    if (removed) return fail(EIDRM);
    if (command == GETVAL) return all()[number].value;
    if (command == GETPID) return all()[number].last_pid;
    For const what = command == GETZCNT ? For::Zero : For::More;
    return static_cast<i32>(std::distance(waiters_.lower_bound(place_of(number, what, 0)), waiters_.lower_bound(place_of(number, what, 0) + (u64{1} << sequence_bits))));
}

void SemaphoreSet::forget_adjustments(u32 number) {
    for (SemaphoreUndo& undo : undos_) undo.adjustments()[number] = 0;
}

Result<> SemaphoreSet::set_value(u32 number, i32 value, Requester const& who) {
    if (value < 0 || value > SEMVMX) return fail(ERANGE);
    if (number >= count_) return fail(EINVAL);
    Locked guard(lock);
    TRY(permit(who, may_write_all));
    if (removed) return fail(EIDRM);
    all()[number] = {value, who.pid.value};
    forget_adjustments(number);
    changed_s = now_seconds();
    Waiter* done = nullptr;
    look_at(number, done);
    look_behind(done);
    return {};
}

Result<> SemaphoreSet::get_all(std::span<u16> out, Requester const& who) {
    Locked guard(lock);
    TRY(permit(who, may_read_all));
    if (removed) return fail(EIDRM);
    for (u32 i = 0; i < count_; ++i) out[i] = static_cast<u16>(all()[i].value);
    return {};
}

Result<> SemaphoreSet::set_all(std::span<u16 const> values, Requester const& who) {
    if (std::ranges::any_of(values, [](u16 value) { return value > SEMVMX; })) return fail(ERANGE);
    Locked guard(lock);
    TRY(permit(who, may_write_all));
    if (removed) return fail(EIDRM);
    for (u32 i = 0; i < count_; ++i) {
        all()[i] = {values[i], who.pid.value};
        forget_adjustments(i);
    }
    changed_s = now_seconds();
    wake_all_who_can();
    return {};
}

Result<semid64_ds> SemaphoreSet::status(Requester const& who, bool check_rights) {
    semid64_ds out{};
    Locked guard(lock);
    if (check_rights) TRY(permit(who, may_read_all));
    if (removed) return fail(EIDRM);
    out.sem_perm = describe();
    out.sem_otime = operated_s_;
    out.sem_ctime = changed_s;
    out.sem_nsems = count_;
    return out;
}

Result<> SemaphoreSet::change(semid64_ds const& to, Requester const& who) {
    Locked guard(lock);
    TRY(permit_control(who));
    if (removed) return fail(EIDRM);
    return Identity::change(to.sem_perm);
}

void SemaphoreSet::end() {
    Locked guard(lock);
    removed = true;
    waiters_.clear_and_dispose([](Waiter* waiter) { waiter->finish(EIDRM); });
    undos_.clear_and_dispose([](SemaphoreUndo* undo) { undo->linked = false; });
}

void SemaphoreSet::write_line(base::Writer& out) {
    Locked guard(lock);
    if (removed) return;
    base::format_to(out, "{:>10} {:>10}  {:>4o} {:>10} {:>5} {:>5} {:>5} {:>5} {:>10} {:>10}\n", key, id, mode,
                    count_, uid.value, gid.value, creator_uid.value, creator_gid.value, operated_s_, changed_s);
}

i32 semaphore_total() {
    u64 total = 0;
    semaphore_sets.for_each([&](SemaphoreSet const& set) { total += set.count(); });
    return static_cast<i32>(total);
}

}
