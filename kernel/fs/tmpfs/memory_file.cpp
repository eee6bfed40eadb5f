// SPDX-License-Identifier: MIT
// Files of memfd_create(2): inodes of a tmpfs that is never mounted, under a name that no directory holds.
#include "kernel/fs/tmpfs/memory_file.h"

#include <linux/fcntl.h>

#include "kernel/fs/tmpfs/tmpfs.h"
#include "kernel/fs/tree_edit.h"

namespace fs {
namespace {

constinit Tmpfs* memory_files = nullptr;         // holds the inodes of memfd_create(2); never mounted; set at boot

}

Result<> initialize_memory_files() {
    memory_files = TRY(Tmpfs::create("tmpfs", 0700));
    return {};
}

Result<Ref<File>> make_memory_file(std::string_view name, u32 permissions, u32 seals, Credentials const& who) {
    auto const root = memory_files->root_dentry();
    NewFile file;
    file.permissions = permissions;
    file.uid = who.fs_uid;
    file.gid = who.fs_gid;
    file.seals = seals;
    file.executes_while_mapped = true;
    auto const dentry = TRY(TreeEdit::enter_nowhere(*root, TRY(root->file().make_child(file)), name));
    return dentry->file().open(*dentry, O_RDWR);
}

}
