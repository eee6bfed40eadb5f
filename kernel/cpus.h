// SPDX-License-Identifier: MIT
// Bringing up the other CPUs.
#pragma once

namespace kernel {

/// Starts the CPUs of the machine, as many as maxcpus= and nosmp allow. One that does not answer is left out.
void start_other_cpus();

}
