// SPDX-License-Identifier: MIT
// Control messages between a program's memory and a socket: cmsg(3), unix(7).
#include "kernel/syscall/sockets/socket_control.h"

#include <algorithm>
#include <cstring>

#include <asm/resource.h>
#include <asm/socket.h>

#include "kernel/process/process_manager.h"
#include "kernel/syscall/arguments.h"

namespace syscall {
namespace {

constexpr u32 scm_rights = 1, scm_credentials = 2;       // sys/socket.h
constexpr u64 most_control = 20 * kib;                   // Linux's net.core.optmem_max, until 6.8

/// struct cmsghdr; what follows is padded to 8 bytes.
struct ControlHeader { u64 size; i32 level, type; };

using Bytes = std::span<std::byte const>;

Result<> add_files(Caller& caller, Bytes numbers, ipc::PassedFiles& files) {
    u32 const count = static_cast<u32>(numbers.size() / sizeof(i32));
    if (files.count() + count > ipc::PassedFiles::most) return fail(EINVAL);
    for (u32 i = 0; i < count; ++i) {
        i32 number;
        std::memcpy(&number, numbers.data() + i * sizeof number, sizeof number);
        files.add(TRY(file_of(caller, Fd(number))));
    }
    return {};
}

/// Only root may say that it is another: unix(7).
Result<ipc::Sender> checked_sender(Caller& caller, Bytes bytes) {
    ipc::Sender out;
    if (bytes.size() != sizeof out) return fail(EINVAL);
    std::memcpy(&out, bytes.data(), sizeof out);
    auto const& own = caller.process.credentials;
    UserId const uid(out.uid);
    GroupId const gid(out.gid);
    bool const is_own_pid = out.pid == caller.process.pid().value;
    bool const is_true = is_own_pid && (uid == own.real_uid || uid == own.effective_uid || uid == own.saved_uid)
                         && (gid == own.real_gid || gid == own.effective_gid || gid == own.saved_gid);
    if (!is_true && own.effective_uid.value != 0) return fail(EPERM);
    if (!is_own_pid && (out.pid <= 0 || !process::process_manager.find(Pid(out.pid)))) return fail(ESRCH);
    if (out.uid == ~0u || out.gid == ~0u) return fail(EINVAL);
    return out;
}

Result<> read_item(Caller& caller, ControlHeader const& header, Bytes data, u64 whole_size, ipc::Outgoing& out) {
    if (header.level != SOL_SOCKET) return {};
    switch (static_cast<u32>(header.type)) {
    case scm_rights:
        if (!out.files) out.files = TRY(ipc::PassedFiles::create(std::min<u32>(static_cast<u32>(whole_size / sizeof(i32)), ipc::PassedFiles::most)));
        return add_files(caller, data, out.files);
    case scm_credentials:
        out.sender = TRY(checked_sender(caller, data));
        out.names_sender = true;
        return {};
    default: return fail(EINVAL);
    }
}

Result<> read_items(Caller& caller, Bytes all, ipc::Outgoing& out) {
    for (u64 at = 0; all.size() - at >= sizeof(ControlHeader);) {
        ControlHeader header;
        std::memcpy(&header, all.data() + at, sizeof header);
        if (header.size < sizeof header || header.size > all.size() - at) return fail(EINVAL);
        TRY(read_item(caller, header, all.subspan(at + sizeof header, header.size - sizeof header), all.size(), out));
        at = std::min<u64>(at + align_up(header.size, sizeof(u64)), all.size());
    }
    return {};
}

/// Where the next control message goes.
struct ControlRoom {
    u64 address, left;
    bool is_cut = false;
    /// A message of `size` bytes of data was written there.
    void advance(u64 size) {
        u64 const used = std::min<u64>(align_up(sizeof(ControlHeader) + size, sizeof(u64)), left);
        address += used;
        left -= used;
    }
};

void write_sender(ControlRoom& room, ipc::Sender const& sender) {
    ControlHeader header{sizeof(ControlHeader) + sizeof sender, SOL_SOCKET, static_cast<i32>(scm_credentials)};
    if (room.left < sizeof header) {
        room.is_cut = true;
        return;
    }
    if (room.left < header.size) {
        room.is_cut = true;
        header.size = room.left;
    }
    std::span const data(reinterpret_cast<char const*>(&sender), header.size - sizeof header);
    if (!mm::UserPtr<ControlHeader>(room.address).write(header)) return;
    if (!mm::UserPtr<char>(room.address + sizeof header).write_array(data)) return;
    room.advance(sizeof sender);
}

/// One more descriptor, its number written to `out`. EMFILE EFAULT ENOMEM: there is none.
Result<> install(Caller& caller, Ref<fs::File> const& file, bool close_on_exec, mm::UserPtr<i32> out) {
    auto& table = *caller.thread.descriptors;
    Fd const fd = TRY(table.add(file, close_on_exec ? fs::CloseOnExec::Yes : fs::CloseOnExec::No, descriptor_limit(caller)));
    if (out.write(fd.value)) return {};
    table.close_if(fd, *file);
    return fail(EFAULT);
}

void write_files(Caller& caller, ControlRoom& room, ipc::PassedFiles const& files, bool close_on_exec) {
    u64 const fit = room.left <= sizeof(ControlHeader) ? 0 : (room.left - sizeof(ControlHeader)) / sizeof(i32);
    u32 const wanted = static_cast<u32>(std::min<u64>(fit, files.count()));
    mm::UserPtr<i32> const numbers(room.address + sizeof(ControlHeader));
    u32 done = 0;
    while (done < wanted && install(caller, files.at(done), close_on_exec, numbers + done)) ++done;
    if (done < files.count()) room.is_cut = true;
    if (done == 0) return;
    u64 const size = done * sizeof(i32);
    if (mm::UserPtr<ControlHeader>(room.address).write({sizeof(ControlHeader) + size, SOL_SOCKET, static_cast<i32>(scm_rights)}))
        room.advance(size);
}

}

Result<ipc::Outgoing> read_control(Caller& caller, UserMessage const& header) {
    ipc::Outgoing out;
    if (header.control_size > most_control) return fail(ENOBUFS);
    if (header.control_size == 0) return out;
    auto const buffer = TRY(mm::Buffer::allocate(header.control_size));
    TRY(mm::UserPtr<std::byte>(header.control).read_array({buffer.data(), buffer.size()}));
    TRY(read_items(caller, {buffer.data(), buffer.size()}, out));
    if (out.files.count() == 0) out.files = {};
    if (!out.files) return out;
    u64 limit = ~u64{0};
    if (caller.process.credentials.effective_uid.value != 0) limit = u64{descriptor_limit(caller)} + out.files.count();
    TRY(out.files.charge(caller.process.copy_user(), limit));
    return out;
}

void write_control(Caller& caller, UserMessage& header, ipc::Received& received, bool tells_sender) {
    if (header.control == 0) {
        if (tells_sender || received.files) header.flags |= msg_ctrunc;
        header.control_size = 0;
        return;
    }
    ControlRoom room{header.control, header.control_size};
    if (tells_sender) write_sender(room, received.sender);
    if (received.files) write_files(caller, room, received.files, header.flags & msg_cmsg_cloexec);
    if (room.is_cut) header.flags |= msg_ctrunc;
    header.control_size -= room.left;
}

}
