// SPDX-License-Identifier: MIT
// What a terminal needs of processes: ^C to a group, whether a process leads its session.
#pragma once

namespace process {

class Process;

/// Provides the terminals with their signal target (tty::signal_target). Called at boot.
void register_terminal_signals();
/// The process ends: if it leads a session, the terminal becomes free, and its foreground group is signalled.
void leave_terminal(Process& process);
/// SIGINT to process 1: Ctrl-Alt-Del after reboot(2) with LINUX_REBOOT_CMD_CAD_OFF. Any context.
void interrupt_init();

}
