// SPDX-License-Identifier: MIT
// The lock order of the whole kernel, in one place. A CPU (spin locks) or a thread
// (sleeping locks) may only take a lock of a *higher* rank than every lock it holds.
// Debug builds check it at each acquisition and panic with both ranks.
// Sleeping locks are all below every spin lock: one never sleeps with a spin lock held.
#pragma once

#include <base/types.h>

enum class LockRank : u8 {
    // Sleeping locks (kernel/sync), outermost first.
    listing,            // fs: one open directory is listed by one thread at a time (a listing of /proc looks at processes)
    execve,             // process: its limits and what they mean to its memory change together
    file_offset,        // fs::File: position shared by dup and fork
    watches,            // ipc: which epoll watches which file
    epoll_look,         // ipc: who looks at one epoll's ready list; an outer epoll's before that of one it watches
    rename,             // fs: at most one directory moves to another parent at a time
    directory,          // fs: entries of one directory (parent before child)
    directory_child,    // fs: a second directory, taken while a parent's is held
    inode,              // fs: data and size of one file
    pipe,               // ipc: a pipe's ring
    semaphore_undo,     // ipc: what the end of threads does to semaphores
    tty,                // tty: line discipline state
    address_space,      // mm/user: VMAs of one address space
    vm_object,          // mm/user: pages of one object
    descriptor_table,   // fs: descriptors of one process
    sleeping_leaf,      // a sleeping lock under which only spin locks are taken
    // Spin locks that leave interrupts alone.
    process_state,      // process: what one process is and has, as others see it
    page_table,         // mm/user: one address space's page tables
    mappings,           // mm/user: which VMAs show an object; fs: whose pages it has
    name_tree,          // fs: changes of names, parents and mounts
    dentry_cache,       // fs: one directory's table of names
    open_files,         // fs: one descriptor table
    fs_context,         // fs: root, working directory and umask of who shares them
    process_limits,     // process: resource limits
    inode_spin,         // fs: times, link counts
    slab,               // mm: one object cache
    kernel_space,       // mm: kernel virtual regions and stacks
    // Spin locks that are taken in interrupt handlers (interrupts off).
    process_tree,       // process: parent, children, groups, sessions, pid table
    signal,             // process: pending sets, actions, a process's threads
    futex,              // process: one bucket of futex waiters; two of them in order of address
    tty_input,          // tty: bytes between the interrupt and the reader
    device,             // drivers: registers of one device
    timer_file,         // ipc: what one timerfd is set to
    wait_queue,         // sched: one wait queue
    epoll,              // ipc: one epoll's watches and ready list (taken under a watched file's wait_queue)
    timer,              // sched: one CPU's timers
    inheritance,        // sched: who inherits urgency from whom
    run_queue,          // sched: one CPU's run queue
    frame_allocator,    // mm: buddy lists (any lock may be held when memory is needed)
    interrupt_controller,
    leaf,               // a lock under which nothing else is taken
    log,                // base: the log ring (logging is allowed under any lock)
    console,            // base: the bytes going out
    console_device,     // drivers: registers and cells of what the log is shown on
};

/// Several locks of such a rank may be held at once if they are taken in ascending order of address.
constexpr bool is_ordered_by_address(LockRank rank) { return rank == LockRank::futex || rank == LockRank::run_queue; }
/// Several may be held at once; their owner keeps an order of its own, which has no circles.
constexpr bool is_ordered_by_owner(LockRank rank) { return rank == LockRank::epoll_look; }
constexpr bool is_sleeping(LockRank rank) { return rank <= LockRank::sleeping_leaf; }
/// A lock of a higher rank must turn interrupts off: a handler that comes while it is held takes lower ones.
constexpr bool may_leave_interrupts_on(LockRank rank) { return rank <= LockRank::kernel_space; }
