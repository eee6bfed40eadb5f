// SPDX-License-Identifier: MIT
// The lock order of the whole kernel, in one place. A CPU (spin locks) or a thread (sleeping locks) may take a lock
// only if its rank is *higher* than that of every lock already held. Debug builds check this at each acquisition and
// panic with both ranks.
// All sleeping locks rank below all spin locks: a thread never sleeps with a spin lock held.
#pragma once

#include <base/types.h>

enum class LockRank : u8 {
    // Sleeping locks (kernel/sync), outermost first.
    listing,            // fs: only one thread at a time lists an open directory (a listing of /proc looks at processes)
    execve,             // process: its limits and their effect on its memory change together
    file_offset,        // fs::File: position shared by dup and fork
    watches,            // ipc: which epoll watches which file
    epoll_look,         // ipc: held while one epoll's ready list is examined; an outer epoll's before that of one it watches
    rename,             // fs: only one directory at a time moves to another parent
    inode,              // fs: data and size of one file
    pipe,               // ipc: a pipe's ring
    semaphore_undo,     // ipc: semaphore adjustments when a thread ends
    tty,                // tty: line discipline state
    address_space,      // mm/user: VMAs of one address space
    vm_object,          // mm/user: pages of one object
    sleeping_leaf,      // a sleeping lock under which only spin locks are taken
    // Spin locks that leave interrupts alone.
    process_state,      // process: a process's state and attributes, as others see them
    page_table,         // mm/user: one address space's page tables
    mappings,           // mm/user: which VMAs show an object; fs: which object's pages a file has
    name_tree,          // fs: changes of names, parents and mounts
    dentry_cache,       // fs: one directory's table of names
    open_files,         // fs: one descriptor table
    fs_context,         // fs: root, working directory and umask of the threads that share them
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
    timer_file,         // ipc: one timerfd's setting
    wait_queue,         // sched: one wait queue
    epoll,              // ipc: one epoll's watches and ready list (taken under a watched file's wait_queue)
    timer,              // sched: one CPU's timers
    inheritance,        // sched: which thread inherits urgency from which
    run_queue,          // sched: one CPU's run queue
    frame_allocator,    // mm: buddy lists (any lock may be held when memory is needed)
    interrupt_controller,
    leaf,               // a lock under which nothing else is taken
    log,                // base: the log ring (logging is allowed under any lock)
    console,            // base: the bytes being output
    console_device,     // drivers: registers and cells of the device that shows the log
};

/// Several locks of such a rank may be held at once if they are taken in ascending order of address.
constexpr bool is_ordered_by_address(LockRank rank) { return rank == LockRank::futex || rank == LockRank::run_queue; }
/// Several may be held at once; their owner maintains an order of its own, without circles.
constexpr bool is_ordered_by_owner(LockRank rank) { return rank == LockRank::epoll_look; }
constexpr bool is_sleeping(LockRank rank) { return rank <= LockRank::sleeping_leaf; }
/// A lock of a higher rank must turn interrupts off: a handler that interrupts its holder takes locks of lower ranks.
constexpr bool may_leave_interrupts_on(LockRank rank) { return rank <= LockRank::kernel_space; }
