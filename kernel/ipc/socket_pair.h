// SPDX-License-Identifier: MIT
// Pairs of connected sockets without names: socketpair(2), unix(7). Each direction is a queue of messages; a stream's
// boundaries are not seen by readers.
#pragma once

#include <utility>

#include "kernel/fs/file.h"

namespace ipc {

enum class SocketType : u8 { Stream = 1, Datagram = 2, Sequenced = 5 };   ///< SOCK_*

struct Received { size_t size = 0; bool truncated = false; };

class Channel;

class SocketFile final : public fs::File {
public:
    SocketFile(Ref<fs::Dentry> dentry, u32 flags, SocketType type, Ref<Channel> in, Ref<Channel> out);
    ~SocketFile() override;
    /// Null: another kind of file.
    static SocketFile* from(fs::File& file) { return file.kind() == &kind_mark ? static_cast<SocketFile*>(&file) : nullptr; }
    void const* kind() const override { return &kind_mark; }

    /// `flags`: MSG_DONTWAIT; others have been looked at. EPIPE EAGAIN EINTR EMSGSIZE ECONNREFUSED EFAULT ENOMEM.
    Result<size_t> send(mm::IoBuffer& buffer, u32 flags);
    /// MSG_PEEK, MSG_DONTWAIT, MSG_WAITALL, MSG_TRUNC. EAGAIN EINTR EFAULT.
    Result<Received> receive(mm::IoBuffer& buffer, u32 flags);
    void shut_down(bool reading, bool writing);
    SocketType type() const { return type_; }

    bool is_seekable() const override { return false; }
    fs::PollEvents poll(sched::WaitQueue*& queue_out) override;
    Result<i64> ioctl(u32 command, u64 argument) override;
    Result<> truncate(u64) override { return fail(EINVAL); }
    Result<> synchronise() override { return fail(EINVAL); }
    MM_OBJECT_CACHE(SocketFile)
protected:
    Result<size_t> do_read(u64, mm::IoBuffer& buffer) override;
    Result<size_t> do_write(u64, mm::IoBuffer& buffer) override { return send(buffer, 0); }
private:
    static inline char const kind_mark = 0;
    SocketType const type_;
    Ref<Channel> const in_, out_;
};

/// ENOMEM.
Result<std::pair<Ref<fs::File>, Ref<fs::File>>> make_socket_pair(SocketType type, u32 flags, fs::Credentials const& who);

}
