// SPDX-License-Identifier: MIT
// The files of System V IPC in /proc: sysvipc(7).
#pragma once

#include <base/result.h>

namespace ipc {

/// Registers /proc/sysvipc and the limits of System V IPC. Called once from main.
Result<> register_system_v_entries();

}
