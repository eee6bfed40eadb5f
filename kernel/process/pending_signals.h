// SPDX-License-Identifier: MIT
// Signals that were sent and not yet taken: a process's and each thread's.
#pragma once

#include <array>
#include <optional>

#include <arch/spin_lock.h>
#include <base/intrusive.h>

#include "kernel/fs/user.h"
#include "kernel/process/signal_info.h"
#include "mm/slab.h"

namespace process {

class Process;
class UserThread;
using SignalLock = SpinLock<LockRank::signal, InterruptsOff>;
using SignalGuard = SignalLock::Guard;

class PendingSignals;

/// A queued signal that found no slot. Counted for RLIMIT_SIGPENDING, by user (signal_nodes.cpp).
struct SignalNode {
    explicit SignalNode(fs::Charge charge) : charge_(std::move(charge)) {}
    SignalNode(SignalNode const&) = delete;
    /// Null if the target's user has as many as the target may have, or no memory is left.
    static SignalNode* make(Process const& target);
    /// As make() counts; empty: there is no room. For a node that is part of something else.
    static std::optional<fs::Charge> charge(Process const& target);
    /// It counts no more, though it is still there. Any context.
    void settle() { charge_.settle(); }

    SignalInfo info;
    base::ListHook hook;
    PosixTimer* timer = nullptr;                         ///< whose part it is; then nobody frees it
    PendingSignals* in = nullptr;                        ///< of a timer's: where it is queued
    bool was_ignored = false;                            ///< of a timer's: its signal was discarded
    MM_OBJECT_CACHE(SignalNode)
private:
    fs::Charge charge_;
};

/// Nodes on their way to the heap: declare it before the lock's guard, so that it dies after it.
class SignalNodes {
public:
    SignalNodes() = default;
    ~SignalNodes() { if (!list_.empty()) [[unlikely]] delete_all(); }
    SignalNodes(SignalNodes const&) = delete;
    using List = base::List<SignalNode, &SignalNode::hook>;
    void add(SignalNode& node) { list_.push_back(node); }
    void remove(SignalNode& node) { list_.erase(list_.iterator_to(node)); }
    void take_all(List& other) { list_.splice(list_.end(), other); }
    /// Null: there is none.
    SignalNode* take() {
        if (list_.empty()) return nullptr;
        SignalNode& node = list_.front();
        list_.pop_front();
        return &node;
    }
private:
    void delete_all();
    List list_;
};

/// Signals sent and not yet taken. Two of the standard signals keep their information in place,
/// so that the usual send allocates nothing; others need a node, or lose it (as in Linux).
class PendingSignals {
public:
    PendingSignals() = default;
    ~PendingSignals();
    PendingSignals(PendingSignals const&) = delete;

    SignalMask set = 0;

    /// `node`: room for the information; null is allowed. True if the node was used.
    bool add(SignalInfo const& info, SignalNode* node);
    /// A timer's own node: queued whatever else of its number is pending.
    void add_timer(SignalNode& node);
    void remove_timer(SignalNode& node);
    /// Takes the oldest signal `signal`, whose bit is set.
    SignalInfo take(int signal, SignalNodes& used);
    /// Forgets all of `mask`. Its nodes go to `gone`; null: nothing may be freed now (tree_lock is held), and
    /// they stay until the next one who may. Nodes come only from those who may.
    void discard(SignalMask mask, SignalNodes* gone);
    void take_discarded(SignalNodes& gone) { gone.take_all(discarded_); }
    bool wants_node(int signal) const { return signal >= first_realtime_signal || (slots_[0].signal != 0 && slots_[1].signal != 0); }
    u32 queued() const { return queued_; }

private:
    SignalNodes::List queue_, discarded_;
    u32 queued_ = 0;
    std::array<SignalInfo, 2> slots_{};                  ///< signal 0: free
};

}
