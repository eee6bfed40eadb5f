// SPDX-License-Identifier: MIT
// What a terminal asks of processes: ^C to a group, who is the session's leader.
#pragma once

namespace process {

/// Tells the terminals whom to signal.
void register_terminal_signals();

}
