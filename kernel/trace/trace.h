// SPDX-License-Identifier: MIT
// Reading the trace ring back (the panic screen, tests).
#pragma once

#include <span>

#include <base/trace.h>

namespace trace {

struct Record {
    u64 nanoseconds = 0;    ///< of clock_ns()
    Event event = Event::None;
    u64 first = 0, second = 0;
};

/// The newest events of this CPU, oldest first; returns how many were there.
size_t last_records(std::span<Record> out);
char const* name_of(Event event);

}
