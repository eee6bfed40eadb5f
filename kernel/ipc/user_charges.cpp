// SPDX-License-Identifier: MIT
#include "kernel/ipc/user_charges.h"

#include "mm/heap.h"

namespace ipc {

struct UserCharges::Account {
    Account* next = nullptr;
    UserId user{0};
    u64 amount = 0;
};

/// The link that holds the user's account, or the end of the list.
UserCharges::Account** UserCharges::find(UserId user) {
    Account** link = &accounts_[user.value % accounts_.size()];
    while (*link && (*link)->user != user) link = &(*link)->next;
    return link;
}

Result<bool> UserCharges::add(UserId user, u64 amount, u64 limit) {
    Lock::Guard guard(lock_);
    Account** const link = find(user);
    u64 const before = *link ? (*link)->amount : 0;
    if (amount > limit || before > limit - amount) return false;
    if (amount == 0) return true;
    if (!*link) {
        *link = TRY(mm::make<Account>());
        (*link)->user = user;
    }
    (*link)->amount += amount;
    return true;
}

void UserCharges::remove(UserId user, u64 amount) {
    if (amount == 0) return;
    Lock::Guard guard(lock_);
    Account** const link = find(user);
    if (((*link)->amount -= amount) != 0) return;
    Account* const empty = *link;
    *link = empty->next;
    delete empty;
}

}
