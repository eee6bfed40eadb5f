// SPDX-License-Identifier: MIT
// Nameless inodes: each file gets an inode of its own, with a number that its file system never reuses, and a root dentry that
// shows its kind.
#include "kernel/ipc/nameless.h"

#include <base/format.h>

#include "kernel/fs/vfs.h"

namespace ipc {
namespace {

class NamelessFileSystem final : public fs::FileSystem {
public:
    constexpr NamelessFileSystem(std::string_view name, u64 device, u64 magic) : name_(name), device_(device), magic_(magic) {}
    std::string_view type_name() const override { return name_; }
    Ref<fs::Inode> root() override { return nullptr; }
    u64 device() const override { return device_; }
    Statistics statistics() override { return {.type = magic_}; }
    u64 next_number() { return next_number_.fetch_add(1, std::memory_order_relaxed); }
private:
    std::string_view name_;
    u64 device_, magic_;
    std::atomic<u64> next_number_{1};
};

// The magic numbers are those of <linux/magic.h>.
constinit NamelessFileSystem anonymous_files("anon_inodefs", 0xe, 0x09041934);
constinit NamelessFileSystem sockets("sockfs", 0x8, 0x534f434b);

class NamelessInode final : public fs::Inode {
public:
    NamelessInode(NamelessFileSystem& system, fs::Ownership const& owner) : Inode(system, system.next_number(), owner) {}
    MM_OBJECT_CACHE(NamelessInode)
};

MM_OBJECT_CACHE_DEFINE(NamelessInode)

}

Result<Ref<fs::Dentry>> make_nameless(std::string_view kind, fs::Credentials const& who) {
    auto const inode = TRY(mm::make_ref<NamelessInode>(anonymous_files, fs::Ownership{fs::FileType::Nameless, 0600, who.fs_uid, who.fs_gid}));
    char text[48];
    base::BufferWriter name(text);
    base::format_to(name, "anon_inode:[{}]", kind);
    return fs::Dentry::create_root(inode, name.text());
}

Result<Ref<fs::Dentry>> make_socket_dentry(fs::Credentials const& who) {
    auto const inode = TRY(mm::make_ref<NamelessInode>(sockets, fs::Ownership{fs::FileType::Socket, 0777, who.fs_uid, who.fs_gid}));
    char text[32];
    base::BufferWriter name(text);
    base::format_to(name, "socket:[{}]", inode->number());
    return fs::Dentry::create_root(inode, name.text());
}

}
