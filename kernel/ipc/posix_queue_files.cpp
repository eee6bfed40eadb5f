// SPDX-License-Identifier: MIT
// The file system mqueue: one flat directory of queues; mq_overview(7). A queue is part of its inode, so it lives while it has a
// name or an open file. The inode holds the charges for the number of queues and their bytes.
#include "kernel/ipc/posix_queue_files.h"

#include <algorithm>

#include <linux/fcntl.h>

#include <base/format.h>

#include "kernel/fs/tree_edit.h"

namespace ipc {

MM_OBJECT_CACHE_DEFINE(PosixQueueFile)

constinit PosixQueueLimits posix_queue_limits;

namespace {

constexpr u64 entry_size = 20, queue_file_size = 80;       // the sizes that stat shows, as in Linux
// What Linux charges against RLIMIT_MSGQUEUE besides the bytes of the messages: mq_overview(7), getrlimit(2).
constexpr u64 message_overhead = 48, priority_overhead = 48;

constinit std::atomic<u32> queue_count{0};

class QueueFileSystem final : public fs::FileSystem {
public:
    constexpr QueueFileSystem() = default;
    Result<> initialize();
    std::string_view type_name() const override { return "mqueue"; }
    Ref<fs::Inode> root() override { return root_->inode(); }
    Ref<fs::Dentry> root_dentry() override { return Ref<fs::Dentry>::share(root_); }
    u64 device() const override { return device_; }
    Statistics statistics() override { return {.type = 0x19800202}; }   // MQUEUE_MAGIC
    bool allows_new_names() const override { return false; }
    u64 next_number() { return next_number_.fetch_add(1, std::memory_order_relaxed); }
private:
    fs::Dentry* root_ = nullptr;                            ///< owns a reference; set once
    u64 device_ = 0;
    std::atomic<u64> next_number_{1};
};

constinit QueueFileSystem queue_file_system;

class QueueDirectory final : public fs::Inode {
public:
    QueueDirectory() : Inode(queue_file_system, queue_file_system.next_number(), {fs::FileType::Directory, 01777, UserId(0), GroupId(0)}) {
        adjust_links(1);
    }
    fs::Names* names() override { return &names_; }
    Result<fs::Attributes> attributes() override {
        auto out = Inode::attributes();
        out->size = (2 + u64{names_.count()}) * entry_size;
        return out;
    }
private:
    fs::Names names_;
};

/// The capacity of a queue, and its charge.
struct Size {
    u64 messages = 0, bytes = 0;
    u64 cost() const { return messages * (bytes + message_overhead) + std::min<u64>(messages, queue_priorities) * priority_overhead; }
};

class QueueInode final : public fs::Inode {
public:
    QueueInode(fs::Ownership const& owner, Size size, fs::Charge charge)
        : Inode(queue_file_system, queue_file_system.next_number(), owner), queue(size.messages, size.bytes), charge_(std::move(charge)) {}
    ~QueueInode() override {
        queue_count.fetch_sub(1, std::memory_order_relaxed);
    }
    Result<fs::Attributes> attributes() override {
        auto out = Inode::attributes();
        out->size = queue_file_size;
        return out;
    }
    Result<Ref<fs::File>> open(fs::Dentry& dentry, u32 flags) override {
        return TRY(mm::make_ref<PosixQueueFile>(Ref<fs::Dentry>::share(&dentry), flags, queue));
    }
    PosixQueue queue;
    MM_OBJECT_CACHE(QueueInode)
private:
    fs::Charge charge_;
};

MM_OBJECT_CACHE_DEFINE(QueueInode)

Result<> QueueFileSystem::initialize() {
    device_ = fs::next_anonymous_device();
    Ref<fs::Inode> root(TRY(mm::make_ref<QueueDirectory>()));
    root_ = TRY(fs::Dentry::create_root(std::move(root))).leak();
    return {};
}

/// EINVAL.
Result<Size> size_of_new(std::optional<mq_attr> const& wanted, bool is_superuser) {
    auto const& limits = posix_queue_limits;
    u64 const msg_max = limits.msg_max.load(std::memory_order_relaxed), msgsize_max = limits.msgsize_max.load(std::memory_order_relaxed);
    if (!wanted)
        return Size{std::min<u64>(msg_max, limits.msg_default.load(std::memory_order_relaxed)),
                    std::min<u64>(msgsize_max, limits.msgsize_default.load(std::memory_order_relaxed))};
    if (wanted->mq_maxmsg <= 0 || wanted->mq_msgsize <= 0) return fail(EINVAL);
    Size const size{static_cast<u64>(wanted->mq_maxmsg), static_cast<u64>(wanted->mq_msgsize)};
    u64 const most = is_superuser ? u64{PosixQueueLimits::hard_messages} : msg_max;
    u64 const longest = is_superuser ? u64{PosixQueueLimits::hard_message_bytes} : msgsize_max;
    if (size.messages > most || size.bytes > longest) return fail(EINVAL);
    return size;
}

/// False: there are as many queues as there may be.
bool count_queue(bool is_superuser) {
    u32 count = queue_count.load(std::memory_order_relaxed);
    do {
        if (count >= posix_queue_limits.queues_max.load(std::memory_order_relaxed) && !is_superuser) return false;
    } while (!queue_count.compare_exchange_weak(count, count + 1, std::memory_order_relaxed));
    return true;
}

/// Makes an inode that takes over the charges; on failure they end here. ENOSPC EINVAL EMFILE ENOMEM.
Result<Ref<QueueInode>> make_queue(OpenQueue const& request, fs::Credentials const& who) {
    bool const is_superuser = who.effective_uid.value == 0;
    if (!count_queue(is_superuser)) return fail(ENOSPC);
    auto const give_up = [](Errno error) {
        queue_count.fetch_sub(1, std::memory_order_relaxed);
        return fail(error);
    };
    auto const size = size_of_new(request.attributes, is_superuser);
    if (!size) return give_up(size.error());
    fs::Charge charge;
    if (!charge.begin(who.user, fs::Charged::QueueBytes, size->cost(), request.byte_limit)) return give_up(Errno(EMFILE));
    fs::Ownership const owner{fs::FileType::Regular, request.mode & 07777 & ~request.umask, who.fs_uid, who.fs_gid};
    auto inode = mm::make_ref<QueueInode>(owner, *size, std::move(charge));
    if (inode) return inode;
    return give_up(inode.error());
}

/// As Linux's lookup of a single name: ".", ".." and slashes are forbidden. ENOENT EACCES ENAMETOOLONG.
Result<> check_name(std::string_view name) {
    if (name.empty()) return fail(ENOENT);
    if (name == "." || name == ".." || name.contains('/')) return fail(EACCES);
    return name.size() > fs::name_max ? Result<>(fail(ENAMETOOLONG)) : Result<>();
}

constexpr u32 open_flags = O_ACCMODE | O_NONBLOCK;

Result<Ref<fs::File>> open_existing(fs::Dentry& dentry, OpenQueue const& request, fs::Credentials const& who) {
    if ((request.flags & O_CREAT) && (request.flags & O_EXCL)) return fail(EEXIST);
    if ((request.flags & O_ACCMODE) == O_ACCMODE) return fail(EINVAL);
    return fs::vfs.open_dentry(dentry, who, request.flags & open_flags);
}

}

void PosixQueueFile::flush(void const* owner) {
    File::flush(owner);
    queue_.stop_notifying(owner);
}

Result<size_t> PosixQueueFile::do_read(u64 position, mm::IoBuffer& buffer) {
    char text[128];
    base::BufferWriter line(text);
    queue_.describe(line);
    auto const whole = line.text();
    if (position >= whole.size() || buffer.remaining() == 0) return 0;
    inode()->touch_accessed();
    return buffer.copy_out(whole.data() + position, whole.size() - position);
}

Result<Ref<fs::File>> open_posix_queue(OpenQueue const& request, fs::Credentials const& who) {
    TRY(check_name(request.name));
    auto const root = queue_file_system.root_dentry();
    fs::FsContext const context{root, root, request.umask};
    for (;;) {
        auto const found = fs::vfs.resolve({context, who}, request.name);
        if (found) return open_existing(**found, request, who);
        if (found.error() != Errno(ENOENT) || !(request.flags & O_CREAT)) return fail(found.error());
        TRY(fs::permission(root->file(), who, fs::may_write | fs::may_execute));
        auto const inode = TRY(make_queue(request, who));
        auto const entered = fs::TreeEdit::enter(*root, request.name, inode);
        if (entered) return inode->open(**entered, request.flags & open_flags);
        if (entered.error() != Errno(EEXIST)) return fail(entered.error());   // EEXIST: another caller was faster
    }
}

Result<> unlink_posix_queue(std::string_view name, fs::Credentials const& who) {
    TRY(check_name(name));
    auto const root = queue_file_system.root_dentry();
    fs::FsContext const context{root, root, 0};
    return fs::vfs.unlink({context, who}, name);
}

namespace { constinit fs::FileSystemType type{"mqueue", []() -> Result<fs::FileSystem*> { return &queue_file_system; }}; }

Result<> register_posix_queues() {
    TRY(queue_file_system.initialize());
    fs::vfs.register_type(type);
    return register_posix_queue_limits();
}

}
