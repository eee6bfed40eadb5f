// SPDX-License-Identifier: MIT
// How many signals each user has queued (RLIMIT_SIGPENDING): nodes, of signals and of POSIX timers. Users are counted in a
// table of fixed size, so that a count needs neither lock nor memory; two whose numbers meet in it share their room.
#include "kernel/process/process.h"

#include <asm/resource.h>

namespace process {
namespace {

// Ordering: relaxed; the counts guard nothing.
constinit std::atomic<u32> counts[1024] = {};

std::atomic<u32>& count_of(UserId user) { return counts[user.value % std::size(counts)]; }

}

MM_OBJECT_CACHE_DEFINE(SignalNode)

bool SignalNode::charge(UserId payer, u64 limit) {
    std::atomic<u32>& count = count_of(payer);
    if (count.fetch_add(1, std::memory_order_relaxed) < limit) return true;
    count.fetch_sub(1, std::memory_order_relaxed);
    return false;
}

SignalNode* SignalNode::make(Process const& target) {
    UserId payer;
    {
        decltype(target.credentials_lock)::Guard guard(target.credentials_lock);
        payer = target.credentials.real_uid;
    }
    if (!charge(payer, target.limit(RLIMIT_SIGPENDING).soft)) return nullptr;
    auto* node = new (std::nothrow) SignalNode(payer);
    if (!node) count_of(payer).fetch_sub(1, std::memory_order_relaxed);
    return node;
}

SignalNode::~SignalNode() { count_of(payer_).fetch_sub(1, std::memory_order_relaxed); }

u32 queued_signals_of(UserId user) { return count_of(user).load(std::memory_order_relaxed); }

}
