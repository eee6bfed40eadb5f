// SPDX-License-Identifier: MIT
// User: what one user makes the kernel hold, counted by kind. Credentials refer to the real user's; each thing that is
// counted holds a Charge, which ends with it. Users are found by number in one table and live as long as something refers to them.
#pragma once

#include <atomic>
#include <array>

#include <base/ref.h>
#include <base/result.h>

#include "mm/slab.h"

namespace fs {

/// What is counted, each against a limit of its own.
enum class Charged : u8 {
    Tasks,           ///< processes and their further threads: RLIMIT_NPROC
    Signals,         ///< queued signals and POSIX timers: RLIMIT_SIGPENDING
    QueueBytes,      ///< of POSIX message queues: RLIMIT_MSGQUEUE
    PipePages,       ///< capacity of pipes: /proc/sys/fs/pipe-user-pages-*
    Watches,         ///< of epolls: /proc/sys/fs/epoll/max_user_watches
    FileLocks,       ///< records of flock and fcntl
    FilesInFlight,   ///< descriptors between sockets: RLIMIT_NOFILE
};
inline constexpr size_t charged_kinds = 7;

class User final : public RefCounted<User> {
public:
    constexpr explicit User(UserId uid) : uid_(uid) {}
    /// Null stands for root, which is always there. ENOMEM.
    static Result<Ref<User>> find(UserId uid);
    /// What null stands for.
    static User& root();
    void destroy();                              ///< the last reference is gone; no leaf lock is held

    UserId uid() const { return uid_; }
    u64 charged(Charged kind) const { return count_of(kind).load(std::memory_order_relaxed); }
    /// False: together it would be more than `limit`. Any context.
    bool charge(Charged kind, u64 amount, u64 limit) {
        auto& count = count_of(kind);
        u64 before = charged(kind);
        do {
            if (amount > limit || before > limit - amount) return false;
        } while (!count.compare_exchange_weak(before, before + amount, std::memory_order_relaxed));
        return true;
    }
    /// Without a limit: for root, or to take over what was charged to another user.
    void charge(Charged kind, u64 amount) { count_of(kind).fetch_add(amount, std::memory_order_relaxed); }
    void uncharge(Charged kind, u64 amount) { count_of(kind).fetch_sub(amount, std::memory_order_relaxed); }
    MM_OBJECT_CACHE(User)

private:
    friend class UserTable;
    // Ordering: relaxed; the counts guard nothing but themselves.
    std::atomic<u64>& count_of(Charged kind) { return counts_[static_cast<size_t>(kind)]; }
    std::atomic<u64> const& count_of(Charged kind) const { return counts_[static_cast<size_t>(kind)]; }

    UserId const uid_;
    User* next_ = nullptr;                       ///< in the table; its lock
    std::array<std::atomic<u64>, charged_kinds> counts_{};
};

inline User& user_or_root(Ref<User> const& user) { return user ? *user : User::root(); }

/// An amount charged to a user until it is settled or destroyed.
class Charge {
public:
    constexpr Charge() = default;
    Charge(Charge&& other) noexcept : user_(std::move(other.user_)), amount_(std::exchange(other.amount_, 0)), kind_(other.kind_) {}
    Charge& operator=(Charge&& other) noexcept {
        std::swap(user_, other.user_);
        std::swap(amount_, other.amount_);
        std::swap(kind_, other.kind_);
        return *this;
    }
    ~Charge() { settle(); }

    /// False: it would be more than `limit`; then nothing has changed. A charge of nothing until now.
    bool begin(Ref<User> user, Charged kind, u64 amount, u64 limit) {
        if (!user_or_root(user).charge(kind, amount, limit)) return false;
        user_ = std::move(user);
        kind_ = kind;
        amount_ = amount;
        return true;
    }
    /// Another amount of the same; false: it grows, and would be more than `limit`.
    bool change(u64 amount, u64 limit) {
        if (amount > amount_ && !user_or_root(user_).charge(kind_, amount - amount_, limit)) return false;
        if (amount < amount_) user_or_root(user_).uncharge(kind_, amount_ - amount);
        amount_ = amount;
        return true;
    }
    /// Ends it now. Any context: the user itself goes with the charge.
    void settle() {
        if (u64 const amount = std::exchange(amount_, 0)) user_or_root(user_).uncharge(kind_, amount);
    }
    u64 amount() const { return amount_; }
    Ref<User> const& user() const { return user_; }

private:
    Ref<User> user_;                             ///< null: root
    u64 amount_ = 0;
    Charged kind_ = Charged::Tasks;
};

}
