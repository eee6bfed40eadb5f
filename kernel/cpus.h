// SPDX-License-Identifier: MIT
// Starts the machine's other CPUs.
#pragma once

namespace kernel {

/// Starts as many of the machine's CPUs as maxcpus= and nosmp allow. Leaves out a CPU that does not answer.
void start_other_cpus();

}
