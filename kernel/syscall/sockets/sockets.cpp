// SPDX-License-Identifier: MIT
// Pairs of sockets: socketpair(2) send(2) recv(2) shutdown(2) sendmmsg(2) recvmmsg(2).

#include <algorithm>

#include <arch/time.h>

#include "kernel/ipc/channel.h"
#include "kernel/syscall/files/transfer.h"
#include "kernel/syscall/flags.h"
#include "kernel/syscall/sockets/socket_control.h"
#include "kernel/syscall/sockets/sockets.h"
#include "kernel/syscall/timespec.h"

namespace syscall {
namespace {

using ipc::SocketFile;
using ipc::SocketType;

// sys/socket.h
constexpr u32 af_unix = 1, af_inet = 2, af_inet6 = 10, sock_raw = 3, type_limit = 11, type_mask = 0xf;
constexpr u32 protocol_tcp = 6, protocol_udp = 17;
constexpr u32 msg_oob = 1, msg_trunc = 0x20, msg_dontwait = 0x40, msg_nosignal = 0x4000, msg_waitforone = 0x10000;
constexpr u32 most_messages = 1024;                      // UIO_MAXIOV

Result<size_t> send(Caller& caller, SocketFile& socket, mm::IoBuffer& buffer, u32 flags, ipc::Outgoing& extra) {
    if (flags & msg_oob) return fail(EOPNOTSUPP);
    auto const sent = socket.send(buffer, flags, extra);
    return flags & msg_nosignal ? restartable(sent) : after_write(caller, socket, sent);
}

Result<SocketType> type_of(u32 value) {
    switch (value) {
    case static_cast<u32>(SocketType::Stream): return SocketType::Stream;
    case static_cast<u32>(SocketType::Datagram):
    case sock_raw: return SocketType::Datagram;
    case static_cast<u32>(SocketType::Sequenced): return SocketType::Sequenced;
    default: return fail(ESOCKTNOSUPPORT);
    }
}

/// A family without pairs: which of its sockets there would be, socketpair(2).
Errno refusal_of(u32 domain, u32 type, u32 protocol) {
    if (domain != af_inet && domain != af_inet6) return Errno(EAFNOSUPPORT);
    if (type >= type_limit) return Errno(EINVAL);
    bool const is_stream = type == static_cast<u32>(SocketType::Stream), is_datagram = type == static_cast<u32>(SocketType::Datagram);
    if (!is_stream && !is_datagram && type != sock_raw) return Errno(ESOCKTNOSUPPORT);
    bool const exists = (is_stream || is_datagram) && (protocol == 0 || protocol == (is_stream ? protocol_tcp : protocol_udp));
    return Errno(exists ? EOPNOTSUPP : EPROTONOSUPPORT);
}

ipc::Sender running_sender() {
    auto const& process = process::current_process();
    return {process.pid().value, process.credentials.real_uid.value, process.credentials.real_gid.value};
}

Result<size_t> send_message(Caller& caller, SocketFile& socket, UserMessage const& header, u32 flags) {
    if (header.count > most_messages) return fail(EMSGSIZE);
    Segments segments;
    auto buffer = mm::IoBuffer::user(TRY(segments.read(mm::UserPtr<mm::Segment>(header.vector), header.count)));
    auto extra = TRY(read_control(caller, header));
    if (header.name && header.name_size) return fail(socket.type() == SocketType::Stream ? EISCONN : ECONNREFUSED);
    return send(caller, socket, buffer, flags, extra);
}

Result<size_t> receive_message(Caller& caller, SocketFile& socket, mm::UserPtr<UserMessage> address, u32 flags) {
    if (flags & msg_oob) return fail(EOPNOTSUPP);
    auto header = TRY(address.read());
    if (header.count > most_messages) return fail(EMSGSIZE);
    Segments segments;
    auto buffer = mm::IoBuffer::user(TRY(segments.read(mm::UserPtr<mm::Segment>(header.vector), header.count)));
    auto received = TRY(restartable(socket.receive(buffer, flags)));
    header.name_size = 0;
    header.flags = (received.truncated ? msg_trunc : 0) | (flags & msg_cmsg_cloexec);
    write_control(caller, header, received, socket.incoming().tells_sender.load(std::memory_order_relaxed));
    TRY(address.write(header));
    return received.size;
}

}

Result<Ref<fs::File>> socket_of(Caller& caller, Fd fd) {
    auto file = TRY(usable_file(caller, fd));
    if (!SocketFile::from(*file)) return fail(ENOTSOCK);
    return file;
}

void register_sender() { ipc::current_sender.provide(running_sender); }

/// No family has sockets that are not pairs.
Result<Fd> sys_socket(Caller&, u32, u32 type, u32) {
    TRY(accepted::socket.check(type));
    return fail(EAFNOSUPPORT);
}

Result<> sys_socketpair(Caller& caller, u32 domain, u32 type, u32 protocol, mm::UserPtr<i32> out) {
    u32 const flags = type & ~type_mask;
    TRY(accepted::socketpair.check(type));
    if (domain != af_unix) return fail(refusal_of(domain, type & type_mask, protocol));
    if ((type & type_mask) >= type_limit) return fail(EINVAL);
    if (protocol && protocol != af_unix) return fail(EPROTONOSUPPORT);
    auto const& who = caller.process.credentials;
    ipc::Sender const maker{caller.process.pid().value, who.effective_uid.value, who.effective_gid.value};
    return add_pair(caller, TRY(ipc::make_socket_pair(TRY(type_of(type & type_mask)), flags, who, maker)), flags, out);
}

Result<size_t> sys_sendto(Caller& caller, Fd fd, UserAddr address, u64 size, u32 flags, UserAddr name, u32 name_size) {
    auto file = TRY(socket_of(caller, fd));
    auto& socket = *SocketFile::from(*file);
    if (!name.is_null() && name_size) return fail(socket.type() == SocketType::Stream ? EISCONN : ECONNREFUSED);
    auto buffer = mm::IoBuffer::user(address, TRY(checked_size(address.value(), size)));
    ipc::Outgoing bytes_only;
    return send(caller, socket, buffer, flags, bytes_only);
}

Result<size_t> sys_recvfrom(Caller& caller, Fd fd, UserAddr address, u64 size, u32 flags, UserAddr name, mm::UserPtr<i32> name_size) {
    auto file = TRY(socket_of(caller, fd));
    if (flags & msg_oob) return fail(EOPNOTSUPP);
    auto buffer = mm::IoBuffer::user(address, TRY(checked_size(address.value(), size)));
    auto const received = TRY(restartable(SocketFile::from(*file)->receive(buffer, flags)));
    if (!name.is_null()) TRY(name_size.write(0));      // the other side has no name
    return received.size;
}

Result<size_t> sys_sendmsg(Caller& caller, Fd fd, mm::UserPtr<UserMessage> message, u32 flags) {
    auto file = TRY(socket_of(caller, fd));
    return send_message(caller, *SocketFile::from(*file), TRY(message.read()), flags);
}

Result<size_t> sys_recvmsg(Caller& caller, Fd fd, mm::UserPtr<UserMessage> message, u32 flags) {
    auto file = TRY(socket_of(caller, fd));
    return receive_message(caller, *SocketFile::from(*file), message, flags);
}

Result<> sys_shutdown(Caller& caller, Fd fd, i32 how) {
    auto file = TRY(socket_of(caller, fd));
    if (how < 0 || how > 2) return fail(EINVAL);
    SocketFile::from(*file)->shut_down(how != 1, how != 0);
    return {};
}

Result<u32> sys_sendmmsg(Caller& caller, Fd fd, mm::UserPtr<UserMessageEntry> messages, u32 count, u32 flags) {
    auto file = TRY(socket_of(caller, fd));
    count = std::min(count, most_messages);
    for (u32 done = 0; done < count; ++done) {
        auto const entry = messages + done;
        auto const header = mm::UserPtr<UserMessage>(entry.address()).read();
        auto const sent = header ? send_message(caller, *SocketFile::from(*file), *header, flags) : fail(header.error());
        auto const told = sent ? mm::UserPtr<u32>(entry.address() + offsetof(UserMessageEntry, size)).write(static_cast<u32>(*sent)) : fail(sent.error());
        if (!told) return done ? Result<u32>(done) : fail(told.error());
    }
    return count;
}

Result<u32> sys_recvmmsg(Caller& caller, Fd fd, mm::UserPtr<UserMessageEntry> messages, u32 count, u32 flags, UserAddr timeout) {
    u64 const deadline = timeout.is_null() ? sched::no_deadline : deadline_of(TRY(read_timespec(timeout)), false, false);
    auto file = TRY(socket_of(caller, fd));
    u32 done = 0;
    while (done < count) {
        auto const entry = messages + done;
        auto const got = receive_message(caller, *SocketFile::from(*file), mm::UserPtr<UserMessage>(entry.address()), flags & ~msg_waitforone);
        auto const told = got ? mm::UserPtr<u32>(entry.address() + offsetof(UserMessageEntry, size)).write(static_cast<u32>(*got)) : fail(got.error());
        if (!told && done == 0) return fail(told.error());
        if (!told) break;
        ++done;
        if (flags & msg_waitforone) flags |= msg_dontwait;
        if (arch::clock_ns() >= deadline) break;         // looked at after each message only: recvmmsg(2), BUGS
    }
    if (!timeout.is_null()) {
        u64 const now = arch::clock_ns(), left = deadline > now ? deadline - now : 0;
        i64 const rest[] = {static_cast<i64>(left / ns_per_s), static_cast<i64>(left % ns_per_s)};
        TRY(mm::UserPtr<i64>(timeout).write_array(rest));
    }
    return done;
}

}
