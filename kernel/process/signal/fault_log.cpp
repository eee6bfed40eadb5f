// SPDX-License-Identifier: MIT
// Lines in the log about faulting programs: only for signals that no handler catches, and at most ten in five seconds over
// all programs, because everyone shares the log. Faults of init are always logged.
#include "kernel/process/signal/fault_log.h"

#include <abi/signal.h>
#include <arch/context.h>
#include <base/log.h>

#include "kernel/base/rate_limit.h"
#include "kernel/process/process_manager.h"
#include "kernel/process/signal/default_actions.h"

namespace process {
namespace {

constinit base::RateLimit limit(10, 5 * ns_per_s), missing_limit(10, 5 * ns_per_s);

bool is_said(UserThread const& thread, int signal) {
    Process& process = thread.process();
    if (process.is_init()) return true;
    {
        Locked guard(process.signal_lock);
        auto const handler = process.handlers->of(signal).handler;
        if (handler != default_handler && handler != ignore_handler) return false;
    }
    return limit.allows("process");
}

/// Null: Linux does not log this exception.
char const* name_of_trap(u8 vector) {
    switch (vector) {
    case 0: return "trap divide error";
    case 3: return "trap int3";
    case 4: return "trap overflow";
    case 5: return "trap bounds";
    case 6: return "trap invalid opcode";
    case 11: return "trap segment not present";
    case 12: return "trap stack segment";
    case 13: return "general protection fault";
    case 17: return "trap alignment check";
    default: return nullptr;
    }
}

}

void log_segfault(TrapFrame const& frame, u64 address, u64 error_code) {
    auto const& thread = current_user_thread();
    if (!is_said(thread, SIGSEGV)) return;
    base::log(thread.process().is_init() ? base::LogLevel::Emergency : base::LogLevel::Info, "",
              "{}[{}]: segfault at {:x} ip {:016x} sp {:016x} error {:x} likely on CPU {}", thread.name, thread.tid, address, frame.rip, frame.rsp,
              error_code, arch::current_cpu());
}

void log_trap(TrapFrame const& frame, u8 vector, u64 error_code, int signal) {
    auto const& thread = current_user_thread();
    char const* const name = name_of_trap(vector);
    if (!name || !is_said(thread, signal)) return;
    base::log(base::LogLevel::Info, "", "{}[{}] {} ip:{:x} sp:{:x} error:{:x}", thread.name, thread.tid, name, frame.rip, frame.rsp, error_code);
}

void log_missing_interpreter(std::string_view program, std::string_view wanted) {
    if (missing_limit.allows("process")) base::log(base::LogLevel::Info, "", "exec: {} wants {}, which is not there", program, wanted);
}

}
