// SPDX-License-Identifier: MIT
// devpts: a directory with ptmx and the slaves whose masters are open. There is one instance for all mounts; the options of the
// latest mount apply to nodes made from then on. Linux's Documentation/filesystems/devpts.rst.
#include <algorithm>
#include <charconv>
#include <optional>

#include <base/format.h>
#include <linux/magic.h>

#include "kernel/tty/pty.h"

namespace tty {

namespace {

constexpr u64 root_number = 1, ptmx_number = 2, first_slave_number = 3;
constexpr u64 first_entry = 2;                     ///< offsets 0 and 1 are "." and ".."

class Devpts final : public fs::FileSystem {
public:
    constexpr Devpts() = default;
    Result<> initialize();
    std::string_view type_name() const override { return "devpts"; }
    Ref<fs::Inode> root() override { return root_->inode(); }
    Ref<fs::Dentry> root_dentry() override { return Ref<fs::Dentry>::share(root_); }
    u64 device() const override { return device_; }
    Statistics statistics() override { return {.type = DEVPTS_SUPER_MAGIC}; }
    bool allows_new_names() const override { return false; }
    Result<> configure(std::string_view options) override;
    void write_options(base::Writer& out) const override;
    Ref<fs::Inode> ptmx() const { return Ref<fs::Inode>::share(ptmx_); }
    /// Ordering: relaxed; each word is independent. uid, gid: -1: the opener's.
    std::atomic<i64> uid{-1}, gid{5};              // group tty in every distribution
    std::atomic<u32> permissions{0620};
private:
    fs::Dentry* root_ = nullptr;                   ///< owns a reference; set once
    fs::Inode* ptmx_ = nullptr;                    ///< likewise
    u64 device_ = 0;
};

constinit Devpts the_devpts;

class PtmxNode final : public fs::Inode {
public:
    PtmxNode() : Inode(the_devpts, ptmx_number, {fs::FileType::CharacterDevice, 0, UserId(0), GroupId(0)}) {}
    u64 rdev() const override { return fs::make_device(5, 2); }
};

class SlaveNode final : public fs::Inode {
public:
    SlaveNode(u32 index, fs::Ownership const& owner) : Inode(the_devpts, first_slave_number + index, owner), index_(index) {}
    u64 rdev() const override { return fs::make_device(PtyPair::slave_major, index_); }
    /// EIO: its pair is gone, or another has its number.
    Result<Ref<fs::File>> open(fs::Dentry& dentry, u32 flags) override {
        auto const pair = PtyPair::find(index_);
        if (!pair || &pair->node() != this) return fail(EIO);
        return open_file_of(pair->terminal, dentry, flags);
    }
private:
    u32 const index_;
};

class RootDirectory final : public fs::Inode {
public:
    RootDirectory() : Inode(the_devpts, root_number, {fs::FileType::Directory, 0755, UserId(0), GroupId(0)}) { adjust_links(1); }
    Result<Ref<fs::Inode>> lookup(std::string_view name) override;
    Result<> list(u64 offset, fs::DirectorySink& sink) override;
};

/// Parses the whole text as a number in `base`.
std::optional<u32> parse(std::string_view text, int base) {
    u32 value = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

Result<Ref<fs::Inode>> RootDirectory::lookup(std::string_view name) {
    if (name == "ptmx") return the_devpts.ptmx();
    auto const index = parse(name, 10);
    if (!index || (name.size() > 1 && name[0] == '0')) return fail(ENOENT);
    auto const pair = PtyPair::find(*index);
    if (!pair || !pair->is_listed()) return fail(ENOENT);
    return Ref<fs::Inode>::share(&pair->node());
}

Result<> RootDirectory::list(u64 offset, fs::DirectorySink& sink) {
    constexpr u64 first_slave = first_entry + 1;
    if (offset <= first_entry && !sink.add({"ptmx", ptmx_number, fs::FileType::CharacterDevice, first_slave})) return {};
    char text[16];
    for (u64 index = offset > first_slave ? offset - first_slave : 0; index < PtyPair::most_pairs; ++index) {
        auto const pair = PtyPair::find(static_cast<u32>(index));
        if (!pair || !pair->is_listed()) continue;
        auto const end = std::to_chars(text, text + sizeof text, index).ptr;
        if (!sink.add({{text, end}, first_slave_number + index, fs::FileType::CharacterDevice, first_slave + index + 1})) break;
    }
    return {};
}

Result<> Devpts::initialize() {
    device_ = fs::next_anonymous_device();
    ptmx_ = Ref<fs::Inode>(TRY(mm::make_ref<PtmxNode>())).leak();
    Ref<fs::Inode> root(TRY(mm::make_ref<RootDirectory>()));
    root_ = TRY(fs::Dentry::create_root(std::move(root))).leak();
    return {};
}

void Devpts::write_options(base::Writer& out) const {
    if (i64 const owner = uid.load(std::memory_order_relaxed); owner >= 0) base::format_to(out, ",uid={}", owner);
    if (i64 const group = gid.load(std::memory_order_relaxed); group >= 0) base::format_to(out, ",gid={}", group);
    base::format_to(out, ",mode={:03o},ptmxmode={:03o}", permissions.load(std::memory_order_relaxed), ptmx_->ownership().permissions);
}

/// "gid=5,mode=620,ptmxmode=666"; all options are parsed before any takes effect. EINVAL
Result<> Devpts::configure(std::string_view options) {
    i64 new_uid = uid.load(std::memory_order_relaxed), new_gid = gid.load(std::memory_order_relaxed);
    u32 new_permissions = permissions.load(std::memory_order_relaxed);
    fs::AttributeChange ptmx_change;
    while (!options.empty()) {
        auto const option = options.substr(0, options.find(','));
        options.remove_prefix(std::min(option.size() + 1, options.size()));
        size_t const sign = option.find('=');
        auto const name = option.substr(0, sign);
        if (option.empty() || option == "newinstance") continue;   // there is only one instance
        auto const number = parse(sign == option.npos ? std::string_view() : option.substr(sign + 1), name.ends_with("mode") ? 8 : 10);
        if (!number) return fail(EINVAL);
        if (name == "uid") new_uid = *number;
        else if (name == "gid") new_gid = *number;
        else if (name == "mode") new_permissions = *number & 0777;
        else if (name == "ptmxmode") ptmx_change.set_permissions = true, ptmx_change.permissions = *number & 0777;
        else return fail(EINVAL);
    }
    uid.store(new_uid, std::memory_order_relaxed), gid.store(new_gid, std::memory_order_relaxed);
    permissions.store(new_permissions, std::memory_order_relaxed);
    return ptmx_->change(ptmx_change);
}

constinit fs::FileSystemType type{"devpts", []() -> Result<fs::FileSystem*> { return &the_devpts; }};

}

Result<> register_devpts() {
    TRY(the_devpts.initialize());
    fs::vfs.register_type(type);
    return {};
}

fs::FileSystem& devpts() { return the_devpts; }

Result<Ref<fs::Inode>> make_slave_node(u32 index, fs::Credentials const& owner) {
    i64 const uid = the_devpts.uid.load(std::memory_order_relaxed), gid = the_devpts.gid.load(std::memory_order_relaxed);
    fs::Ownership const ownership{fs::FileType::CharacterDevice, the_devpts.permissions.load(std::memory_order_relaxed),
                                  uid < 0 ? owner.fs_uid : UserId(static_cast<u32>(uid)), gid < 0 ? owner.fs_gid : GroupId(static_cast<u32>(gid))};
    return TRY(mm::make_ref<SlaveNode>(index, ownership));
}

Result<Ref<fs::Dentry>> slave_name(u32 index) {
    char text[16];
    auto const end = std::to_chars(text, text + sizeof text, index).ptr;
    auto const root = the_devpts.root_dentry();
    fs::Credentials const kernel;
    fs::FsContext const context{root, root, 0};
    return fs::vfs.resolve({context, kernel}, {text, end});
}

}
