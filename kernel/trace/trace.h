// SPDX-License-Identifier: MIT
// Choosing events and reading the trace ring back (the panic screen, /proc/trace).
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include <base/trace.h>

namespace base { class Writer; }

namespace trace {

struct Record {
    u64 nanoseconds = 0;    ///< of clock_ns()
    Event event = Event::None;
    u64 first = 0, second = 0;
};

/// The newest events of this CPU, oldest first; returns how many were there.
size_t last_records(std::span<Record> out);
char const* name_of(Event event);

/// Event `number` of a CPU, which counts them from 0; nothing if it was overwritten or is yet to come. Any context.
std::optional<Record> record_at(CpuId cpu, u64 number);
/// How many events that CPU has recorded, and how many of the last ones its ring keeps.
u64 recorded_on(CpuId cpu);
u64 kept_on(CpuId cpu);

/// The event as NAME KEY=VALUE…
void describe(base::Writer& out, Record const& record);

/// Records only the events in `list`, names with commas between ("all": every one). False: a name is unknown (the others count).
bool choose_events(std::string_view list);

/// Bytes of a ring of `events`; a power of two.
size_t ring_bytes(size_t events);
/// A CPU records into `memory` from now on (as many events as fit, a power of two), for ever.
void use_ring(CpuId cpu, std::span<std::byte> memory);

}
