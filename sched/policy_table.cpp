// SPDX-License-Identifier: MIT
// The table of policies; the first is the default. To add one: its file in sched/policies/ and a row here.
#include "sched/policies/dynamic.h"
#include "sched/policies/fifo.h"
#include "sched/policies/priority.h"
#include "sched/policies/round_robin.h"

namespace sched {
namespace {

constexpr RoundRobinPolicy round_robin;
constexpr PriorityPolicy priority;
constexpr FifoPolicy fifo;
constexpr DynamicPolicy dynamic;

constexpr Policy const* table[] = {
    &round_robin,   // "rr", the default: equal quanta in turn
    &priority,      // "priority": the lowest nice value first
    &fifo,          // "fifo": each until it blocks
    &dynamic,       // "dynamic": shares by nice value, short turns first
};

}

std::span<Policy const* const> policy_table() { return table; }

Policy const* find_policy(std::string_view name) {
    for (Policy const* policy : table)
        if (policy->name() == name) return policy;
    return nullptr;
}

}
