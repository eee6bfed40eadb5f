// SPDX-License-Identifier: MIT
// Pairs of sockets: socketpair(2) send(2) recv(2) shutdown(2) getsockopt(2).
#include <algorithm>

#include <asm/socket.h>

#include "kernel/ipc/socket_pair.h"
#include "kernel/syscall/flags.h"
#include "kernel/syscall/handlers.h"
#include "kernel/syscall/transfer.h"

namespace syscall {
namespace {

using ipc::SocketFile;
using ipc::SocketType;

// sys/socket.h
constexpr u32 af_unix = 1, sock_raw = 3, type_mask = 0xf;
constexpr u32 msg_oob = 1, msg_trunc = 0x20, msg_nosignal = 0x4000, msg_cmsg_cloexec = 0x40000000;

Result<Ref<fs::File>> socket_of(Caller& caller, Fd fd) {
    auto file = TRY(usable_file(caller, fd));
    if (!SocketFile::from(*file)) return fail(ENOTSOCK);
    return file;
}

Result<size_t> send(Caller& caller, SocketFile& socket, mm::IoBuffer& buffer, u32 flags) {
    if (flags & msg_oob) return fail(EOPNOTSUPP);
    auto const sent = socket.send(buffer, flags);
    bool const signals = socket.type() == SocketType::Stream && !(flags & msg_nosignal);
    return signals ? after_write(caller, sent) : restartable(sent);
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

}

Result<> sys_socketpair(Caller& caller, u32 domain, u32 type, u32 protocol, mm::UserPtr<i32> out) {
    u32 const flags = type & ~type_mask;
    TRY(accepted::socketpair.check(type));
    if (domain != af_unix) return fail(EAFNOSUPPORT);
    if (protocol && protocol != af_unix) return fail(EPROTONOSUPPORT);
    return add_pair(caller, TRY(ipc::make_socket_pair(TRY(type_of(type & type_mask)), flags, caller.process.credentials)), flags, out);
}

Result<size_t> sys_sendto(Caller& caller, Fd fd, UserAddr address, u64 size, u32 flags, UserAddr name, u32 name_size) {
    auto file = TRY(socket_of(caller, fd));
    auto& socket = *SocketFile::from(*file);
    if (!name.is_null() && name_size) return fail(socket.type() == SocketType::Stream ? EISCONN : ECONNREFUSED);
    auto buffer = mm::IoBuffer::user(address, TRY(checked_size(address.value(), size)));
    return send(caller, socket, buffer, flags);
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
    auto& socket = *SocketFile::from(*file);
    auto const header = TRY(message.read());
    if (header.count > 1024) return fail(EMSGSIZE);
    if (header.control_size) return fail(EINVAL);      // descriptors cannot be passed
    if (header.name && header.name_size) return fail(socket.type() == SocketType::Stream ? EISCONN : ECONNREFUSED);
    Segments segments;
    auto buffer = mm::IoBuffer::user(TRY(segments.read(mm::UserPtr<mm::Segment>(header.vector), header.count)));
    return send(caller, socket, buffer, flags);
}

Result<size_t> sys_recvmsg(Caller& caller, Fd fd, mm::UserPtr<UserMessage> message, u32 flags) {
    auto file = TRY(socket_of(caller, fd));
    if (flags & msg_oob) return fail(EOPNOTSUPP);
    auto header = TRY(message.read());
    if (header.count > 1024) return fail(EMSGSIZE);
    Segments segments;
    auto buffer = mm::IoBuffer::user(TRY(segments.read(mm::UserPtr<mm::Segment>(header.vector), header.count)));
    auto const received = TRY(restartable(SocketFile::from(*file)->receive(buffer, flags)));
    header.name_size = 0;
    header.control_size = 0;
    header.flags = (received.truncated ? msg_trunc : 0) | (flags & msg_cmsg_cloexec);
    TRY(message.write(header));
    return received.size;
}

Result<> sys_shutdown(Caller& caller, Fd fd, i32 how) {
    auto file = TRY(socket_of(caller, fd));
    if (how < 0 || how > 2) return fail(EINVAL);
    SocketFile::from(*file)->shut_down(how != 1, how != 0);
    return {};
}

Result<> sys_getsockopt(Caller& caller, Fd fd, i32 level, i32 option, mm::UserPtr<i32> out, mm::UserPtr<i32> size) {
    auto file = TRY(socket_of(caller, fd));
    if (level != SOL_SOCKET) return fail(EOPNOTSUPP);
    i32 const room = TRY(size.read());
    if (room < 0) return fail(EINVAL);
    i32 value;
    switch (option) {
    case SO_TYPE: value = static_cast<i32>(SocketFile::from(*file)->type()); break;
    case SO_DOMAIN: value = af_unix; break;
    case SO_ERROR:
    case SO_PROTOCOL:
    case SO_ACCEPTCONN: value = 0; break;
    default: return fail(ENOPROTOOPT);
    }
    size_t const shown = std::min<size_t>(static_cast<size_t>(room), sizeof value);
    TRY(mm::UserPtr<char>(out.address()).write_array({reinterpret_cast<char const*>(&value), shown}));
    return size.write(static_cast<i32>(shown));
}

}
