// SPDX-License-Identifier: MIT
// Inodes of files that are in no directory: event files, epolls, sockets. fstat(2) and /proc/PID/fd see them like any other inode.
#pragma once

#include <string_view>

#include "kernel/fs/dentry.h"

namespace ipc {

/// A dentry named "anon_inode:[KIND]". ENOMEM.
Result<Ref<fs::Dentry>> make_nameless(std::string_view kind, fs::Credentials const& who);
/// A dentry named "socket:[NUMBER]". ENOMEM.
Result<Ref<fs::Dentry>> make_socket_dentry(fs::Credentials const& who);

}
