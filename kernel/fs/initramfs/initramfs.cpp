// SPDX-License-Identifier: MIT
// The initramfs: archive entries become files of a staging tmpfs. Inode numbers tell which
// names are hard links of one file; its data come with any of them. Directory times are set last, because
// making files in a directory changes them. The format: Linux's initramfs buffer format document.
#include "kernel/fs/initramfs/initramfs.h"

#include <base/log.h>
#include <linux/fcntl.h>
#include <sys/stat.h>

#include "kernel/fs/devfs/device.h"
#include "kernel/fs/initramfs/cpio.h"
#include "kernel/fs/initramfs/gzip.h"
#include "kernel/fs/tmpfs/tmpfs.h"

namespace fs {

namespace {

class Unpacker final : public CpioSink, public ByteSink {
public:
    explicit Unpacker(Tmpfs& tmpfs) : context_{tmpfs.root_dentry(), tmpfs.root_dentry(), 0}, reader_(*this) {}
    ~Unpacker();
    Unpacker(Unpacker const&) = delete;

    Result<> unpack(std::span<std::byte const> archive);
    void set_directory_times();
    InitramfsStatistics statistics() const { return statistics_; }

    // CpioSink
    Result<> begin(CpioEntry const& entry) override;
    Result<> data(std::span<std::byte const> bytes) override;
    Result<> end() override;
    void archive_ended() override;
    // ByteSink: what gunzip yields
    bool write(std::span<std::byte const> bytes) override;

private:
    /// A name that other names of the archive may be links to.
    struct Link { Link* next; u32 inode, major, minor; Ref<Dentry> dentry; };
    struct DirectoryTime { DirectoryTime* next; Ref<Inode> inode; Timestamp modified; };
    static constexpr size_t link_buckets = 256;

    Result<> unpack_gzip(std::span<std::byte const>& archive);
    char const* describe(Errno error) const { return error == Errno(EINVAL) ? reader_.problem() : "no memory"; }
    std::unexpected<Errno> stop(char const* problem, u64 byte, Errno error);
    std::unexpected<Errno> refuse(std::span<std::byte const> data, u64 byte);
    Result<> make(CpioEntry const& entry);
    Result<> make_regular(CpioEntry const& entry, std::string_view name);
    Result<> make_directory(std::string_view name);
    Result<> clear_way(std::string_view name, FileType type);
    Result<bool> make_link(CpioEntry const& entry, std::string_view name);
    Result<> remember(CpioEntry const& entry, std::string_view name);
    Result<> finish_entry(CpioEntry const& entry, std::string_view name);
    void forget_links();
    Walk walk(FollowLast follow = FollowLast::No) const { return {context_, credentials_, nullptr, follow}; }
    Link*& bucket_of(CpioEntry const& entry) { return links_[entry.inode % link_buckets]; }

