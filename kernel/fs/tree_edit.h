// SPDX-License-Identifier: MIT
// The changes of the name tree, each one step under tree_lock. What was looked up and checked before is checked again
// here: the names, and the caller's rights, since every change of owner or mode holds tree_lock, too.
#pragma once

#include "kernel/fs/credentials.h"
#include "kernel/fs/dentry.h"

namespace fs {

enum class RenameKind : u8 { Replace, NoReplace, Exchange };

struct TreeEdit {
    /// Enters a name for a new `inode`. EEXIST EACCES; ENOENT: the directory was removed; ENOMEM.
    static Result<Ref<Dentry>> enter(Dentry& directory, std::string_view name, Ref<Inode> inode, Credentials const& who = {});
    /// Enters one more name for a file. As enter(); ENOENT, too: the last name has gone, or it never may have one.
    static Result<> link(Dentry& directory, std::string_view name, Ref<Inode> inode, Credentials const& who);
    /// A nameless file of the directory's file system (O_TMPFILE); its name, if none is given, is its number.
    static Result<Ref<Dentry>> enter_nowhere(Dentry& directory, Ref<Inode> inode, std::string_view name = {});
    static void allow_first_name(Inode& inode);
    /// Takes a name away. ENOENT: it is there no more; EACCES EPERM; EBUSY: mounted on; ENOTEMPTY: a directory with names.
    static Result<> remove(Dentry& directory, Dentry& victim, Credentials const& who);

    struct Move {
        Dentry& from_directory;
        Dentry& source;
        Dentry& to_directory;
        std::string_view to_name;
        Dentry* target;         ///< what has that name now; null: nothing
        RenameKind kind;
        Credentials const& who;
    };
    /// rename(2). ESTALE: the tree changed meanwhile, look again. EACCES EPERM EINVAL ENOTEMPTY EBUSY ENOENT ENOMEM.
    static Result<> move(Move const& move);
    /// rename(2): whether `who` may. EACCES EPERM.
    static Result<> may_move(Move const& move);

    /// `root` shows at `point` / `root` was on top of what it covers and goes. EBUSY.
    static Result<> mount(Dentry& point, Dentry& root);
    /// EBUSY: someone besides the tree itself, and those `root_references` at the root, holds a name in it, or something is
    /// mounted there. One step: nobody gets in between the look and the end.
    static Result<> unmount(Dentry& root, u32 root_references);
    static bool is_mounted(Dentry const& root);
    static Ref<Dentry> mount_point(Dentry const& root);
    /// Takes all names out of a tree that nobody can reach any more, the deepest first, without recursion.
    static void demolish(Dentry& root);

private:
    static Result<> enter_locked(Dentry& directory, Dentry& dentry, Credentials const& who);
    static bool is_busy(Dentry& root, u32 root_references);
    static Result<> check_circles(Move const& move);
    static Result<> move_names(Move const& move, NameText& name, Ref<Dentry>& replaced);
    static Result<> check(Move const& move, NameText& name);
    static Result<> exchange(Move const& move, NameText& name);
    static void place(Dentry& dentry, Dentry& directory, NameText& name);
};

}
