// SPDX-License-Identifier: MIT
// All processes: the pid table, the tree, groups and sessions; creation, exit, wait.
// Lookup and creation are O(1). tree_lock guards the tree and every Process field that says so.
#pragma once

#include <span>
#include <string_view>

#include "kernel/process/process.h"
#include "kernel/process/tree_lock.h"

namespace process {

/// clone(2), decoded.
struct CloneRequest {
    u64 flags = 0;               ///< CLONE_*
    int exit_signal = 17;        ///< what its parent gets; 0, or a number above signal_count: nothing
    u64 stack = 0, tls = 0;
    u64 parent_tid = 0, child_tid = 0;   ///< user addresses
};

/// What wait4(2)/waitid(2) select.
struct WaitRequest {
    enum class Who : u8 { Any, Process, Group };
    Who who = Who::Any;
    Pid id;                      ///< Group 0: the caller's own
    bool no_hang = false, exited = true, stopped = false, continued = false, no_reap = false;
    bool by_clone = false;       ///< __WCLONE: only children whose exit signal is not SIGCHLD, instead of the others
    bool of_any_kind = false;    ///< __WALL
    bool of_thread = false;      ///< __WNOTHREAD: only children that the calling thread has made
};
struct WaitResult { Pid pid; int status = 0; ResourceUsage usage; UserId uid; };   ///< pid 0: nothing yet (no_hang)

/// A change of a thread's Parameters; empty members stay as they are.
struct SchedulingRequest {
    std::optional<sched::SchedulingClass> scheduling_class;
    std::optional<bool> reset_on_fork;
    std::optional<int> realtime_priority;    ///< EINVAL unless valid for the class
    std::optional<int> nice;                 ///< for the classes Other and Batch
    bool clamps_utilisation = false;         ///< SCHED_FLAG_UTIL_CLAMP: EOPNOTSUPP, if permitted to ask
};

/// The target of setpriority(2). An id of 0: the calling thread, its group, its real user.
struct NiceTarget {
    enum class Who : u8 { Thread, Group, User };
    Who who = Who::Thread;
    i32 id = 0;
};

struct Session;
struct Image;
class ProcessWalk;

/// A group of processes that a terminal signals as one. credentials(7).
struct ProcessGroup final : PidEntry {
    ProcessGroup() : PidEntry(PidKind::Group) {}
    Session* session = nullptr;
    base::List<Process, &Process::group_hook> members;
    u64 looked_at = 0;                           ///< the last of ProcessManager::orphan_looks_ that visited it
    MM_OBJECT_CACHE(ProcessGroup)
};
/// Keeps a session's number in use while the session has groups.
struct Session final : PidEntry {
    Session() : PidEntry(PidKind::Session) {}
    u32 groups = 0;
    MM_OBJECT_CACHE(Session)
};

class ProcessManager {
public:
    constexpr ProcessManager() = default;
    void initialize();

    /// A kernel thread, in one line: process_manager.create("writer", entry, priority). `priority` is a nice value.
    Result<sched::Thread*> create(std::string_view name, void (*entry)(void*), int priority, void* argument = nullptr);

    /// Process 1 running `path` (argv[0] = path, then `arguments`), /dev/console as 0, 1, 2.
    Result<> start_init(std::string_view path, std::span<std::string_view const> arguments, std::span<std::string_view const> environment);

    Result<Pid> clone(CloneRequest const& request, TrapFrame const& frame);                     ///< EAGAIN ENOMEM EINVAL
    /// execve(2). The strings are still in the old image. On success the frame is the new program's.
    Result<> execute(std::string_view path, u64 argv, u64 envp, TrapFrame& frame);
    /// Ends the running thread; the process gets the status, as wait4 reports it, if the thread is the last.
    [[noreturn]] void exit_thread(int status_as_wait_reports);
    [[noreturn]] void exit_group(int status_as_wait_reports);
    Result<WaitResult> wait(WaitRequest const& request);                                        ///< ECHILD, restart_sys

    Ref<Process> find(Pid pid);                                                                 ///< null: none. Zombies are found
    Ref<Process> find_after(Pid pid);                                                           ///< next live pid (procfs)
    // scheduling.cpp; thread number 0 is the caller's own
    /// sched_setscheduler(2) and related calls: ESRCH, EPERM by sched(7)'s rules, EINVAL.
    Result<> set_scheduling(Pid tid, SchedulingRequest const& request);
    Result<sched::Parameters> scheduling(Pid tid);
    Result<u64> time_slice_ns(Pid tid);                                                         ///< 0: no limit. ESRCH
    Result<> set_nice(NiceTarget const& target, int nice);                                      ///< setpriority(2): ESRCH EPERM EACCES
    Result<int> lowest_nice(NiceTarget const& target);                                          ///< ESRCH

