// SPDX-License-Identifier: MIT
#pragma once

#include <base/result.h>

namespace ipc {

/// /proc/sysvipc and System V's limits. Called once from main.
Result<> register_system_v_entries();

}
