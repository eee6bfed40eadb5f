// SPDX-License-Identifier: MIT
// The console until drivers come: COM1, polled. Also what a panic falls back to.
#pragma once

#include <base/log.h>

namespace arch {

/// The sink for kernel_log, or null if no UART answers at COM1. Sets 115200 8N1 once.
base::LogSink* early_console();

}
