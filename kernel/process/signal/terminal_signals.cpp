// SPDX-License-Identifier: MIT
// tty::SignalTarget: the terminal's view of the running process and of groups. Without a running process (a kernel thread) every
// question has a harmless answer.
#include "kernel/process/signal/terminal_signals.h"

#include <abi/signal.h>

#include "kernel/process/process_manager.h"
#include "kernel/process/signal/default_actions.h"
#include "kernel/process/signal/signal.h"
#include "kernel/tty/terminal.h"

namespace process {
namespace {

class TerminalSignals final : public tty::SignalTarget {
public:
    void signal_group(base::HeldPid const& group, int signal) override { send(group.get(), signal); }
    Pid current_group() override { return running() ? running()->group_at_a_glance() : Pid(); }
    Pid current_session() override { return running() ? running()->session_at_a_glance() : Pid(); }
    Place hold_place() override {
        if (!running()) return {};
        Locked guard(tree_lock);
        return {base::HeldPid::hold(running()->session), base::HeldPid::hold(running()->group)};
    }
    bool is_session_leader() override { return running() && running()->session_at_a_glance() == running()->pid(); }
    u64 controlling_terminal() override { return running() ? running()->terminal_at_a_glance() : 0; }
    void give_up_terminal() override {
        Locked guard(tree_lock);
        if (running()) running()->controlling_terminal = 0;
    }
    bool claim_terminal(u64 device) override {
        if (!running()) return false;
        Locked guard(tree_lock);
        if (running()->controlling_terminal != 0 && running()->controlling_terminal != device) return false;
        running()->controlling_terminal = device;
        running()->lost_foreground = {};
        return true;
    }
    fs::Credentials current_credentials() override { return running() ? running()->copy_credentials() : fs::Credentials(); }
    bool is_privileged() override { return running() && running()->credentials.is_privileged(); }
    Result<> background_access(int signal) override {
        if (!running()) return {};
        bool const refused = signal == SIGTTIN;
        if (is_shrugged_off(signal)) return refused ? Result<>(fail(EIO)) : Result<>();
        if (process_manager.is_orphaned(running()->group_at_a_glance())) return fail(EIO);
        send(running()->group_at_a_glance(), signal);
        return fail(restart_sys);
    }
    Result<base::HeldPid> hold_group(Pid group) override {
        if (!running()) return fail(ESRCH);
        return process_manager.hold_group(group, running()->session_at_a_glance());
    }
    void take_terminal_away(Pid session, u64 device) override {
        for (auto process = process_manager.find_after(Pid()); process; process = process_manager.find_after(process->pid())) {
            Locked guard(tree_lock);
            if (process->session == session && process->controlling_terminal == device) process->controlling_terminal = 0;
        }
    }
    void signal_hang_up(base::HeldPid const& session, base::HeldPid const& group) override {
        auto const leader = process_manager.find(session.get());
        if (!leader) return;
        for (int const signal : {SIGHUP, SIGCONT}) {
            SignalInfo info;
            info.signal = signal;
            info.code = SI_KERNEL;
            Locked guard(tree_lock);
            leader->lost_foreground = group;
            (void)post_signal(*leader, info);
        }
    }

private:
    /// Sends to the group that has the number at this moment.
    static void send(Pid group, int signal) {
        SignalInfo info;
        info.signal = signal;
        info.code = SI_KERNEL;
        process_manager.signal_group(group, info);
    }
    static bool is_shrugged_off(int signal) {
        UserThread& thread = current_user_thread();
        Process& process = thread.process();
        Locked guard(process.signal_lock);
        return (thread.blocked & mask_of(signal)) || process.handlers->read(signal).handler == ignore_handler;
    }
    /// Null in a kernel thread, which opens the console for init.
    static Process* running() {
        UserThread* thread = current_user_thread_or_null();
        return thread ? &thread->process() : nullptr;
    }
};

constinit TerminalSignals terminal_signals;

}

void leave_terminal(Process& process) {
    if (process.session_at_a_glance() != process.pid()) return;
    u64 terminal;
    base::HeldPid lost;
    {
        Locked guard(tree_lock);
        terminal = process.controlling_terminal;
        std::swap(lost, process.lost_foreground);
    }
    if (terminal != 0) return tty::end_session(process.pid(), terminal);
    if (!lost) return;
    terminal_signals.signal_group(lost, SIGHUP);
    terminal_signals.signal_group(lost, SIGCONT);
}

void register_terminal_signals() { tty::signal_target.provide(terminal_signals); }

void interrupt_init() {
    SignalInfo info;
    info.signal = SIGINT;
    info.code = SI_KERNEL;
    if (Ref<Process> const init = process_manager.find(Pid(1))) (void)post_signal(*init, info);
}

}
