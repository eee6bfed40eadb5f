// SPDX-License-Identifier: MIT
// The trace ring: the last events of each CPU, cheap enough to stay on; the panic screen and /proc/trace
// show them. Written only by its own CPU. Defined in kernel/trace/trace.cpp.
#pragma once

#include <base/types.h>

namespace trace {

/// What the two words of each say stands with kernel/trace/trace.cpp's texts.
enum class Event : u16 { None, Switch, Wake, Fork, Exec, Exit, PageFault, CowCopy, CowReuse, Interrupt, SystemCall, Signal, SendInterrupt, LockContention };

/// One bit an event. All but system calls, until trace= says otherwise; changed at boot only.
extern constinit u32 enabled_events;
inline bool is_enabled(Event event) { return enabled_events & (u32{1} << static_cast<u16>(event)); }

/// Records one event with the current time stamp.
void record(Event event, u64 first = 0, u64 second = 0);

}

#define TRACE_EVENT(event, ...) \
    (::trace::is_enabled(::trace::Event::event) ? ::trace::record(::trace::Event::event __VA_OPT__(,) __VA_ARGS__) : void())
