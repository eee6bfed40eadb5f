// SPDX-License-Identifier: MIT
// Pairs of connected sockets without names: socketpair(2), unix(7). Each direction is a queue of messages; readers of a
// stream do not see the boundaries.
#pragma once

#include <utility>

#include <base/from_above.h>

#include "kernel/fs/file.h"
#include "kernel/ipc/passed_files.h"

namespace ipc {

enum class SocketType : u8 { Stream = 1, Datagram = 2, Sequenced = 5 };   ///< SOCK_*

/// The sender of a message, or the maker of a pair: struct ucred of unix(7). The default is what Linux shows for none.
struct Sender {
    i32 pid = 0;
    u32 uid = 65534, gid = 65534;
    bool operator==(Sender const&) const = default;
};
static_assert(sizeof(Sender) == 12);

/// What is sent with the bytes: once, with the first of them.
struct Outgoing {
    bool names_sender = false;                       ///< SCM_CREDENTIALS was given
    Sender sender;
    PassedFiles files;
};

struct Received {
    size_t size = 0;
    bool truncated = false;
    bool ends_here = false;                          ///< the next bytes are another sender's, or files came
    bool has_sender = false;
    Sender sender;
    PassedFiles files;
};

class Channel;

class SocketFile final : public fs::File, public FlyingSocket {
public:
    SocketFile(Ref<fs::Dentry> dentry, u32 flags, SocketType type, Ref<Channel> in, Ref<Channel> out, Sender const& maker);
    ~SocketFile() override;
    /// Null: another kind of file.
    static SocketFile* from(fs::File& file) { return file.kind() == &kind_mark ? static_cast<SocketFile*>(&file) : nullptr; }
    void const* kind() const override { return &kind_mark; }

    /// `flags`: MSG_DONTWAIT; the caller handles the others. EPIPE EAGAIN EINTR EMSGSIZE ECONNREFUSED ENOTCONN ECONNRESET EFAULT
    /// ENOMEM.
    Result<size_t> send(mm::IoBuffer& buffer, u32 flags, Outgoing& extra);
    /// MSG_PEEK, MSG_DONTWAIT, MSG_WAITALL, MSG_TRUNC. EAGAIN EINTR EFAULT ECONNRESET ENOMEM.
    Result<Received> receive(mm::IoBuffer& buffer, u32 flags);
    void shut_down(bool reading, bool writing);
    /// True once after the other side has closed with unread bytes: ECONNRESET.
    bool take_reset();
    SocketType type() const { return type_; }
    Channel& incoming() const { return *in_; }
    Channel& outgoing() const { return *out_; }
    Sender const& peer_maker() const { return maker_; }              ///< SO_PEERCRED
    std::atomic<u32> receive_buffer;                                  ///< SO_RCVBUF; has no other effect

    u64 held_pages() const override;
    bool is_seekable() const override { return false; }
    bool breaks_with_signal() const override { return type_ == SocketType::Stream; }
    fs::PollEvents poll(sched::WaitQueue*& queue_out) override;
    Result<i64> ioctl(u32 command, u64 argument) override;
    Result<> truncate(u64) override { return fail(EINVAL); }
    Result<> synchronise() override { return fail(EINVAL); }
    MM_OBJECT_CACHE(SocketFile)
protected:
    Result<size_t> do_read(u64, mm::IoBuffer& buffer) override;
    Result<size_t> do_write(u64, mm::IoBuffer& buffer) override;
private:
    static inline char const kind_mark = 0;
    SocketType const type_;
    Ref<Channel> const in_, out_;
    Sender const maker_;
};

/// ENOMEM.
Result<std::pair<Ref<fs::File>, Ref<fs::File>>> make_socket_pair(SocketType type, u32 flags, fs::Credentials const& who, Sender const& maker);

/// The running process, for messages whose receiver asks for the sender.
extern constinit base::FromAbove<Sender()> current_sender;

}
