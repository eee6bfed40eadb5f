// SPDX-License-Identifier: MIT
// The table of users. A user whose last reference is gone stays in the table for a moment longer: it owes nothing, so a
// lookup then makes another.
#include "kernel/fs/user.h"

#include <arch/spin_lock.h>

#include "mm/heap.h"

namespace fs {

MM_OBJECT_CACHE_DEFINE(User)

/// By number, in chains. The lock is a leaf: users die with other locks held.
class UserTable {
public:
    constexpr UserTable() = default;
    Ref<User> find(UserId uid) {
        Locked guard(lock_);
        return find(uid, guard);
    }
    /// `made`, unless someone else was faster; then theirs.
    Ref<User> add(Ref<User> made) {
        Locked guard(lock_);
        if (auto there = find(made->uid(), guard)) return there;
        User*& first = chain_of(made->uid());
        made->next_ = std::exchange(first, made.get());
        return made;
    }
    void remove(User& user) {
        Locked guard(lock_);
        User** link = &chain_of(user.uid());
        while (*link && *link != &user) link = &(*link)->next_;
        if (*link) *link = user.next_;           // else it never came in
    }

private:
    using Guard = SpinLock<LockRank::leaf, InterruptsOff>::Guard;

    User*& chain_of(UserId uid) REQUIRES(lock_) { return chains_[uid.value % chains_.size()]; }
    Ref<User> find(UserId uid, Guard const&) REQUIRES(lock_) {
        for (User* user = chain_of(uid); user; user = user->next_)
            if (user->uid() == uid && user->try_acquire_ref()) return Ref<User>::adopt(user);
        return nullptr;
    }

    SpinLock<LockRank::leaf, InterruptsOff> lock_;
    std::array<User*, 256> chains_ GUARDED_BY(lock_){};
};

namespace {

constinit UserTable table;
constinit User the_root(UserId(0));

}

User& User::root() { return the_root; }

Result<Ref<User>> User::find(UserId uid) {
    if (uid.value == 0) return Ref<User>();
    if (auto there = table.find(uid)) return there;
    return table.add(TRY(mm::make_ref<User>(uid)));
}

void User::destroy() {
    table.remove(*this);
    delete this;
}

}