    Credentials credentials_;
    FsContext context_;
    CpioReader reader_;
    Inflater inflater_;
    Result<> failure_;                    ///< why write() returned false
    Ref<File> file_;                      ///< takes the data of the current entry; null: they are skipped
    Ref<Inode> inode_;                    ///< of the current entry; null: it was left out
    Timestamp modified_;
    Link* links_[link_buckets] = {};
    DirectoryTime* directory_times_ = nullptr;
    InitramfsStatistics statistics_;
};

Unpacker::~Unpacker() {
    forget_links();
    while (directory_times_) delete std::exchange(directory_times_, directory_times_->next);
}

void Unpacker::forget_links() {
    for (Link*& bucket : links_)
        while (bucket) delete std::exchange(bucket, bucket->next);
}

void Unpacker::archive_ended() { forget_links(); }

// ---------------------------------------------------------------- the input

/// The name of a format that Linux would unpack and Aubrac does not, by its first bytes; or null.
char const* name_of_format(std::span<std::byte const> data) {
    static constexpr struct { std::string_view magic; char const* name; } formats[] = {
        {"\xfd" "7zXZ", "xz data"}, {"\x28\xb5\x2f\xfd", "zstd data"}, {"\x02\x21\x4c\x18", "lz4 data"}, {"BZh", "bzip2 data"},
        {"\x89LZO", "lzo data"}, {"\x5d\0\0", "lzma data"}, {"070707", "an old cpio archive"}, {"\xc7\x71", "an old cpio archive"},
    };
    std::string_view const text(reinterpret_cast<char const*>(data.data()), data.size());
    for (auto const& format : formats)
        if (text.starts_with(format.magic)) return format.name;
    return nullptr;
}

std::unexpected<Errno> Unpacker::stop(char const* problem, u64 byte, Errno error) {
    bool const in_a_file = inode_ || !reader_.entry_name().empty();
    base::log(base::LogLevel::Emergency, "initramfs", "unpacking failed: {} (byte {}){}{}; {} files are used", problem, byte, in_a_file ? ", at or behind " : "",
              reader_.entry_name(), statistics_.files);
    return fail(error);
}

Result<> Unpacker::unpack(std::span<std::byte const> archive) {
    auto const whole = archive.size();
    while (!archive.empty()) {
        reader_.start_piece();
        u64 const here = whole - archive.size();
        if (is_gzip(archive)) {
            TRY(unpack_gzip(archive));
            continue;
        }
        auto const taken = reader_.feed(archive);
        if (!taken) return stop(describe(taken.error()), here + reader_.position(), taken.error());
        archive = archive.subspan(*taken);
        if (*taken == 0) return refuse(archive, here);
    }
    auto const done = reader_.finish();
    return done ? done : stop(reader_.problem(), reader_.position(), done.error());
}

std::unexpected<Errno> Unpacker::refuse(std::span<std::byte const> data, u64 byte) {
    char const* const format = name_of_format(data);
    if (!format) return stop("neither a newc cpio archive nor gzip data", byte, Errno(EINVAL));
    log_error("initramfs", "byte {} begins {}, which is not unpacked here: make it a newc cpio archive, plain or by gzip", byte, format);
    return stop(format, byte, Errno(EINVAL));
}

Result<> Unpacker::unpack_gzip(std::span<std::byte const>& archive) {
    size_t consumed = 0;
    auto const status = gunzip(inflater_, archive, *this, consumed);
    if (status == GzipStatus::Stopped) return stop(describe(failure_.error()), reader_.position(), failure_.error());
    if (status != GzipStatus::Done) return stop(fs::describe(status), consumed, Errno(EINVAL));
    archive = archive.subspan(consumed);
    return {};
}

bool Unpacker::write(std::span<std::byte const> bytes) {
    auto const taken = reader_.feed(bytes);
    if (!taken) failure_ = fail(taken.error());
    else if (*taken != bytes.size()) failure_ = fail(EINVAL);
    return failure_.has_value();
}

// ---------------------------------------------------------------- files

/// The archive's name, relative to the root.
std::string_view relative(std::string_view name) {
    while (name.starts_with('/')) name.remove_prefix(1);
    return name.empty() ? "." : name;
}

Result<> Unpacker::begin(CpioEntry const& entry) {
    modified_ = {entry.modified_seconds, 0};
    auto const made = make(entry);
    if (made) {
        ++statistics_.files;
        return {};
    }
    file_.reset();
    inode_.reset();
    if (made.error() == Errno(ENOMEM) || made.error() == Errno(ENOSPC)) return made;
    // As on Linux, a file that cannot be made (because its directory is missing, say) is left out.
    log_warning("initramfs", "left out {}: error {}", entry.name, made.error().value);
    return {};
}

Result<> Unpacker::make(CpioEntry const& entry) {
    auto const name = relative(entry.name);
    auto const type = type_of_mode(entry.mode);
    TRY(clear_way(name, type));
    switch (type) {
    case FileType::Directory: TRY(make_directory(name)); break;
    case FileType::Regular: return make_regular(entry, name);
    case FileType::Symlink: TRY(vfs.make_symlink(walk(), entry.target, name)); break;
    default:
        if (!TRY(make_link(entry, name))) TRY(vfs.make_node(walk(), name, entry.mode, make_device(entry.rdev_major, entry.rdev_minor)));
        break;
    }
    return finish_entry(entry, name);
}

/// Removes what another entry put there, unless it is a directory or regular file and the new one is, too.
Result<> Unpacker::clear_way(std::string_view name, FileType type) {
    auto const there = vfs.resolve(walk(), name);
    if (!there) return {};
    auto const old = (*there)->file().type();
    if (old == type && (type == FileType::Directory || type == FileType::Regular)) return {};
    return old == FileType::Directory ? vfs.remove_directory(walk(), name) : vfs.unlink(walk(), name);
}

Result<> Unpacker::make_directory(std::string_view name) {
    auto const made = vfs.make_directory(walk(), name, 0755);
    if (!made && made.error() != Errno(EEXIST)) return made;
    return {};
}

Result<> Unpacker::make_regular(CpioEntry const& entry, std::string_view name) {
    bool const linked = TRY(make_link(entry, name));
    u32 const flags = O_WRONLY | O_CREAT | O_NOFOLLOW | (linked && entry.size == 0 ? 0 : O_TRUNC);
    file_ = TRY(vfs.open(walk(), name, flags, 0600));
    return finish_entry(entry, name);
}

/// True: `name` is now one more name of a file that an earlier entry made.
Result<bool> Unpacker::make_link(CpioEntry const& entry, std::string_view name) {
    if (entry.links < 2) return false;
    for (Link* link = bucket_of(entry); link; link = link->next) {
        if (link->inode != entry.inode || link->major != entry.device_major || link->minor != entry.device_minor) continue;
        auto const there = vfs.resolve(walk(), name);
        if (there && &(*there)->file() == &link->dentry->file()) return true;
        if (there) TRY(vfs.unlink(walk(), name));
        TRY(vfs.link_dentry(*link->dentry, walk(), name));
        return true;
    }
    return false;
}

Result<> Unpacker::remember(CpioEntry const& entry, std::string_view name) {
    auto dentry = TRY(vfs.resolve(walk(), name));
    auto* const link = TRY(mm::make<Link>(bucket_of(entry), entry.inode, entry.device_major, entry.device_minor, std::move(dentry)));
    bucket_of(entry) = link;
    return {};
}

/// Sets owner and mode. The time follows in end(), after the data.
Result<> Unpacker::finish_entry(CpioEntry const& entry, std::string_view name) {
    auto const dentry = TRY(vfs.resolve(walk(), name));
    inode_ = dentry->inode();
    AttributeChange change;
    change.set_uid = change.set_gid = true;
    change.uid = UserId(entry.uid);
    change.gid = GroupId(entry.gid);
    change.set_permissions = inode_->type() != FileType::Symlink;
    change.permissions = entry.mode & 07777;
    TRY(inode_->change(change));
    if (inode_->is_directory()) {
        directory_times_ = TRY(mm::make<DirectoryTime>(directory_times_, inode_, modified_));
        return {};
    }
    return entry.links >= 2 ? remember(entry, name) : Result<>{};
}

Result<> Unpacker::data(std::span<std::byte const> bytes) {
    if (!file_) return {};
    auto buffer = mm::IoBuffer::kernel(bytes.data(), bytes.size());
    size_t const written = TRY(file_->write(buffer));
    statistics_.bytes += written;
    return written == bytes.size() ? Result<>{} : fail(ENOSPC);
}

Result<> Unpacker::end() {
    if (inode_) {
        AttributeChange change;
        change.set_accessed = change.set_modified = true;
        change.accessed = change.modified = modified_;
        TRY(inode_->change(change));
    }
    file_.reset();
    inode_.reset();
    return {};
}

void Unpacker::set_directory_times() {
    for (DirectoryTime* time = directory_times_; time; time = time->next) {
        AttributeChange change;
        change.set_accessed = change.set_modified = true;
        change.accessed = change.modified = time->modified;
        (void)time->inode->change(change);
    }
}

}

Result<InitramfsStatistics> unpack_initramfs(std::span<std::byte const> archive) {
    auto* const staging = TRY(Tmpfs::create("rootfs", 0755, Tmpfs::Limit::HalfOfMemory));
    auto const attempt = [&]() -> Result<InitramfsStatistics> {
        mm::Owned<Unpacker> const unpacker(TRY(mm::make<Unpacker>(*staging)));
        auto const whole = unpacker->unpack(archive);
        if (!whole && unpacker->statistics().files == 0) return fail(whole.error());
        unpacker->set_directory_times();
        TRY(vfs.set_root(staging->root_dentry()));
        return unpacker->statistics();
    };
    auto const done = attempt();
    if (!done) staging->discard();
    return done;
}

}
