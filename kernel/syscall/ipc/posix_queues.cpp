// SPDX-License-Identifier: MIT
// POSIX message queues: mq_open(2) mq_unlink(2) mq_send(2) mq_receive(2) mq_notify(2) mq_getattr(2).

#include <asm-generic/siginfo.h>
#include <asm/resource.h>

#include "kernel/ipc/posix_queue_files.h"
#include "kernel/process/process_manager.h"
#include "kernel/process/signal/signal.h"
#include "kernel/syscall/arguments.h"
#include "kernel/syscall/ipc/ipc.h"
#include "kernel/syscall/timespec.h"

namespace syscall {
namespace {

/// A queue's descriptor. `allows`: which right it must have. EBADF.
struct OpenedQueue {
    Ref<fs::File> file;
    ipc::PosixQueue& queue() const { return ipc::PosixQueueFile::from(*file)->queue(); }
    bool waits() const { return !(file->flags() & O_NONBLOCK); }
};

Result<OpenedQueue> queue_of(Caller& caller, Fd fd) {
    auto file = TRY(usable_file(caller, fd));
    if (!ipc::PosixQueueFile::from(*file)) return fail(EBADF);
    return OpenedQueue{std::move(file)};
}

/// The moment, of the wall clock, after which a call no longer waits. EFAULT EINVAL.
Result<u64> deadline_at(UserAddr address) {
    if (address.is_null()) return sched::no_deadline;
    return deadline_of(TRY(read_timespec(address)), true, true);
}

void tell(Caller& caller, ipc::QueueNotification const& wish) {
    if (wish.how != SIGEV_SIGNAL || wish.signal == 0) return;
    auto const target = process::process_manager.find(wish.pid.get());
    // It has ended, or it runs another program, of other rights perhaps.
    if (!target || target->programs.load(std::memory_order_relaxed) != wish.program) return;
    process::SignalInfo info;
    info.signal = wish.signal;
    info.code = SI_MESGQ;
    info.pid = caller.process.pid().value;
    info.uid = caller.process.credentials.real_uid.value;
    info.value = wish.value;
    process::send_signal(*target, info);
}

/// SIGEV_THREAD wants a netlink socket, of which there are none. Linux's errors for anything else.
Result<> refuse_socket(Caller& caller, UserSignalEvent const& event) {
    u8 cookie[NOTIFY_COOKIE_LEN];
    TRY(mm::UserPtr<u8>(event.value).read_array(cookie));
    auto const file = TRY(usable_file(caller, Fd(event.signal)));
    return fail(file->inode() && file->inode()->type() == fs::FileType::Socket ? EINVAL : ENOTSOCK);
}

}

Result<Fd> sys_mq_open(Caller& caller, UserAddr name, u32 flags, u32 mode, mm::UserPtr<mq_attr> attributes) {
    ipc::OpenQueue request;
    if (!attributes.is_null()) request.attributes = TRY(attributes.read());
    UserPath buffer;
    request.name = TRY(buffer.read(name));
    request.flags = flags;
    request.mode = mode;
    request.umask = caller.thread.names->umask();
    request.byte_limit = caller.process.limit(RLIMIT_MSGQUEUE).soft;
    auto file = TRY(ipc::open_posix_queue(request, caller.process.credentials));
    return caller.thread.descriptors->add(std::move(file), fs::CloseOnExec::Yes, descriptor_limit(caller));
}

Result<> sys_mq_unlink(Caller& caller, UserAddr name) {
    UserPath buffer;
    return ipc::unlink_posix_queue(TRY(buffer.read(name)), caller.process.credentials);
}

Result<> sys_mq_timedsend(Caller& caller, Fd fd, UserAddr text, u64 size, u32 priority, UserAddr timeout) {
    u64 const deadline = TRY(deadline_at(timeout));
    if (priority >= ipc::queue_priorities) return fail(EINVAL);
    auto const opened = TRY(queue_of(caller, fd));
    if (!opened.file->is_writable()) return fail(EBADF);
    if (size > opened.queue().message_size()) return fail(EMSGSIZE);
    mm::Owned<ipc::PosixMessage> message(TRY(mm::make<ipc::PosixMessage>()));
    message->priority = priority;
    message->text = TRY(mm::Buffer::allocate(size));
    if (size && arch::copy_from_user(message->text.data(), text, size)) return fail(EFAULT);
    auto const told = TRY(restartable(opened.queue().send(std::move(message), opened.waits(), deadline)));
    opened.file->inode()->touch_modified();
    if (told) tell(caller, *told);
    return {};
}

Result<size_t> sys_mq_timedreceive(Caller& caller, Fd fd, UserAddr text, u64 size, mm::UserPtr<u32> priority, UserAddr timeout) {
    u64 const deadline = TRY(deadline_at(timeout));
    auto const opened = TRY(queue_of(caller, fd));
    if (!opened.file->is_readable()) return fail(EBADF);
    if (size < opened.queue().message_size()) return fail(EMSGSIZE);
    auto const message = TRY(restartable(opened.queue().receive(opened.waits(), deadline)));
    opened.file->inode()->touch_modified();
    if (!priority.is_null()) TRY(priority.write(message->priority));
    size_t const length = message->text.size();
    if (length && arch::copy_to_user(text, message->text.data(), length)) return fail(EFAULT);
    return length;
}

Result<> sys_mq_notify(Caller& caller, Fd fd, mm::UserPtr<UserSignalEvent> address) {
    ipc::QueueNotification wish{base::HeldPid::hold(caller.process.pid()), caller.process.programs.load(std::memory_order_relaxed), caller.thread.descriptors.get()};
    if (!address.is_null()) {
        auto const event = TRY(address.read());
        wish.how = event.how;
        wish.value = event.value;
        wish.signal = event.signal;
        if (event.how != SIGEV_NONE && event.how != SIGEV_SIGNAL && event.how != SIGEV_THREAD) return fail(EINVAL);
        if (event.how == SIGEV_SIGNAL && (event.signal < 0 || event.signal > process::signal_count)) return fail(EINVAL);
        if (event.how == SIGEV_THREAD) return refuse_socket(caller, event);
    }
    auto const opened = TRY(queue_of(caller, fd));
    if (!address.is_null()) TRY(opened.queue().notify(wish));
    // If the descriptor was closed in between, its closer may have looked for the wish before it existed.
    auto const still = caller.thread.descriptors->get(fd);
    if (address.is_null() || !still || still->get() != opened.file.get()) opened.queue().stop_notifying(wish.owner);
    return {};
}

Result<> sys_mq_getsetattr(Caller& caller, Fd fd, mm::UserPtr<mq_attr> to, mm::UserPtr<mq_attr> from) {
    mq_attr const wanted = to.is_null() ? mq_attr{} : TRY(to.read());
    if (wanted.mq_flags & ~static_cast<__kernel_long_t>(O_NONBLOCK)) return fail(EINVAL);
    auto const opened = TRY(queue_of(caller, fd));
    mq_attr before{};
    u32 const flags = opened.file->flags();
    before.mq_flags = flags & O_NONBLOCK;
    before.mq_maxmsg = static_cast<__kernel_long_t>(opened.queue().most_messages());
    before.mq_msgsize = static_cast<__kernel_long_t>(opened.queue().message_size());
    before.mq_curmsgs = static_cast<__kernel_long_t>(opened.queue().count());
    if (!to.is_null()) opened.file->set_status_flags((flags & ~u32{O_NONBLOCK}) | static_cast<u32>(wanted.mq_flags));
    return from.is_null() ? Result<>() : from.write(before);
}

}
