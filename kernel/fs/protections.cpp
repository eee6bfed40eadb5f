// SPDX-License-Identifier: MIT
// protected_hardlinks, protected_symlinks, protected_fifos, protected_regular: see protections.h.
#include "kernel/fs/protections.h"

#include <sys/stat.h>

namespace fs {

// Debian's kernel starts with these; its start-up files then set the last two.
constinit std::atomic<u32> protected_hardlinks{1}, protected_symlinks{1}, protected_fifos{0}, protected_regular{0};

namespace {

constexpr u32 everyone_writes = S_IWOTH, group_writes = S_IWGRP;

u32 level(std::atomic<u32> const& setting) { return setting.load(std::memory_order_relaxed); }

bool gives_rights(Ownership const& owner) {
    constexpr u32 group_bits = S_ISGID | S_IXGRP;
    return (owner.permissions & S_ISUID) || (owner.permissions & group_bits) == group_bits;
}

/// For a directory that only its group may write to, besides its owner: at level 2.
bool protects_group_directories(FileType type) {
    if (type == FileType::Fifo) return level(protected_fifos) >= 2;
    return type == FileType::Regular && level(protected_regular) >= 2;
}

}

Result<> may_link(Inode const& source, Credentials const& who) {
    if (!level(protected_hardlinks)) return {};
    auto const owner = source.ownership();
    if (who.is_superuser() || who.fs_uid == owner.uid) return {};
    bool const is_harmless = owner.type == FileType::Regular && !gives_rights(owner) && permission(owner, who, may_read | may_write);
    return is_harmless ? Result<>() : fail(EPERM);
}

Result<> may_follow(Inode const& link, Ownership const& directory, Credentials const& who) {
    constexpr u32 shared = S_ISVTX | everyone_writes;
    if (!level(protected_symlinks) || (directory.permissions & shared) != shared) return {};
    UserId const owner = link.ownership().uid;
    return who.fs_uid == owner || directory.uid == owner ? Result<>() : fail(EACCES);
}

Result<> may_open_in_place_of_new(Inode const& file, Ownership const& directory, Credentials const& who) {
    if (!(directory.permissions & S_ISVTX)) [[likely]] return {};
    FileType const type = file.type();
    if ((type == FileType::Fifo && !level(protected_fifos)) || (type == FileType::Regular && !level(protected_regular))) return {};
    UserId const owner = file.ownership().uid;
    if (owner == directory.uid || owner == who.fs_uid) return {};
    bool const refused = (directory.permissions & everyone_writes) || ((directory.permissions & group_writes) && protects_group_directories(type));
    return refused ? fail(EACCES) : Result<>();
}

}
