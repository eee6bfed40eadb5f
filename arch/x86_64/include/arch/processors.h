// SPDX-License-Identifier: MIT
// The machine's other CPUs: how many there are, how one is started, and how they are interrupted.
#pragma once

#include <optional>
#include <span>

#include <arch/context.h>
#include <base/types.h>

namespace arch {

/// CPUs that the kernel could run on, including the boot CPU; 1 if they cannot be interrupted.
u32 present_cpus();

/// Bytes of memory that each CPU needs: its interrupt stacks and its copy of the per-CPU objects.
size_t cpu_area_size();
/// Gives CPU `cpu` its memory (zeroed, page aligned): PerCpu<T>::on(cpu) works from now on.
void prepare_cpu(CpuId cpu, void* area);

/// A page below 1 MiB, mapped at `window`, in which CPUs execute their first instructions.
struct StartPage {
    PhysAddr address;
    void* window = nullptr;
};
/// Starts the `index`th CPU of the machine (from 1) as `cpu`, on `stack_top`; it calls upcalls::on_cpu_start() and
/// from then on counts among online_cpus(). False: it did not answer. One at a time.
bool start_cpu(u32 index, CpuId cpu, StartPage const& page, u64 stack_top);
/// Puts all other CPUs into the state from which start_cpu() starts them. Takes 10 ms.
void reset_other_cpus();

/// Makes a CPU check whether it should reschedule, and whether its thread has work before it returns to user mode.
/// Any context.
void send_reschedule(CpuId cpu);

/// Interrupts the other CPUs by NMI, so that where_cpu_was() knows where they are; waits a few milliseconds for them.
void ask_other_cpus_where_they_are();
/// What that CPU was doing when it was last asked or stopped; empty: it did not answer.
std::optional<TrapFrame> where_cpu_was(CpuId cpu);

}
