// SPDX-License-Identifier: MIT
// Signal numbers, SA_*, SS_*, SI_* and siginfo_t of Linux. The UAPI's <asm/signal.h> defines names that the C
// library's headers also define, which <algorithm> and <atomic> pull in: those names are set aside while it is read.
#pragma once

#include <cstddef>

#pragma push_macro("_LINUX_TIME_H")
#pragma push_macro("sigset_t")
#undef _LINUX_TIME_H
#define _LINUX_TIME_H
#define sigset_t linux_sigset_t
#include <linux/signal.h>
#pragma pop_macro("sigset_t")
#pragma pop_macro("_LINUX_TIME_H")
