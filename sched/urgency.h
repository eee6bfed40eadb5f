// SPDX-License-Identifier: MIT
// How urgent a thread is, as one number, and a list in that order. An insertion costs at most the number of different
// levels in the list, however many nodes it has; a constant-initialised list is all zeros.
#pragma once

#include <base/types.h>

namespace sched {

/// Lower is more urgent. 0: reapers and ending threads; 1..99: realtime priorities 99..1; from first_fair_level: nice
/// values -20..19, then SCHED_IDLE.
using Level = u8;
inline constexpr Level first_fair_level = 100, idle_class_level = first_fair_level + 40, no_level = 255;
constexpr bool is_realtime(Level level) { return level < first_fair_level; }

struct UrgencyNode {
    Level level = 0;
    UrgencyNode *previous = nullptr, *next = nullptr;            ///< most urgent first; first come, first served within a level
    UrgencyNode *previous_first = nullptr, *next_first = nullptr;   ///< of a level's first node: those of the levels beside it
};

class UrgencyList {
public:
    constexpr UrgencyList() = default;
    bool is_empty() const { return first_ == nullptr; }
    UrgencyNode* first() const { return first_; }
    Level top() const { return first_ ? first_->level : no_level; }
    /// Inserts behind all nodes of its level.
    void insert(UrgencyNode& node, Level level) {
        node.level = level;
        UrgencyNode *before = nullptr, *after = first_;          // the first nodes of the levels around it
        while (after && after->level <= level) {
            before = after;
            after = after->next_first;
        }
        node.next = after;
        node.previous = after ? after->previous : last_;
        (node.previous ? node.previous->next : first_) = &node;
        (after ? after->previous : last_) = &node;
        node.previous_first = node.next_first = nullptr;
        if (!before || before->level != level) link_first(node, before, after);
    }
    void remove(UrgencyNode& node) {
        (node.previous ? node.previous->next : first_) = node.next;
        (node.next ? node.next->previous : last_) = node.previous;
        if (node.previous && node.previous->level == node.level) return;   // was not the first of its level
        UrgencyNode* const heir = node.next && node.next->level == node.level ? node.next : nullptr;
        if (heir) return link_first(*heir, node.previous_first, node.next_first);
        if (node.previous_first) node.previous_first->next_first = node.next_first;
        if (node.next_first) node.next_first->previous_first = node.previous_first;
    }

private:
    static void link_first(UrgencyNode& node, UrgencyNode* before, UrgencyNode* after) {
        node.previous_first = before;
        node.next_first = after;
        if (before) before->next_first = &node;
        if (after) after->previous_first = &node;
    }
    UrgencyNode *first_ = nullptr, *last_ = nullptr;
};

}
