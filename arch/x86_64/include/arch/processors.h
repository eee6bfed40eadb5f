// SPDX-License-Identifier: MIT
// The other CPUs of the machine: how many there are, and how one is started.
#pragma once

#include <optional>
#include <span>

#include <arch/context.h>
#include <base/types.h>

namespace arch {

/// CPUs of the machine that the kernel could run on, the boot CPU among them; 1 if they cannot be interrupted.
u32 present_cpus();

/// Bytes of a CPU's own memory: its interrupt stacks, and its copy of the per-CPU objects.
size_t cpu_area_size();
/// Gives CPU `cpu` its memory (zeroed, on a page): PerCpu<T>::on(cpu) works from now on.
void prepare_cpu(CpuId cpu, void* area);

/// A page below 1 MiB, mapped at `window`, in which CPUs make their first steps.
struct StartPage {
    PhysAddr address;
    void* window = nullptr;
};
/// Wakes the `index`th CPU of the machine (from 1) to run as `cpu`, on `stack_top`; it calls upcalls::on_cpu_start(), and
/// counts among online_cpus() from then on. False: it did not answer. One at a time.
bool start_cpu(u32 index, CpuId cpu, StartPage const& page, u64 stack_top);
/// Puts all CPUs but this one into the state from which start_cpu() wakes them. Takes 10 ms.
void reset_other_cpus();

/// Makes a CPU look whether it should reschedule, and whether its thread has work before it returns to user mode. Any context.
void send_reschedule(CpuId cpu);

/// Interrupts the other CPUs, by NMI, so that where_cpu_was() tells where they are; waits a few milliseconds for them.
void ask_other_cpus_where_they_are();
/// What that CPU did when it was last asked or stopped; nothing: it did not answer.
std::optional<TrapFrame> where_cpu_was(CpuId cpu);

}
