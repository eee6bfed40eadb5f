// SPDX-License-Identifier: MIT
// System V message queues: msgget(2) msgsnd(2) msgrcv(2) msgctl(2).
#include <algorithm>

#include "kernel/ipc/messages.h"
#include "kernel/syscall/ipc/ipc.h"

namespace syscall {
namespace {

msginfo describe_limits(bool in_use) {
    msginfo out{};
    auto const totals = ipc::message_totals();
    out.msgpool = in_use ? totals.queues : MSGPOOL;
    out.msgmap = in_use ? totals.messages : MSGMAP;
    out.msgtql = in_use ? totals.bytes : MSGTQL;
    out.msgmax = static_cast<i32>(ipc::msgmax.load(std::memory_order_relaxed));
    out.msgmnb = static_cast<i32>(ipc::msgmnb.load(std::memory_order_relaxed));
    out.msgmni = static_cast<i32>(ipc::msgmni.load(std::memory_order_relaxed));
    out.msgssz = MSGSSZ;
    out.msgseg = MSGSEG;
    return out;
}

}

Result<i32> sys_msgget(Caller& caller, i32 key, u32 flags) {
    auto const who = requester(caller);
    return ipc::message_queues.get(key, flags, who, [&] { return mm::make_ref<ipc::MessageQueue>(who, flags); },
                                   [](ipc::MessageQueue&) -> Result<> { return {}; });
}

Result<> sys_msgsnd(Caller& caller, i32 id, UserAddr address, i64 size, u32 flags) {
    i64 const type = TRY(mm::UserPtr<i64>(address).read());
    if (size < 0 || size > ipc::msgmax.load(std::memory_order_relaxed) || id < 0 || type < 1) return fail(EINVAL);
    mm::Owned<ipc::Message> message(TRY(mm::make<ipc::Message>()));
    message->type = type;
    message->text = TRY(mm::Buffer::allocate(static_cast<size_t>(size)));
    if (size && arch::copy_from_user(message->text.data(), address + sizeof type, message->text.size())) return fail(EFAULT);
    auto const queue = TRY(ipc::message_queues.find(id));
    return queue->send(std::move(message), !(flags & IPC_NOWAIT), requester(caller));
}

Result<size_t> sys_msgrcv(Caller& caller, i32 id, UserAddr address, i64 size, i64 type, u32 flags) {
    if (id < 0 || size < 0) return fail(EINVAL);
    bool const copies = flags & MSG_COPY;
    if (copies && ((flags & MSG_EXCEPT) || !(flags & IPC_NOWAIT))) return fail(EINVAL);
    ipc::MessageFilter filter;
    filter.type = type;
    filter.except = type > 0 && (flags & MSG_EXCEPT);
    filter.capacity = static_cast<u64>(size);
    filter.truncate = flags & MSG_NOERROR;
    auto const queue = TRY(ipc::message_queues.find(id));
    auto const message = TRY(copies ? queue->copy(static_cast<u64>(type), filter.capacity, filter.truncate, requester(caller))
                                    : queue->receive(filter, !(flags & IPC_NOWAIT), requester(caller)));
    size_t const length = std::min<u64>(message->text.size(), filter.capacity);
    TRY(mm::UserPtr<i64>(address).write(message->type));
    if (length && arch::copy_to_user(address + sizeof(i64), message->text.data(), length)) return fail(EFAULT);
    return length;
}

Result<i32> sys_msgctl(Caller& caller, i32 id, i32 command, UserAddr argument) {
    if (id < 0 || command < 0) return fail(EINVAL);
    auto const who = requester(caller);
    mm::UserPtr<msqid64_ds> const out(argument);
    switch (command) {
    case IPC_INFO:
    case MSG_INFO:
        TRY(mm::UserPtr<msginfo>(argument).write(describe_limits(command == MSG_INFO)));
        return ipc::message_queues.highest_index();
    case IPC_STAT: {
        auto const queue = TRY(ipc::message_queues.find(id));
        TRY(out.write(TRY(queue->status(who, true))));
        return 0;
    }
    case MSG_STAT:
    case MSG_STAT_ANY: {
        auto const queue = ipc::message_queues.at(static_cast<u32>(id));
        if (!queue) return fail(EINVAL);
        TRY(out.write(TRY(queue->status(who, command == MSG_STAT))));
        return queue->id;
    }
    case IPC_SET: {
        auto const change = TRY(out.read());
        TRY(TRY(ipc::message_queues.find(id))->change(change, who));
        return 0;
    }
    case IPC_RMID:
        TRY(ipc::message_queues.end(id, who));
        return 0;
    default: return fail(EINVAL);
    }
}

}
