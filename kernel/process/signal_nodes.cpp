// SPDX-License-Identifier: MIT
// Room for queued signals: the nodes of signals and of POSIX timers are charged to the real user of the process that gets
// them, up to that process's RLIMIT_SIGPENDING. Every node holds its charge.
#include "kernel/process/process.h"

#include <asm/resource.h>

namespace process {

MM_OBJECT_CACHE_DEFINE(SignalNode)

std::optional<fs::Charge> SignalNode::charge(Process const& target) {
    fs::Charge charge;
    if (!charge.begin(target.copy_user(), fs::Charged::Signals, 1, target.limit(RLIMIT_SIGPENDING).soft)) return std::nullopt;
    return charge;
}

SignalNode* SignalNode::make(Process const& target) {
    auto room = charge(target);
    return room ? new (std::nothrow) SignalNode(std::move(*room)) : nullptr;
}

}
