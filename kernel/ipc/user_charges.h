// SPDX-License-Identifier: MIT
// How much of something each user has, against a limit: bytes of message queues, descriptors on their way.
#pragma once

#include <array>

#include <base/result.h>

#include "kernel/sync/mutex.h"

namespace ipc {

class UserCharges {
public:
    constexpr UserCharges() = default;
    /// False: together it would be more than `limit`. ENOMEM.
    Result<bool> add(UserId user, u64 amount, u64 limit);
    void remove(UserId user, u64 amount);

private:
    struct Account;
    using Lock = sync::Mutex<LockRank::sleeping_leaf>;
    Account** find(UserId user) REQUIRES(lock_);
    Lock lock_;
    std::array<Account*, 64> accounts_ GUARDED_BY(lock_){};   ///< only those that have something
};

}
