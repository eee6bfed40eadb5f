// SPDX-License-Identifier: MIT
// Options of sockets: getsockopt(2) setsockopt(2), socket(7), unix(7).
#include <algorithm>

#include <asm/socket.h>

#include "kernel/ipc/channel.h"
#include "kernel/syscall/arguments.h"
#include "kernel/syscall/sockets/sockets.h"

namespace syscall {
namespace {

using ipc::SocketFile;

constexpr i32 af_unix = 1;
constexpr u32 largest_buffer = 208 * 1024;               // Linux's net.core.wmem_max and rmem_max
constexpr u32 smallest_send_buffer = 4608, smallest_receive_buffer = 2304;

/// What was asked for, doubled as in socket(7).
u32 buffer_size(i32 wanted, u32 smallest) { return std::max(std::min(static_cast<u32>(wanted), largest_buffer) * 2, smallest); }

Result<> write_option(mm::UserPtr<i32> out, mm::UserPtr<i32> size, void const* value, size_t value_size) {
    i32 const room = TRY(size.read());
    if (room < 0) return fail(EINVAL);
    size_t const shown = std::min<size_t>(static_cast<size_t>(room), value_size);
    TRY(mm::UserPtr<char>(out.address()).write_array({static_cast<char const*>(value), shown}));
    return size.write(static_cast<i32>(shown));
}

}

Result<> sys_getsockopt(Caller& caller, Fd fd, i32 level, i32 option, mm::UserPtr<i32> out, mm::UserPtr<i32> size) {
    auto file = TRY(socket_of(caller, fd));
    auto& socket = *SocketFile::from(*file);
    if (level != SOL_SOCKET) return fail(EOPNOTSUPP);
    if (TRY(size.read()) < 0) return fail(EINVAL);
    i32 value;
    switch (option) {
    case SO_TYPE: value = static_cast<i32>(socket.type()); break;
    case SO_DOMAIN: value = af_unix; break;
    case SO_ERROR: value = socket.take_reset() ? ECONNRESET : 0; break;
    case SO_PROTOCOL:
    case SO_ACCEPTCONN: value = 0; break;
    case SO_PASSCRED: value = socket.incoming().tells_sender.load(std::memory_order_relaxed); break;
    case SO_SNDBUF: value = static_cast<i32>(socket.outgoing().capacity.load(std::memory_order_relaxed)); break;
    case SO_RCVBUF: value = static_cast<i32>(socket.receive_buffer.load(std::memory_order_relaxed)); break;
    case SO_PEERCRED: return write_option(out, size, &socket.peer_maker(), sizeof(ipc::Sender));
    default: return fail(ENOPROTOOPT);
    }
    return write_option(out, size, &value, sizeof value);
}

Result<> sys_setsockopt(Caller& caller, Fd fd, i32 level, i32 option, mm::UserPtr<i32> in, i32 size) {
    auto file = TRY(socket_of(caller, fd));
    auto& socket = *SocketFile::from(*file);
    if (size < 0) return fail(EINVAL);
    if (level != SOL_SOCKET) return fail(EOPNOTSUPP);
    if (size < static_cast<i32>(sizeof(i32))) return fail(EINVAL);
    i32 const value = TRY(in.read());
    switch (option) {
    case SO_PASSCRED:
        socket.incoming().tells_sender.store(value != 0, std::memory_order_relaxed);
        return {};
    case SO_SNDBUF:
        socket.outgoing().capacity.store(buffer_size(value, smallest_send_buffer), std::memory_order_relaxed);
        socket.outgoing().announce_room();               // there may be some now
        return {};
    case SO_RCVBUF:
        socket.receive_buffer.store(buffer_size(value, smallest_receive_buffer), std::memory_order_relaxed);
        return {};
    default: return fail(ENOPROTOOPT);
    }
}

}
