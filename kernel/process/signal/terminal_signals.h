// SPDX-License-Identifier: MIT
// What a terminal asks of processes: ^C to a group, who is the session's leader.
#pragma once

namespace process {

class Process;

/// Tells the terminals whom to signal.
void register_terminal_signals();
/// The process ends: if it leads a session, the terminal is free, and who was in front hears of it.
void leave_terminal(Process& process);
/// SIGINT to process 1: Ctrl-Alt-Del when reboot(2) has been told LINUX_REBOOT_CMD_CAD_OFF. Any context.
void interrupt_init();

}
