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
        if (!running()) return;
        running()->controlling_terminal = device;
        if (device != 0) running()->lost_foreground = Pid();
    }
    fs::Credentials current_credentials() override { return running() ? running()->copy_credentials() : fs::Credentials(); }
    bool is_privileged() override { return running() && running()->credentials.is_privileged(); }
    Result<> background_access(int signal) override {
        if (!running()) return {};
        bool const refused = signal == SIGTTIN;
        if (is_shrugged_off(signal)) return refused ? Result<>(fail(EIO)) : Result<>();
        if (process_manager.is_orphaned(running()->group)) return fail(EIO);
        signal_group(running()->group, signal);
        return fail(restart_sys);
    }
    /// As in Linux, a process that leads no group may stand for the group that it could lead.
    Pid session_of_group(Pid group) override {
        Pid const session = process_manager.session_of_group(group);
        if (session.value != 0 || group.value == 0) return session;
        return process_manager.get_session(group).value_or(Pid());
    }
    void take_terminal_away(Pid session, u64 device) override {
        for (auto process = process_manager.find_after(Pid()); process; process = process_manager.find_after(process->pid())) {
            ProcessManager::TreeGuard guard(process_manager.tree_lock);
            if (process->session == session && process->controlling_terminal == device) process->controlling_terminal = 0;
        }
    }
    void signal_hang_up(Pid session, Pid group) override {
        auto const leader = process_manager.find(session);
        if (!leader) return;
        for (int const signal : {SIGHUP, SIGCONT}) {
            SignalInfo info;
            info.signal = signal;
            info.code = SI_KERNEL;
            ProcessManager::TreeGuard guard(process_manager.tree_lock);
            leader->lost_foreground = group;
            post_signal(*leader, info);
        }
    }

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

void leave_terminal(Process& process) {
    if (process.session != process.pid()) return;
    u64 terminal;
    Pid lost;
    {
        ProcessManager::TreeGuard guard(process_manager.tree_lock);
        terminal = process.controlling_terminal;
        lost = process.lost_foreground;
    }
    if (terminal != 0) return tty::end_session(process.session, terminal);
    if (lost.value == 0) return;
    terminal_signals.signal_group(lost, SIGHUP);
    terminal_signals.signal_group(lost, SIGCONT);
}

void register_terminal_signals() { tty::set_signal_target(terminal_signals); }

void interrupt_init() {
    SignalInfo info;
    info.signal = SIGINT;
    info.code = SI_KERNEL;
    if (Ref<Process> const init = process_manager.find(Pid(1))) post_signal(*init, info);
}

}
