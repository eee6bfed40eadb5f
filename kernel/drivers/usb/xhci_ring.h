// SPDX-License-Identifier: MIT
// Rings of TRBs (4.9): those that the kernel fills, each one segment that links to itself, and the ring of events.
// The caller provides zeroed memory. The cycle bit of an entry says whose it is; its meaning inverts with each lap.
#pragma once

#include <optional>

#include "kernel/drivers/usb/xhci_registers.h"

namespace drivers::usb::xhci {

class Ring {
public:
    constexpr Ring() = default;
    /// `count` entries, the link among them.
    Ring(Trb* entries, PhysAddr address, u32 count) : entries_(entries), address_(address), count_(count) {}

    /// Hands one entry to the controller and returns its number. The caller never leaves the controller `count - 1` entries behind.
    u32 push(Trb const& trb) {
        if (next_ == count_ - 1) {
            put(next_, {address_.value(), 0, type_bits(TrbType::Link) | trb_toggle});
            next_ = 0;
            cycle_ = !cycle_;
        }
        put(next_, trb);
        return next_++;
    }
    /// The number of the entry that an event names; nothing if the controller names none of this ring.
    std::optional<u32> number_of(u64 physical) const {
        u64 const offset = physical - address_.value();
        if (offset >= u64{count_} * sizeof(Trb) || offset % sizeof(Trb) != 0) return std::nullopt;
        return static_cast<u32>(offset / sizeof(Trb));
    }
    /// Where the controller is to continue, past every entry handed to it: address and cycle bit, as commands and contexts want them.
    u64 dequeue_pointer() const { return (address_.value() + next_ * sizeof(Trb)) | cycle_; }

private:
    void put(u32 number, Trb const& trb) {
        entries_[number].parameter = trb.parameter;
        entries_[number].status = trb.status;
        // Ordering: release: the controller has the entry as soon as it sees the cycle bit.
        __atomic_store_n(&entries_[number].control, (trb.control & ~trb_cycle) | cycle_, __ATOMIC_RELEASE);
    }

    Trb* entries_ = nullptr;
    PhysAddr address_;
    u32 count_ = 0, next_ = 0;
    bool cycle_ = true;
};

class EventRing {
public:
    constexpr EventRing() = default;
    EventRing(Trb* entries, PhysAddr address, u32 count) : entries_(entries), address_(address), count_(count) {}

    // Ordering: acquire, with the controller's write of the cycle bit after the rest of the entry.
    bool has_event() const { return (__atomic_load_n(&entries_[next_].control, __ATOMIC_ACQUIRE) & trb_cycle) == cycle_; }
    Trb take() {
        Trb const event = entries_[next_];
        if (++next_ == count_) next_ = 0, cycle_ = !cycle_;
        return event;
    }
    u64 dequeue_pointer() const { return address_.value() + next_ * sizeof(Trb); }

private:
    Trb* entries_ = nullptr;
    PhysAddr address_;
    u32 count_ = 0, next_ = 0;
    bool cycle_ = true;
};

}
