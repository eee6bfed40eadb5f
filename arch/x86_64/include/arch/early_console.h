// SPDX-License-Identifier: MIT
// The console until the drivers are up: COM1, polled. A panic also falls back to it.
#pragma once

#include <base/log.h>

namespace arch {

/// The sink for kernel_log, or null if no UART answers at COM1. Sets 115200 8N1 once.
base::LogSink* early_console();

}
