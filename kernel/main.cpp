// SPDX-License-Identifier: MIT
// The order of initialisation: one line a subsystem, lowest floor first. Read it as the kernel's table of contents.
// boot/boot.asm calls kernel_main() in 64-bit mode on the boot stack.
#include <arch/cpu.h>
#include <base/panic.h>
#include <boot/boot_info.h>

#include "kernel/cpus.h"
#include "kernel/fs/devfs/device.h"
#include "kernel/fs/procfs/procfs.h"
#include "kernel/fs/tmpfs/memory_file.h"
#include "kernel/fs/tmpfs/tmpfs.h"
#include "kernel/init.h"
#include "kernel/ipc/epoll.h"
#include "kernel/ipc/pipe.h"
#include "kernel/ipc/pipe_limits.h"
#include "kernel/ipc/posix_queue_files.h"
#include "kernel/ipc/system_v.h"
#include "kernel/process/life/sysrq.h"
#include "kernel/process/proc/proc_files.h"
#include "kernel/process/process_manager.h"
#include "kernel/syscall/dispatch.h"
#include "mm/frame_allocator.h"
#include "mm/kernel_space.h"
#include "mm/user/address_space.h"
#include "sched/clock.h"
#include "sched/scheduler.h"

namespace {

template <class T>
void must(Result<T> const& result, char const* what) {
    if (!result) panic(what);
}

}

extern "C" [[noreturn]] void kernel_main(u32 magic, u64 info) {
    boot::read_boot_info(magic, PhysAddr(info));                    // one BootInfo from Multiboot2 or PVH
    kernel::prepare_for_panic();                                    // loglevel=, panic=, and a screen to report on
    arch::initialize_cpu_early(CpuId(0));                           // GDT, IDT, TSS, CPU features
    kernel::forgo_cpu_features();                                   // nopcid, nox2apic …
    kernel::announce();                                             // the version and the command line

    mm::frame_allocator.initialize(boot::boot_info);                // one record per frame, buddy lists
    mm::kernel_space.initialize();                                  // the kernel's own page tables, W^X
    mm::frame_allocator.add_high_memory();                          // memory that the boot tables did not map
    arch::initialize_platform();                                    // ACPI, interrupt controllers, clock, alarm
    mm::initialize_user_memory();                                   // the zero frame

    sched::clock.initialize();                                      // date from the RTC
    sched::scheduler.initialize(kernel::policy_name(),   // run queues, idle thread; this becomes a thread
                                kernel::quantum_ns());
    arch::interrupts_enable();                                      // the steps from here on may take long

    must(fs::mount_root_tmpfs(), "no memory for the root file system"); // tmpfs as /
    must(fs::device_registry.initialize(), "no memory for devices");    // the tree of /dev
    must(fs::register_memory_devices(), "no memory for devices");     // null zero full random urandom
    must(fs::initialize_memory_files(), "no memory for memfd");       // files that are in no directory
    must(fs::procfs.initialize(), "no memory for procfs");            // the engine of /proc
    must(ipc::register_epoll(), "no memory for /proc");               // closed files leave their epolls
    ipc::register_fifos();                                            // FIFOs open as pipes
    must(ipc::register_pipe_limits(), "no memory for /proc");         // /proc/sys/fs/pipe-*
    must(ipc::register_system_v_entries(), "no memory for /proc");    // /proc/sysvipc
    must(ipc::register_posix_queues(), "no memory for mqueue");       // POSIX message queues, their file system

    process::process_manager.initialize();                          // pid table, tree, groups
    must(process::register_proc_entries(), "no memory for /proc");  // meminfo, stat, and a directory for each process
    must(process::start_sysrq(), "no memory for sysrq");            // keys that work when nothing else responds
    kernel::start_tracing();                                        // trace=: which events, a larger ring
    syscall::initialize(kernel::strace_level());          // the Linux ABI
    kernel::initialize_drivers();                                   // serial, keyboard, screen, terminals

    kernel::start_other_cpus();                                     // INIT, start-up IPI, idle thread

    kernel::start();                                                // self-tests, or the initramfs and its init
}
