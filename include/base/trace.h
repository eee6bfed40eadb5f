// SPDX-License-Identifier: MIT
// The trace ring: the last events of each CPU, cheap enough to stay on; the panic
// screen prints them. Written only by its own CPU. Defined in kernel/trace/trace.cpp.
#pragma once

#include <base/types.h>

namespace trace {

enum class Event : u16 { None, Switch, Wake, Fork, Exec, Exit, PageFault, CowCopy, CowReuse, Interrupt, SystemCall, Signal };

/// Records one event with the current time stamp; two words of meaning depend on `event`.
void record(Event event, u64 first = 0, u64 second = 0);

}

#define TRACE_EVENT(event, ...) ::trace::record(::trace::Event::event __VA_OPT__(,) __VA_ARGS__)
