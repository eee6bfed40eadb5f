// SPDX-License-Identifier: MIT
// tty::SignalTarget: the terminal's view of the running process and of groups.
#include "kernel/process/terminal_signals.h"

#include <abi/signal.h>

#include "kernel/process/process_manager.h"
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

private:
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
