// SPDX-License-Identifier: MIT
// Encodes a SignalInfo as the siginfo_t that programs get: only the members of the union that the signal has are filled, all
// other bytes are 0.
#include "kernel/process/signal_info.h"

#include <cstring>

#include <abi/signal.h>

namespace process {

void encode_signal_info(SignalInfo const& info, SignalInfoBytes& out) {
    static_assert(sizeof(siginfo_t) == sizeof out);
    siginfo_t value{};
    value.si_signo = info.signal;
    value.si_errno = info.error;
    value.si_code = info.code;
    bool const fault = info.code > 0 && info.code != SI_KERNEL;
    switch (info.signal) {
    case SIGSEGV: case SIGBUS: case SIGILL: case SIGFPE: case SIGTRAP:
        if (fault) {
            value.si_addr = reinterpret_cast<void*>(info.address);
            break;
        }
        [[fallthrough]];
    default:
        value.si_pid = info.pid;
        value.si_uid = info.uid;
        if (info.signal == SIGCHLD && fault) {
            value.si_status = info.status;
            value.si_utime = static_cast<decltype(value.si_utime)>(info.address);
            value.si_stime = static_cast<decltype(value.si_stime)>(info.value);
        }
        else if (info.code < 0) value.si_ptr = reinterpret_cast<void*>(info.value);
    }
    std::memcpy(out.data(), &value, sizeof value);
}

}