    Result<> kill(i32 pid, int signal);                                                         ///< all of kill(2): ESRCH EPERM EINVAL
    /// tgkill(2), tkill(2), rt_tgsigqueueinfo(2), rt_sigqueueinfo(2); signal 0 only checks.
    Result<> kill_thread(Pid group_or_zero, Pid tid, int signal);
    Result<> queue_to_thread(Pid group_or_zero, Pid tid, SignalInfo const& info);               ///< rt_tgsigqueueinfo(2)
    Result<> queue_signal(Pid pid, SignalInfo const& info);                                     ///< rt_sigqueueinfo(2)
    void signal_group(Pid group, SignalInfo const& info);                                       ///< any context

    Result<> set_group(Pid pid, Pid group);                                                     ///< setpgid(2)
    Result<Pid> get_group(Pid pid);
    Result<Pid> get_session(Pid pid);
    /// Holds the number of a group of `session`, for a terminal. As in Linux, the number may be that of a process or thread which
    /// leads no group, but could. ESRCH: nothing has the number; EPERM: it belongs to another session.
    Result<base::HeldPid> hold_group(Pid group, Pid session);
    Result<Pid> new_session();                                                                  ///< setsid(2)
    bool is_orphaned(Pid group);

    /// The running thread's process has a new real user: charges its tasks to that user. tasks.cpp
    void follow_user(UserThread& thread);
    /// Before exec: EAGAIN if the user had too many tasks after that change, and still has.
    Result<> check_task_count(UserThread& thread);

    /// Out of memory: kills the largest process (SIGKILL) with a log line; false if there is none to kill.
    bool out_of_memory();

    u32 process_count() const { return process_count_.load(std::memory_order_relaxed); }
    u32 thread_count() const { return thread_count_.load(std::memory_order_relaxed); }
    u32 thread_limit() const { return thread_limit_; }
    Pid last_pid() const;
    i32 pid_limit() const;
    void set_pid_limit(i32 limit);
    Result<> set_last_pid(Pid last);                                                            ///< EINVAL: no such number
    /// Killed processes that have not exited yet.
    void count_dying(int by) { dying_.fetch_add(static_cast<u32>(by), std::memory_order_relaxed); }
    u64 forks() const { return forks_.load(std::memory_order_relaxed); }


    /// The process's rights have changed: it no longer dies with its parent, which it may not know (commit_creds() of Linux).
    void forget_parents_death(Process& process);
    /// Sends a signal for a whole group to one member and to the children that it is about to have.
    void post_to_member(Process& member, SignalInfo const& info) REQUIRES(tree_lock);
    /// True if no member has a parent in another group of the session: no shell can continue it. POSIX 3.264.
    bool is_orphaned(ProcessGroup const& group, TreeGuard const&) const REQUIRES(tree_lock);

