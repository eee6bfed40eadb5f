// SPDX-License-Identifier: MIT
// The magic SysRq keys: what still works when programs do not. A key comes from a keyboard (Alt-SysRq-key), a serial
// line (a break, then the key within five seconds) or /proc/sysrq-trigger. Keys, texts and the mask are Linux's
// (admin-guide/sysrq).
#pragma once

#include <atomic>

#include <base/from_above.h>
#include <base/types.h>

namespace base {

/// The mask applies to keyboards and serial lines, but not to /proc/sysrq-trigger, whose file rights decide.
enum class SysRqSource : u8 { Console, Trigger };

/// Logs what the key does and does it. Any context, no lock held. Lengthy work is left to the handler.
void sysrq(char key, SysRqSource source);

/// /proc/sys/kernel/sysrq: 0 nothing, 1 everything, otherwise the sum of what is allowed.
extern constinit std::atomic<u32> sysrq_allowed;   ///< Ordering: relaxed, it guards nothing

/// Does what needs more than this folder knows: processes, memory. Any context.
extern constinit FromAbove<void(char key, SysRqSource source)> sysrq_handler;

}
