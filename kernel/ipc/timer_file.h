// SPDX-License-Identifier: MIT
// timerfd_create(2): a timer whose expiries are read from a file.
#pragma once

#include "kernel/fs/file.h"

namespace ipc {

enum class TimerFileClock : u8 { Monotonic, Realtime };

/// struct itimerspec, in ns; a value of 0: not armed.
struct TimerFileSetting { u64 value_ns = 0, interval_ns = 0; };
/// TFD_TIMER_ABSTIME, TFD_TIMER_CANCEL_ON_SET.
struct TimerFileMode { bool is_absolute = false, ends_with_clock_change = false; };

/// `flags`: O_NONBLOCK or nothing. ENOMEM.
Result<Ref<fs::File>> make_timer_file(TimerFileClock clock, u32 flags, fs::Credentials const& who);
/// Returns the previous setting. EINVAL: `file` is not a timer file.
Result<TimerFileSetting> set_timer_file(fs::File& file, TimerFileSetting const& setting, TimerFileMode mode);
Result<TimerFileSetting> timer_file_setting(fs::File& file);
/// clock_settime(2): adjusts the timers that are set to a time of the wall clock.
void on_clock_set();

}
