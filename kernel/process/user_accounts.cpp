// SPDX-License-Identifier: MIT
// How many processes each user has (RLIMIT_NPROC of setrlimit(2)); root is not counted. A process
// is charged at fork to its parent's real uid, until it is reaped. All under tree_lock.
#include "kernel/process/process_manager.h"

namespace process {

u64 ProcessManager::processes_of(UserId uid) const {
    for (UserAccount const* account = accounts_[uid.value % accounts_.size()]; account; account = account->next)
        if (account->uid == uid) return account->processes;
    return 0;
}

void ProcessManager::charge(Process& child, UserId uid, mm::Owned<UserAccount>& fresh) {
    if (uid.value == 0) return;
    UserAccount*& bucket = accounts_[uid.value % accounts_.size()];
    UserAccount* account = bucket;
    while (account && account->uid != uid) account = account->next;
    if (!account) {
        account = fresh.leak();
        account->uid = uid;
        account->next = bucket;
        bucket = account;
    }
    ++account->processes;
    child.account = account;
}

void ProcessManager::uncharge(Process& process) {
    UserAccount* account = std::exchange(process.account, nullptr);
    if (!account || --account->processes != 0) return;
    UserAccount** link = &accounts_[account->uid.value % accounts_.size()];
    while (*link != account) link = &(*link)->next;
    *link = account->next;
    process.remains.account = account;
}

}
