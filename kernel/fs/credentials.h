// SPDX-License-Identifier: MIT
// Credentials: the users and groups of a caller, as a value that is passed to every check. credentials(7).
#pragma once

#include <array>

#include <base/from_above.h>
#include <base/types.h>

#include "kernel/fs/user.h"

namespace fs {

struct Credentials {
    static constexpr size_t max_groups = 32;
    UserId real_uid{0}, effective_uid{0}, saved_uid{0}, fs_uid{0};
    GroupId real_gid{0}, effective_gid{0}, saved_gid{0}, fs_gid{0};
    std::array<GroupId, max_groups> groups{};
    u32 group_count = 0;
    /// The user who is charged for what the kernel holds: the real one; null: root. Destroyed only where no leaf lock is held.
    Ref<User> user;

    /// May override the permissions of files: Linux's CAP_DAC_OVERRIDE, CAP_FOWNER and the like follow the file system user.
    bool is_superuser() const { return fs_uid.value == 0; }
    /// May do everything else that needs a capability.
    bool is_privileged() const { return effective_uid.value == 0; }
    bool in_group(GroupId gid) const {
        if (fs_gid == gid) return true;
        for (u32 i = 0; i < group_count; ++i) if (groups[i] == gid) return true;
        return false;
    }
};

/// The credentials that the current call acts with: the running program's, or the kernel's own.
Credentials caller_credentials();
/// Provided by kernel/process.
extern constinit base::FromAbove<Credentials()> credentials_of_caller;

}
