// SPDX-License-Identifier: MIT
// Signals that have been sent and not yet taken: one set for each process and one for each thread. A bit of `set` is on while a
// signal of that number waits, with its information or without.
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

/// A queued signal that found no slot. It counts against RLIMIT_SIGPENDING, by user (signal_nodes.cpp).
struct SignalNode {
    explicit SignalNode(fs::Charge charge) : charge_(std::move(charge)) {}
    SignalNode(SignalNode const&) = delete;
    /// Null: the target's user has reached the target's limit, or there is no memory.
    static SignalNode* make(Process const& target);
    /// The charge that make() takes; empty: the limit is reached. For a node that is part of another object.
    static std::optional<fs::Charge> charge(Process const& target);
    /// Ends the charge, although the node still exists. Any context.
    void settle() { charge_.settle(); }

    SignalInfo info;
    base::ListHook hook;
    PosixTimer* timer = nullptr;                         ///< the timer that contains this node; such a node is not freed by itself
    PendingSignals* in = nullptr;                        ///< a timer's node: the set that it is queued in
    bool was_ignored = false;                            ///< a timer's node: its signal was discarded
    MM_OBJECT_CACHE(SignalNode)
private:
    fs::Charge charge_;
};

/// Nodes to be freed: declare it before the lock's guard, so that it is destroyed after the guard.
class SignalNodes {
public:
    SignalNodes() = default;
    ~SignalNodes() { if (!list_.empty()) [[unlikely]] delete_all(); }
    SignalNodes(SignalNodes const&) = delete;
    using List = base::List<SignalNode, &SignalNode::hook>;
    void add(SignalNode& node) { list_.push_back(node); }
    void remove(SignalNode& node) { list_.erase(list_.iterator_to(node)); }
    void take_all(List& other) { list_.splice(list_.end(), other); }
    /// Null: the list is empty.
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
    /// A timer's own node: it is queued even if the same signal is pending already.
    void add_timer(SignalNode& node);
    void remove_timer(SignalNode& node);
    /// Takes the oldest signal `signal`, whose bit is set.
    SignalInfo take(int signal, SignalNodes& used);
    /// Discards all signals of `mask`. Their nodes go to `gone`. Null: nothing may be freed now (tree_lock is held),
    /// and the nodes stay until the next caller that may free. Only such callers bring nodes.
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
