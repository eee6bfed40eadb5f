// SPDX-License-Identifier: MIT
// A first-come-first-served list of waiters, each on its own stack. Unlike base::List it may be part of a
// constant-initialised object: an empty list is all zeros.
#pragma once

namespace sched {

struct WaitNode {
    WaitNode* previous = nullptr;
    WaitNode* next = nullptr;
};

class WaitList {
public:
    constexpr WaitList() = default;
    bool is_empty() const { return first_ == nullptr; }
    WaitNode* first() const { return first_; }
    void push_back(WaitNode& node) {
        node.previous = last_;
        node.next = nullptr;
        (last_ ? last_->next : first_) = &node;
        last_ = &node;
    }
    /// Inserts before `at`; null: at the end.
    void insert_before(WaitNode* at, WaitNode& node) {
        if (!at) return push_back(node);
        node.previous = at->previous;
        node.next = at;
        (at->previous ? at->previous->next : first_) = &node;
        at->previous = &node;
    }
    void remove(WaitNode& node) {
        (node.previous ? node.previous->next : first_) = node.next;
        (node.next ? node.next->previous : last_) = node.previous;
    }
private:
    WaitNode* first_ = nullptr;
    WaitNode* last_ = nullptr;
};

}
