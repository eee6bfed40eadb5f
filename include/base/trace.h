// SPDX-License-Identifier: MIT
// The trace ring: the last events of each CPU, cheap enough to stay enabled; the panic screen and /proc/trace show
// them.
// Invariant: only its own CPU writes a ring. Defined in kernel/trace/trace.cpp.
#pragma once

#include <base/types.h>

namespace trace {

/// The texts in kernel/trace/trace.cpp define what the two words of each event mean.
enum class Event : u16 { None, Switch, Wake, Fork, Exec, Exit, PageFault, CowCopy, CowReuse, Interrupt, SystemCall, Signal, SendInterrupt, LockContention };

/// One bit per event. All but system calls, unless trace= says otherwise; changed only at boot.
extern constinit u32 enabled_events;
inline bool is_enabled(Event event) { return enabled_events & (u32{1} << static_cast<u16>(event)); }

/// Records one event with the current time stamp.
void record(Event event, u64 first = 0, u64 second = 0);

}

#define TRACE_EVENT(event, ...) \
    (::trace::is_enabled(::trace::Event::event) ? ::trace::record(::trace::Event::event __VA_OPT__(,) __VA_ARGS__) : void())
