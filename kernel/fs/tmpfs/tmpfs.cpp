// SPDX-License-Identifier: MIT
// tmpfs: the inodes of each type, and the file system.
#include "kernel/fs/size_limit.h"
#include "kernel/fs/tmpfs/tmpfs.h"

#include <linux/fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>

#include "kernel/fs/tmpfs/file_pages.h"
#include "kernel/fs/tree_edit.h"
#include "mm/frame_allocator.h"

namespace fs {

namespace {

constexpr u64 largest_size = ~u64{0} >> 1;      ///< off_t

Ownership ownership_of(NewFile const& file) { return {file.type, file.permissions, file.uid, file.gid}; }

/// Keeps the file system while an inode lives.
class TmpfsInode : public Inode {
public:
    TmpfsInode(Tmpfs& tmpfs, Ownership const& owner) : Inode(tmpfs, tmpfs.next_number(), owner) { tmpfs.retain(); }
    ~TmpfsInode() override { tmpfs().release(); }
protected:
    Tmpfs& tmpfs() const { return static_cast<Tmpfs&>(file_system()); }
};

// ---------------------------------------------------------------- regular files

class TmpfsRegular final : public TmpfsInode {
public:
    TmpfsRegular(Tmpfs& tmpfs, NewFile const& file)
        : TmpfsInode(tmpfs, ownership_of(file)), executes_while_mapped_(file.executes_while_mapped) {}
    ~TmpfsRegular() override { if (pages_) pages_->disown(); }
    Result<> initialize(u32 seals) {
        pages_ = TRY(mm::make_ref<FilePages>(*this, file_system().device(), number(), tmpfs().quota()));
        pages_->seals.start_with(seals);
        return {};
    }
    Result<Attributes> attributes() override;
    Result<> add_seals(u32 seals);
    Result<> truncate(u64 size) override;
    Result<Ref<File>> open(Dentry& dentry, u32 flags) override;
    Ref<mm::VmObject> vm_object() override { return pages_; }
    bool is_mapped_for_writing() const override { return !executes_while_mapped_ && pages_->seals.is_mapped_for_writing(); }

    FilePages& pages() const { return *pages_; }
    Result<size_t> write(u64 position, mm::IoBuffer& buffer);
    Result<size_t> append(u64& position, mm::IoBuffer& buffer);

