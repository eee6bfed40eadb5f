// SPDX-License-Identifier: MIT
// The set of signals that have been sent and not yet taken. The signal_lock of its owner guards it; nothing is freed under that
// lock: nodes leave in a SignalNodes of the caller, or stay in discarded_ until one comes.
#include <cstring>

#include <abi/signal.h>

#include "kernel/process/pending_signals.h"

namespace process {

void SignalNodes::delete_all() {
    list_.clear_and_dispose([](SignalNode* node) { delete node; });
}

PendingSignals::~PendingSignals() {
    queue_.clear_and_dispose([](SignalNode* node) { delete node; });
    discarded_.clear_and_dispose([](SignalNode* node) { delete node; });
}

bool PendingSignals::add(SignalInfo const& info, SignalNode* node) {
    bool const realtime = info.signal >= first_realtime_signal;
    bool const already = set & mask_of(info.signal);
    set |= mask_of(info.signal);
    if (already && !realtime) return false;
    if (!realtime) {
        for (SignalInfo& slot : slots_) {
            if (slot.signal != 0) continue;
            slot = info;
            return false;
        }
    }
    if (!node) return false;
    node->info = info;
    queue_.push_back(*node);
    ++queued_;
    return true;
}

void PendingSignals::add_timer(SignalNode& node) {
    set |= mask_of(node.info.signal);
    node.in = this;
    queue_.push_back(node);
    ++queued_;
}

void PendingSignals::remove_timer(SignalNode& node) {
    queue_.erase(queue_.iterator_to(node));
    --queued_;
    node.in = nullptr;
    int const signal = node.info.signal;
    for (SignalInfo const& slot : slots_) if (slot.signal == signal) return;
    for (SignalNode const& other : queue_) if (other.info.signal == signal) return;
    set &= ~mask_of(signal);
}

SignalInfo PendingSignals::take(int signal, SignalNodes& used) {
    SignalInfo result;
    result.signal = signal;
    bool found = false, more = false;
    for (SignalInfo& slot : slots_) {
        if (slot.signal != signal) continue;
        result = slot;
        slot.signal = 0;
        found = true;
    }
    for (auto it = queue_.begin(); it != queue_.end();) {
        SignalNode& node = *it;
        if (node.info.signal != signal) { ++it; continue; }
        if (found) { more = true; break; }
        result = node.info;
        found = true;
        it = queue_.erase(it);
        --queued_;
        if (node.timer) {
            node.in = nullptr;
            result.timer = node.timer;
        } else {
            used.add(node);
        }
    }
    used.take_all(discarded_);
    if (!more) set &= ~mask_of(signal);
    return result;
}

void PendingSignals::discard(SignalMask mask, SignalNodes* gone) {
    if (gone) take_discarded(*gone);
    if (!(set & mask)) return;
    set &= ~mask;
    for (SignalInfo& slot : slots_)
        if (slot.signal != 0 && (mask & mask_of(slot.signal))) slot.signal = 0;
    for (auto it = queue_.begin(); it != queue_.end();) {
        SignalNode& node = *it;
        if (!(mask & mask_of(node.info.signal))) { ++it; continue; }
        it = queue_.erase(it);
        --queued_;
        if (node.timer) {
            node.in = nullptr;
            node.was_ignored = true;
        } else if (gone) {
            gone->add(node);
        } else {
            discarded_.push_back(node);
        }
    }
}

}
