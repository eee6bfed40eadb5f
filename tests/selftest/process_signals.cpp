// SPDX-License-Identifier: MIT
// The set of pending signals: standard ones coalesce and keep the first information, real-time
// ones queue in order, what is discarded is gone.
#include <abi/signal.h>

#include "kernel/process/signal/signal.h"
#include "tests/selftest/self_test.h"

namespace {

using process::mask_of;
using process::PendingSignals;
using process::SignalInfo;
using process::SignalNode;
using process::SignalNodes;

SignalInfo make(int signal, u64 value) {
    SignalInfo info;
    info.signal = signal;
    info.value = value;
    return info;
}

SignalNode* make_node() {
    return new (std::nothrow) SignalNode(fs::Charge());
}

/// Adds as a sender does: with a node where one is wanted.
void send(PendingSignals& pending, int signal, u64 value) {
    SignalNode* node = pending.wants_node(signal) ? make_node() : nullptr;
    if (!pending.add(make(signal, value), node)) delete node;
}

u64 take(PendingSignals& pending, int signal) {
    SignalNodes used;
    return pending.take(signal, used).value;
}

constexpr int realtime = 40;

}

SELF_TEST(signals_standard_ones_coalesce) {
    PendingSignals pending;
    send(pending, SIGUSR1, 1);
    send(pending, SIGUSR1, 2);
    CHECK(pending.set == mask_of(SIGUSR1));
    CHECK(take(pending, SIGUSR1) == 1);
    CHECK(pending.set == 0);
}

SELF_TEST(signals_keep_their_information_beyond_the_slots) {
    PendingSignals pending;
    int const signals[] = {SIGHUP, SIGINT, SIGTERM, SIGCHLD, SIGUSR2};
    for (int signal : signals) send(pending, signal, static_cast<u64>(signal) * 10);
    for (int signal : signals) CHECK(take(pending, signal) == static_cast<u64>(signal) * 10);
    CHECK(pending.set == 0);
    CHECK(pending.queued() == 0);
}

SELF_TEST(signals_realtime_ones_queue_in_order) {
    PendingSignals pending;
    for (u64 value = 1; value <= 5; ++value) send(pending, realtime, value);
    send(pending, realtime + 1, 77);
    CHECK(pending.queued() == 6);
    for (u64 value = 1; value <= 5; ++value) {
        CHECK(pending.set & mask_of(realtime));
        CHECK(take(pending, realtime) == value);
    }
    CHECK(pending.set == mask_of(realtime + 1));
    CHECK(take(pending, realtime + 1) == 77);
}

SELF_TEST(signals_discarded_ones_are_gone) {
    PendingSignals pending;
    for (u64 value = 1; value <= 3; ++value) send(pending, realtime, value);
    send(pending, SIGTSTP, 5);
    send(pending, SIGTERM, 6);
    pending.discard(mask_of(realtime) | mask_of(SIGTSTP), nullptr);
    CHECK(pending.set == mask_of(SIGTERM));
    send(pending, realtime, 9);
    CHECK(take(pending, realtime) == 9);
    CHECK(take(pending, SIGTERM) == 6);
    CHECK(pending.set == 0);
}
