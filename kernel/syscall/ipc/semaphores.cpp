// SPDX-License-Identifier: MIT
// System V semaphores: semget(2) semop(2) semtimedop(2) semctl(2).
#include "kernel/ipc/semaphores.h"
#include "kernel/syscall/arguments.h"
#include "kernel/syscall/ipc/ipc.h"
#include "kernel/syscall/timespec.h"

namespace syscall {
namespace {

Result<> operate(Caller& caller, i32 id, UserAddr address, u32 count, u64 deadline) {
    if (id < 0 || count == 0) return fail(EINVAL);
    if (count > ipc::semopm.load(std::memory_order_relaxed)) return fail(E2BIG);
    constexpr u32 few_count = 8;
    sembuf few[few_count];
    mm::Buffer many;
    std::span<sembuf> operations(few, std::min(count, few_count));
    if (count > few_count) {
        many = TRY(mm::Buffer::allocate(count * sizeof(sembuf)));
        operations = {reinterpret_cast<sembuf*>(many.data()), count};
    }
    TRY(mm::UserPtr<sembuf>(address).read_array(operations));
    auto const set = TRY(ipc::semaphore_sets.find(id));
    return set->operate(operations, deadline, requester(caller), caller.thread.semaphore_undos);
}

/// GETALL and SETALL: `move` works on an array of as many values as the set has.
template <class Move>
Result<i32> with_values(ipc::SemaphoreSet& set, Move&& move) {
    auto const storage = TRY(mm::Buffer::allocate(set.count() * sizeof(u16)));
    TRY(move(std::span(reinterpret_cast<u16*>(storage.data()), set.count())));
    return 0;
}

seminfo describe_limits(bool in_use) {
    seminfo out{};
    out.semmap = SEMMAP;
    out.semmni = static_cast<i32>(ipc::semmni.load(std::memory_order_relaxed));
    out.semmns = static_cast<i32>(ipc::semmns.load(std::memory_order_relaxed));
    out.semmnu = SEMMNU;
    out.semmsl = static_cast<i32>(ipc::semmsl.load(std::memory_order_relaxed));
    out.semopm = static_cast<i32>(ipc::semopm.load(std::memory_order_relaxed));
    out.semume = SEMUME;
    out.semusz = in_use ? static_cast<i32>(ipc::semaphore_sets.count()) : SEMUSZ;
    out.semvmx = SEMVMX;
    out.semaem = in_use ? ipc::semaphore_total() : SEMAEM;
    return out;
}

/// The commands on one set, found by its id.
Result<i32> control_set(i32 id, i32 number, i32 command, u64 argument, ipc::Requester const& who) {
    auto const set = TRY(ipc::semaphore_sets.find(id));
    mm::UserPtr<u16> const values(argument);
    switch (command) {
    case GETVAL: case GETPID: case GETNCNT: case GETZCNT:
        return set->get(static_cast<u32>(number), static_cast<u32>(command), who);
    case SETVAL:
        TRY(set->set_value(static_cast<u32>(number), static_cast<i32>(argument), who));
        return 0;
    case GETALL:
        return with_values(*set, [&](std::span<u16> all) -> Result<> {
            TRY(set->get_all(all, who));
            return values.write_array(all);
        });
    case SETALL:
        return with_values(*set, [&](std::span<u16> all) -> Result<> {
            TRY(values.read_array(all));
            return set->set_all(all, who);
        });
    default: return fail(EINVAL);
    }
}

}

Result<i32> sys_semget(Caller& caller, i32 key, i32 count, u32 flags) {
    if (count < 0 || static_cast<u32>(count) > ipc::semmsl.load(std::memory_order_relaxed)) return fail(EINVAL);
    auto const who = requester(caller);
    u32 const wanted = static_cast<u32>(count);
    return ipc::semaphore_sets.get(key, flags, who, [&] { return ipc::SemaphoreSet::create(who, wanted, flags); },
                                   [&](ipc::SemaphoreSet& set) -> Result<> {
                                       if (wanted > set.count()) return fail(EINVAL);
                                       return {};
                                   });
}

Result<> sys_semop(Caller& caller, i32 id, UserAddr operations, u32 count) {
    return operate(caller, id, operations, count, sched::no_deadline);
}

Result<> sys_semtimedop(Caller& caller, i32 id, UserAddr operations, u32 count, UserAddr timeout) {
    if (timeout.is_null()) return operate(caller, id, operations, count, sched::no_deadline);
    u64 const deadline = deadline_of(TRY(read_timespec(timeout)), false, false);
    return operate(caller, id, operations, count, deadline);
}

Result<i32> sys_semctl(Caller& caller, i32 id, i32 number, i32 command, u64 argument) {
    if (id < 0) return fail(EINVAL);
    auto const who = requester(caller);
    mm::UserPtr<semid64_ds> const out(argument);
    switch (command) {
    case IPC_INFO:
    case SEM_INFO:
        TRY(mm::UserPtr<seminfo>(argument).write(describe_limits(command == SEM_INFO)));
        return ipc::semaphore_sets.highest_index();
    case IPC_STAT: {
        auto const set = TRY(ipc::semaphore_sets.find(id));
        TRY(out.write(TRY(set->status(who, true))));
        return 0;
    }
    case SEM_STAT:
    case SEM_STAT_ANY: {
        auto const set = ipc::semaphore_sets.at(static_cast<u32>(id));
        if (!set) return fail(EINVAL);
        TRY(out.write(TRY(set->status(who, command == SEM_STAT))));
        return set->id;
    }
    case IPC_SET: {
        auto const change = TRY(out.read());
        TRY(TRY(ipc::semaphore_sets.find(id))->change(change, who));
        return 0;
    }
    case IPC_RMID:
        TRY(ipc::semaphore_sets.end(id, who));
        return 0;
    default: return control_set(id, number, command, argument, who);
    }
}

}
