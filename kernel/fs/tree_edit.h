// SPDX-License-Identifier: MIT
// The changes of the name tree, each one step under tree_lock. Rights were checked before;
// what may have changed since then is checked again here.
#pragma once

#include "kernel/fs/dentry.h"

namespace fs {

enum class RenameKind : u8 { Replace, NoReplace, Exchange };

struct TreeEdit {
    /// Enters a new name for `inode`. EEXIST; ENOENT: the directory was removed; ENOMEM.
    static Result<Ref<Dentry>> enter(Dentry& directory, std::string_view name, Ref<Inode> inode);
    /// A nameless file of the directory's file system (O_TMPFILE).
    static Result<Ref<Dentry>> enter_nowhere(Dentry& directory, Ref<Inode> inode, std::string_view name = "#nameless");
    /// Takes a name away. ENOENT: it is there no more; EBUSY: mounted on; ENOTEMPTY: a directory with names.
    static Result<> remove(Dentry& directory, Dentry& victim);

    struct Move {
        Dentry& from_directory;
        Dentry& source;
        Dentry& to_directory;
        std::string_view to_name;
        Dentry* target;         ///< what has that name now; null: nothing
        RenameKind kind;
    };
    /// rename(2). ESTALE: the tree changed meanwhile, look again. EINVAL ENOTEMPTY EBUSY ENOENT ENOMEM.
    static Result<> move(Move const& move);

    /// `root` shows at `point` / `root` was on top of what it covers and goes. EBUSY.
    static Result<> mount(Dentry& point, Dentry& root);
    static void unmount(Dentry& root);
    static bool is_mounted(Dentry const& root);
    static Ref<Dentry> mount_point(Dentry const& root);
    /// Takes all names out of a tree that nobody can reach any more, the deepest first, without recursion.
    static void demolish(Dentry& root);
    /// True if someone besides the tree itself holds a name below `root` or something is mounted there.
    static bool is_busy(Dentry& root, u32 root_references);

private:
    static Result<> check(Move const& move, NameText& name);
    static Result<> exchange(Move const& move, NameText& name);
    static void place(Dentry& dentry, Dentry& directory, NameText& name);
};

}
