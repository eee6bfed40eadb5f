// SPDX-License-Identifier: MIT
// Who is asking: a value that travels as a parameter. credentials(7).
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
    /// Who answers for what the kernel holds: the real user's, null: root. Dies with no leaf lock held.
    Ref<User> user;

    /// May override what files say: Linux's CAP_DAC_OVERRIDE, CAP_FOWNER and their like go with the file system's user.
    bool is_superuser() const { return fs_uid.value == 0; }
    /// May do everything else that takes a capability.
    bool is_privileged() const { return effective_uid.value == 0; }
    bool in_group(GroupId gid) const {
        if (fs_gid == gid) return true;
        for (u32 i = 0; i < group_count; ++i) if (groups[i] == gid) return true;
        return false;
    }
};

/// Who makes the call that is being carried out: the running program, whoever opened the file it uses, or the kernel.
Credentials caller_credentials();
/// kernel/process knows that.
extern constinit base::FromAbove<Credentials()> credentials_of_caller;

}
