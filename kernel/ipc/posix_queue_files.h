// SPDX-License-Identifier: MIT
// POSIX message queues as files: the file system `mqueue`. mq_open(2) and mq_unlink(2) look up its names whether it is mounted
// or not. Limits: /proc/sys/fs/mqueue and RLIMIT_MSGQUEUE.
#pragma once

#include <atomic>
#include <optional>

#include <linux/mqueue.h>

#include "kernel/fs/vfs.h"
#include "kernel/ipc/posix_queue.h"

namespace ipc {

/// Set by root in /proc/sys/fs/mqueue. Ordering: relaxed; each word is independent.
struct PosixQueueLimits {
    static constexpr u32 hard_messages = 65536, hard_message_bytes = 16 * 1024 * 1024;   ///< even for root
    static constexpr u32 lowest_message_bytes = 128;
    std::atomic<u32> queues_max{256}, msg_max{10}, msgsize_max{8192}, msg_default{10}, msgsize_default{8192};
};
extern constinit PosixQueueLimits posix_queue_limits;

/// mq_open(2), decoded.
struct OpenQueue {
    std::string_view name;                           ///< without the leading slash, which the C library removes
    u32 flags = 0, mode = 0, umask = 0;
    std::optional<mq_attr> attributes;
    u64 byte_limit = 0;                              ///< RLIMIT_MSGQUEUE
};

class PosixQueueFile final : public fs::File {
public:
    PosixQueueFile(Ref<fs::Dentry> dentry, u32 flags, PosixQueue& queue) : File(std::move(dentry), flags), queue_(queue) {}
    /// Null: another kind of file.
    static PosixQueueFile* from(fs::File& file) { return file.kind() == &kind_mark ? static_cast<PosixQueueFile*>(&file) : nullptr; }
    void const* kind() const override { return &kind_mark; }
    PosixQueue& queue() const { return queue_; }
    fs::PollEvents poll(sched::WaitQueue*& queue_out) override { return queue_.poll(queue_out); }
    Result<> truncate(u64) override { return fail(EINVAL); }
    void flush(void const* owner) override;
    Result<> can_be_written() const override { return fail(EINVAL); }
    MM_OBJECT_CACHE(PosixQueueFile)
protected:
    Result<size_t> do_read(u64 position, mm::IoBuffer& buffer) override;
private:
    static inline char const kind_mark = 0;
    PosixQueue& queue_;                              ///< the inode's, which the dentry holds
};

/// ENOENT EACCES EEXIST EINVAL ENOSPC EMFILE EOVERFLOW ENAMETOOLONG ENOMEM.
Result<Ref<fs::File>> open_posix_queue(OpenQueue const& request, fs::Credentials const& who);
/// ENOENT EACCES EPERM ENAMETOOLONG.
Result<> unlink_posix_queue(std::string_view name, fs::Credentials const& who);

/// Registers the file system and /proc/sys/fs/mqueue. Called once from main.
Result<> register_posix_queues();
Result<> register_posix_queue_limits();

}
