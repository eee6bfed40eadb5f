// SPDX-License-Identifier: MIT
// tty::SignalTarget: the terminal's view of the running process and of groups.
#include "kernel/process/terminal_signals.h"

#include <abi/signal.h>

#include "kernel/process/process_manager.h"
#include "kernel/process/signal_action.h"
#include "kernel/tty/terminal.h"

namespace process {
namespace {

class TerminalSignals final : public tty::SignalTarget {
public:
    void signal_group(Pid group, int signal) override {
        SignalInfo info;
        info.signal = signal;
        info.code = SI_KERNEL;
        process_manager.signal_group(group, info);
    }
    Pid current_group() override { return running() ? running()->group : Pid(); }
    Pid current_session() override { return running() ? running()->session : Pid(); }
    bool is_session_leader() override { return running() && running()->session == running()->pid(); }
    u64 controlling_terminal() override { return running() ? running()->controlling_terminal : 0; }
    void set_controlling_terminal(u64 device) override {
        ProcessManager::TreeGuard guard(process_manager.tree_lock);
        if (running()) running()->controlling_terminal = device;
    }
    fs::Credentials current_credentials() override { return running() ? running()->copy_credentials() : fs::Credentials(); }
    Result<> background_access(int signal) override {
        if (!running()) return {};
        bool const refused = signal == SIGTTIN;
        if (is_shrugged_off(signal)) return refused ? Result<>(fail(EIO)) : Result<>();
        if (process_manager.is_orphaned(running()->group)) return fail(EIO);
        signal_group(running()->group, signal);
        return fail(restart_sys);
    }
    Pid session_of_group(Pid group) override { return process_manager.session_of_group(group); }

private:
    static bool is_shrugged_off(int signal) {
        UserThread& thread = current_user_thread();
        Process& process = thread.process();
        decltype(process.signal_lock)::Guard guard(process.signal_lock);
        return (thread.blocked & mask_of(signal)) || process.handlers->of(signal).handler == ignore_handler;
    }
    /// Null in a kernel thread: it opens the console for init.
    static Process* running() {
        UserThread* thread = current_user_thread_or_null();
        return thread ? &thread->process() : nullptr;
    }
};

constinit TerminalSignals terminal_signals;

}

void register_terminal_signals() { tty::set_signal_target(terminal_signals); }

}