    /// The process with a thread or process number, and whether the number is that of a further thread.
    std::pair<Ref<Process>, bool> find_thread(Pid tid);
    /// Calls use(thread) for the thread `tid` (0: the caller's). tree_lock is held, so that the thread cannot end. ESRCH, or the
    /// result of `use`.
    template <class Use> Result<> with_thread(Pid tid, Use&& use);
    /// Calls use(process) if the process `pid` still has its number but its first thread has ended. ESRCH, or the result of `use`.
    template <class Use> Result<> with_ended(Pid pid, Use&& use);
private:
    // fork.cpp
    Result<Pid> clone_thread(CloneRequest const& request, TrapFrame const& frame);
    class Birth;
    Result<Pid> clone_process(CloneRequest const& request, TrapFrame const& frame, Birth& birth);
    Result<Pid> clone_once(CloneRequest const& request, TrapFrame const& frame);
    Result<> link_process(Process& child, UserThread& thread, CloneRequest const& request, Birth& birth);
    void adopt(Process& child, bool as_sibling) REQUIRES(tree_lock);
    bool has_room_for_thread(Process const& caller, TreeGuard const&) const REQUIRES(tree_lock);
    void add_first_thread(Process& process, UserThread& thread) REQUIRES(tree_lock);
    // exec.cpp
    struct OwnTables;
    Result<bool> become_only_thread(UserThread& thread);
    void become(Image& image, OwnTables& tables, UserThread& thread);
    Result<> change_over(Image& image, UserThread& thread, bool was_always_alone);
    // init.cpp
    Result<> link_first(Process& process, UserThread& thread);
    // exit.cpp
    [[noreturn]] void end_last_thread(UserThread& thread, int status);
    bool leave_process(UserThread& thread, int& status);
    UserThread& heir_of(Process& process) const REQUIRES(tree_lock);
    void leave_made_child(MadeChild& child, UserThread& heir) REQUIRES(tree_lock);
    void leave_made_children(UserThread& thread);
    void tell_of_parents_death(Process const& parent, Process& child) REQUIRES(tree_lock);
    void leave_children(UserThread& thread);
    bool leave_some_children(UserThread& thread, ProcessList& reaped) REQUIRES(tree_lock);
    void become_zombie(Process& process, ProcessList& reaped) REQUIRES(tree_lock);
    void hand_to_parent(Process& process, ProcessList& reaped) REQUIRES(tree_lock);
    Process& reaper_of(Process const& process) const REQUIRES(tree_lock);
    // wait.cpp
    struct Collected;
    struct Look { Process* ended = nullptr; Process* reported = nullptr; bool may_report = false; };
    Look look(Process& parent, WaitRequest const& request) REQUIRES(tree_lock);
    template <class Condition>
    Process* first_child(Process& parent, ProcessList& list, WaitRequest const& request, Condition&& holds) REQUIRES(tree_lock);
    bool try_collect(Process& parent, WaitRequest const& request, Collected& out);
    void reap(Process& parent, Process& child, Collected& out) REQUIRES(tree_lock);
    /// Takes `child`, already out of its parent's lists, out of the tree; its reference passes to the caller.
    void unlink_reaped(Process& child) REQUIRES(tree_lock);
    // kill.cpp
    struct ThreadByNumber { Process* process; UserThread* thread; };
    ThreadByNumber thread_of(Pid tid) REQUIRES(tree_lock);
    UserThread* first_thread(Process& process) const REQUIRES(tree_lock);
    Result<> kill_group(Process& sender, Pid group, SignalInfo const& info);
    Result<> kill_everyone(Process& sender, SignalInfo const& info);
    // process_walk.cpp
    friend class ProcessWalk;
    void begin_walk(ProcessWalk& walk);
    bool walk_on(ProcessWalk& walk);
    void tell_walks_of_birth(Process& child, Process const& maker) REQUIRES(tree_lock);
    // signal/group_signals.cpp: signals to large groups, which an interrupt leaves to a thread
    struct GroupSignal { base::HeldPid group; SignalInfo info; };
    static bool is_small(ProcessGroup const& group);
    bool leave_to_thread(Pid group, SignalInfo const& info) REQUIRES(tree_lock);
    static void signal_large_groups(void*);
    std::optional<GroupSignal> next_group_signal();
    // scheduling.cpp
    template <class Use> void with_threads(NiceTarget const& target, Use&& use);
    template <class Wanted, class Use> bool with_some_threads(Pid& position, Wanted const& is_wanted, Use& use);
    // signal/group_signals.cpp
    void hang_up_orphan(ProcessGroup& group, Process const* leaves) REQUIRES(tree_lock);
    void hang_up_orphans(Process const& parent, ProcessList& children) REQUIRES(tree_lock);
    void hang_up_own_orphans(Process const& process) REQUIRES(tree_lock);
    // process_group.cpp
    void join_group(Process& process, ProcessGroup& group) REQUIRES(tree_lock);
    void leave_group(Process& process, Remains& remains) REQUIRES(tree_lock);
    // tasks.cpp
    static bool add_task(Process& process, Process const& caller) REQUIRES(tree_lock);
    static void remove_task(Process& process) REQUIRES(tree_lock);
    static void remove_all_tasks(Process& process) REQUIRES(tree_lock);
    // process_group.cpp
    Result<> check_set_group(Process const& caller, Process const& target, Pid group) const REQUIRES(tree_lock);

    PidTable pids_ GUARDED_BY(tree_lock);
    Process* init_ GUARDED_BY(tree_lock) = nullptr;
    ProcessWalk* walks_ GUARDED_BY(tree_lock) = nullptr;   ///< those in progress
    std::array<GroupSignal, 32> group_signals_ GUARDED_BY(tree_lock){};   ///< few from each terminal: equal unsent signals are merged
    size_t group_signal_count_ GUARDED_BY(tree_lock) = 0;
    sched::WaitQueue group_signal_wait_;
    std::atomic<u32> process_count_{0}, thread_count_{0};
    std::atomic<u32> dying_{0};
    std::atomic<u64> forks_{0};
    u32 thread_limit_ = 0;
    u64 orphan_looks_ GUARDED_BY(tree_lock) = 0;
};

extern constinit ProcessManager process_manager;

template <class Use>
Result<> ProcessManager::with_thread(Pid tid, Use&& use) {
    Locked guard(tree_lock);
    if (tid.value == 0) return use(current_user_thread());
    if (auto* further = static_cast<UserThread*>(pids_.find(tid, PidKind::Thread))) return use(*further);
    auto* process = static_cast<Process*>(pids_.find(tid, PidKind::Process));
    if (!process) return fail(ESRCH);
    UserThread* const first = first_thread(*process);
    return first ? use(*first) : fail(ESRCH);
}

template <class Use>
Result<> ProcessManager::with_ended(Pid pid, Use&& use) {
    Locked guard(tree_lock);
    auto* process = static_cast<Process*>(pids_.find(pid, PidKind::Process));
    if (!process || first_thread(*process)) return fail(ESRCH);
    return use(*process);
}

}