    MM_OBJECT_CACHE(TmpfsRegular)
protected:
    Result<> may_change(AttributeChange const& change) const override REQUIRES(attribute_lock_);
private:
    Result<> check_seals(u64 end) const;
    Result<size_t> write_locked(u64 position, mm::IoBuffer& buffer) REQUIRES(write_lock_);
    sync::Mutex<LockRank::inode> write_lock_;     ///< writes and truncations, one at a time
    Ref<FilePages> pages_;
    bool const executes_while_mapped_;
};

MM_OBJECT_CACHE_DEFINE(TmpfsRegular)

class TmpfsFile final : public File {
public:
    using File::File;
    Result<Attributes> attributes() override { return regular().TmpfsRegular::attributes(); }
    Result<i64> control(u32 command, u64 argument) override;
    u64 held_pages() const override { return inode()->links() == 0 ? regular().pages().frames() : 0; }
    Result<> synchronise() override { return {}; }     // memory is all there is behind it
    MM_OBJECT_CACHE(TmpfsFile)
protected:
    TmpfsRegular& regular() const { return static_cast<TmpfsRegular&>(*inode()); }
    Result<size_t> do_read(u64 position, mm::IoBuffer& buffer) override {
        auto const count = regular().pages().read(position, buffer);
        if (!(flags() & O_NOATIME)) regular().touch_accessed();
        return count;
    }
    Result<size_t> do_write(u64 position, mm::IoBuffer& buffer) override { return regular().write(position, buffer); }
    Result<size_t> do_append(mm::IoBuffer& buffer, u64& position) override { return regular().append(position, buffer); }
    u64 next_run(u64 position, u64 size, Run run) override {
        auto const& pages = regular().pages();
        return run == Run::Data ? pages.next_data(position, size) : pages.next_hole(position, size);
    }
};

MM_OBJECT_CACHE_DEFINE(TmpfsFile)

Result<Attributes> TmpfsRegular::attributes() {
    auto out = Inode::attributes();
    out->size = pages_->size();
    out->blocks = pages_->frames() * (page_size / 512);
    return out;
}

Result<i64> TmpfsFile::control(u32 command, u64 argument) {
    if (command == F_GET_SEALS) return regular().pages().seals.get();
    if (command != F_ADD_SEALS) return fail(EBADF);
    TRY(regular().add_seals(static_cast<u32>(argument)));
    return 0;
}

constexpr u32 execute_bits = 0111;

/// The mode cannot change between the look at it and the seal: may_change() sees the one or the other.
Result<> TmpfsRegular::add_seals(u32 seals) {
    if (seals & ~Seals::all) return fail(EINVAL);
    Locked guard(write_lock_);
    Locked attributes(attribute_lock_);
    bool const executable = permissions() & execute_bits;
    if ((seals & F_SEAL_EXEC) && executable) seals |= F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
    return pages_->seals.add(seals);
}

Result<> TmpfsRegular::may_change(AttributeChange const& change) const {
    bool const changes_execution = change.set_permissions && ((change.permissions ^ permissions()) & execute_bits);
    return changes_execution && pages_->seals.has(F_SEAL_EXEC) ? Result<>(fail(EPERM)) : Result<>();
}

/// May bytes be written up to `end`? With write_lock_.
Result<> TmpfsRegular::check_seals(u64 end) const {
    if (pages_->seals.has(F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) return fail(EPERM);
    return end > pages_->size() && pages_->seals.has(F_SEAL_GROW) ? Result<>(fail(EPERM)) : Result<>();
}

Result<Ref<File>> TmpfsRegular::open(Dentry& dentry, u32 flags) {
    return TRY(mm::make_ref<TmpfsFile>(Ref<Dentry>::share(&dentry), flags));
}

Result<size_t> TmpfsRegular::write_locked(u64 position, mm::IoBuffer& buffer) {
    buffer.shorten(TRY(room_for_write(position)));
    if (position >= largest_size || buffer.remaining() > largest_size - position) return fail(EFBIG);
    TRY(check_seals(position + buffer.remaining()));
    drop_privilege_bits();
    size_t const count = TRY(pages_->write(position, buffer));
    touch_modified();
    return count;
}

Result<size_t> TmpfsRegular::write(u64 position, mm::IoBuffer& buffer) {
    if (buffer.remaining() == 0) return 0;
    Locked guard(write_lock_);
    return write_locked(position, buffer);
}

/// `position` moves only if something was written.
Result<size_t> TmpfsRegular::append(u64& position, mm::IoBuffer& buffer) {
    if (buffer.remaining() == 0) return 0;
    Locked guard(write_lock_);
    u64 const end = pages_->size();
    size_t const count = TRY(write_locked(end, buffer));
    position = end;
    return count;
}

Result<> TmpfsRegular::truncate(u64 size) {
    if (size > largest_size) return fail(EINVAL);
    Locked guard(write_lock_);
    u64 const old_size = pages_->size();
    if (size > old_size) TRY(check_larger_size(size));
    if ((size < old_size && pages_->seals.has(F_SEAL_SHRINK)) || (size > old_size && pages_->seals.has(F_SEAL_GROW))) return fail(EPERM);
    drop_privilege_bits();
    pages_->resize(size);
    touch_modified();
    return {};
}

// ---------------------------------------------------------------- directories

class TmpfsDirectory final : public TmpfsInode {
public:
    TmpfsDirectory(Tmpfs& tmpfs, NewFile const& file) : TmpfsInode(tmpfs, ownership_of(file)) { adjust_links(1); }
    Names* names() override { return &names_; }
    Result<Ref<Inode>> make_child(NewFile const& file) override;
    Result<Attributes> attributes() override {
        constexpr u64 size_of_entry = 20;         // as Linux's tmpfs counts
        auto out = Inode::attributes();
        out->size = (2 + u64{names_.count()}) * size_of_entry;
        return out;
    }
    MM_OBJECT_CACHE(TmpfsDirectory)
private:
    Names names_;
};

MM_OBJECT_CACHE_DEFINE(TmpfsDirectory)

// ---------------------------------------------------------------- symlinks, devices, FIFOs, sockets

class TmpfsSymlink final : public TmpfsInode {
public:
    TmpfsSymlink(Tmpfs& tmpfs, NewFile const& file) : TmpfsInode(tmpfs, ownership_of(file)) {}
    Result<> initialize(std::string_view target) {
        text_ = TRY(mm::Buffer::allocate(target.size()));
        target.copy(text_.chars(), target.size());
        return {};
    }
    std::string_view stored_link() const override { return {text_.chars(), text_.size()}; }
    Result<size_t> read_link(std::span<char> out) override { return stored_link().copy(out.data(), out.size()); }
    Result<Attributes> attributes() override {
        auto result = Inode::attributes();
        result->size = text_.size();
        return result;
    }
    MM_OBJECT_CACHE(TmpfsSymlink)
private:
    mm::Buffer text_;
};

MM_OBJECT_CACHE_DEFINE(TmpfsSymlink)

class TmpfsSpecial final : public TmpfsInode {
public:
    TmpfsSpecial(Tmpfs& tmpfs, NewFile const& file) : TmpfsInode(tmpfs, ownership_of(file)), rdev_(file.rdev) {}
    u64 rdev() const override { return rdev_; }
    Ref<InodeAttachment>* attachment() override { return &attachment_; }
    MM_OBJECT_CACHE(TmpfsSpecial)
private:
    u64 rdev_;
    Ref<InodeAttachment> attachment_;
};

MM_OBJECT_CACHE_DEFINE(TmpfsSpecial)

Result<Ref<Inode>> TmpfsDirectory::make_child(NewFile const& file) {
    if (!tmpfs().has_inode()) return fail(ENOSPC);
    switch (file.type) {
    case FileType::Regular: {
        auto inode = TRY(mm::make_ref<TmpfsRegular>(tmpfs(), file));
        TRY(inode->initialize(file.seals));
        return inode;
    }
    case FileType::Directory: return TRY(mm::make_ref<TmpfsDirectory>(tmpfs(), file));
    case FileType::Symlink: {
        auto inode = TRY(mm::make_ref<TmpfsSymlink>(tmpfs(), file));
        TRY(inode->initialize(file.target));
        return inode;
    }
    default: return TRY(mm::make_ref<TmpfsSpecial>(tmpfs(), file));
    }
}

}

// ---------------------------------------------------------------- the file system

u64 Tmpfs::default_limit() { return mm::frame_allocator.statistics().total / 2; }

Result<Tmpfs*> Tmpfs::create(std::string_view type_name, u32 root_permissions, Limit limit) {
    auto* const tmpfs = new (std::nothrow) Tmpfs(type_name);
    if (!tmpfs) return fail(ENOMEM);
    auto const done = tmpfs->initialize(root_permissions, limit);
    if (!done) {
        tmpfs->release();
        return fail(done.error());
    }
    return tmpfs;
}

Result<> Tmpfs::initialize(u32 root_permissions, Limit limit) {
    if (limit == Limit::HalfOfMemory) {
        quota_ = TRY(mm::make_ref<PageQuota>(default_limit()));
        inode_limit_.store(default_limit(), std::memory_order_relaxed);
    }
    NewFile directory;
    directory.type = FileType::Directory;
    directory.permissions = root_permissions;
    root_ = TRY(Dentry::create_root(TRY(mm::make_ref<TmpfsDirectory>(*this, directory))));
    return {};
}

void Tmpfs::unmounted() {
    TreeEdit::demolish(*root_);
    root_.reset();
    release();
}

void Tmpfs::release() {
    if (users_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

FileSystem::Statistics Tmpfs::statistics() {
    auto const frames = mm::frame_allocator.statistics();
    Statistics out;
    out.type = TMPFS_MAGIC;
    out.block_size = page_size;
    out.blocks = frames.total;
    out.free_blocks = mm::free_frames();
    out.files = frames.total;
    out.free_files = out.free_blocks;
    if (!quota_) return out;
    out.blocks = quota_->limit();
    out.free_blocks = out.blocks - std::min(quota_->used(), out.blocks);
    out.files = inode_limit_.load(std::memory_order_relaxed);
    out.free_files = out.files - std::min(users_.load(std::memory_order_relaxed) - 1, out.files);
    return out;
}

}
