// SPDX-License-Identifier: MIT
// Process: an address space, descriptors, credentials and signals, and the threads that
// use them. Tree links are under tree_lock, signal state and the list of
// threads under signal_lock. A process is one object from fork until its parent reaps it.
#pragma once

#include <array>
#include <optional>

#include <base/intrusive.h>

#include "kernel/fs/descriptor_table.h"
#include "kernel/fs/vfs.h"
#include "kernel/ipc/semaphores.h"
#include "kernel/process/executable.h"
#include "kernel/process/pending_signals.h"
#include "kernel/process/pid_table.h"
#include "kernel/process/signal_handlers.h"
#include "kernel/process/timers.h"
#include "kernel/process/tree_lock.h"
#include "kernel/sync/mutex.h"
#include "mm/slab.h"
#include "mm/user/address_space.h"
#include "sched/thread.h"
#include "sched/wait_queue.h"

namespace process {

class Process;
class UserThread;
struct ProcessGroup;
struct Session;

/// Bits of Thread::return_work beyond the scheduler's own.
namespace return_work = sched::return_work;

/// What restart_syscall(2) goes on with.
struct RestartBlock {
    u64 deadline_ns = 0;                         ///< of clock_ns(); 0: nothing to go on with
    UserAddr futex;                              ///< null: a sleep; else FUTEX_WAIT's arguments
    u32 expected = 0, bits = 0;
    bool shared = false;
};

/// What a fault said that became a signal, for frames of handlers (<asm/sigcontext.h>): the last one's, as in Linux.
struct FaultRecord {
    u64 vector = 0, error_code = 0;
    u64 address = 0;                             ///< of the last page fault (CR2)
};

/// A child as its parent's thread that made it sees it: when the thread ends, it gets another one.
struct MadeChild {
    UserThread* maker GUARDED_BY(tree_lock) = nullptr;   ///< null: init
    base::ListHook maker_hook;
};

/// A process being made, which nobody can find yet. On the stack of who makes it, from before it looks for signals until the
/// child is in its group: what comes to the whole group meanwhile is the child's too.
struct UnbornChild {
    base::ListHook hook;
    SignalMask signals GUARDED_BY(tree_lock) = 0;
};

/// A program's thread. Its FPU area lies above its kernel stack's first frame.
class UserThread final : public sched::Thread, public PidEntry {
public:
    explicit UserThread(Ref<Process> process);
    /// With a kernel stack and an FPU area (not initialised). ENOMEM.
    static Result<mm::Owned<UserThread>> create(Ref<Process> process);

    Process& process() const { return *process_; }
    /// Its own or its relatives' too (CLONE_FILES, CLONE_FS); itself uses them without a lock. They are exchanged by itself alone, under
    /// process.state_lock, with which others look at them. Null: it ends.
    Ref<fs::DescriptorTable> descriptors;
    Ref<fs::SharedContext> names;
    Ref<ipc::SemaphoreUndoList> semaphore_undos;   ///< SEM_UNDO, and of those it shares them with (CLONE_SYSVSEM); null: nothing yet. Its own
    bool is_leader() const;
    void on_terminated() override;

    Pid tid;
    base::ListHook process_hook;                 ///< in Process::threads
    SignalMask blocked = 0;                      ///< changed by itself only, under signal_lock (set_blocked)
    SignalMask blocked_before = 0;               ///< while rt_sigtimedwait has some of them unblocked; signal_lock
    SignalMask must_die_of = 0;                  ///< forced signals that were blocked or ignored
    bool is_ending = false;                      ///< it takes no signal any more; signal_lock
    bool has_taken_stop = false;                 ///< a stop signal, and no SIGCONT came since; signal_lock
    bool has_to_stop = false;                    ///< counted in Process::stop_count; signal_lock
    int parent_death_signal GUARDED_BY(tree_lock) = 0;   ///< prctl(PR_SET_PDEATHSIG)
    base::List<MadeChild, &MadeChild::maker_hook> made_children GUARDED_BY(tree_lock);   ///< living or zombies
    FaultRecord fault;                           ///< its own
    std::optional<SignalMask> saved_mask;        ///< sigsuspend: what to restore after the handler
    PendingSignals pending;                      ///< GUARDED_BY process.signal_lock
    AlternateStack alternate_stack;
    UserAddr clear_child_tid;                    ///< set_tid_address(2)
    UserAddr robust_list;                        ///< set_robust_list(2)
    /// PI futexes that it owns and others wait for. Ordering: full fences, with has_left_futexes: who makes it such an
    /// owner counts and then looks at that, it sets that and then looks at the count.
    std::atomic<u32> awaited_pi_futexes{0};
    std::atomic<bool> has_left_futexes{false};   ///< it ends, or executes
    RestartBlock restart_block;
    u64 start_time_ns = 0;
    u32 personality = 0;                         ///< personality(2)
    bool has_too_many_tasks = false;             ///< its new user's are more than RLIMIT_NPROC; then exec answers EAGAIN
    MM_OBJECT_CACHE(UserThread)
private:
    Ref<Process> process_;
};

struct ResourceLimit { u64 soft = ~u64{0}, hard = ~u64{0}; };

struct ResourceUsage {
    u64 user_ns = 0, system_ns = 0, minor_faults = 0, major_faults = 0, voluntary = 0, involuntary = 0, max_resident_kib = 0;
    void add(ResourceUsage const& other);
    void add(sched::Thread const& thread);
    void add_peak(mm::AddressSpace const& space);   ///< the most that ever was resident of it
};

enum class ProcessState : u8 { Alive, Exiting, Zombie, Reaped };

/// Job control: how a process stands, and what its parent has yet to hear of it.
enum class ChildReport : u8 { None, Stopped, Continued };
inline constexpr int continued_status = 0xffff;   ///< WIFCONTINUED

/// What an ended process was the last to use; freed without a lock.
struct Remains {
    ProcessGroup* group = nullptr;
    Session* session = nullptr;
    Remains() = default;
    Remains(Remains const&) = delete;
    ~Remains();
};

/// What the parent is yet to hear of a stop that SIGCONT ended.
enum class StopNews : u8 {
    None,
    Continued,
    Interrupted,   ///< not all threads had stopped: SIGCHLD says stopped, but there is nothing to wait for
};

class Process final : public RefCounted<Process>, public PidEntry, public MadeChild {
public:
    Process();
    ~Process();
    Pid pid() const { return entry_id; }

    // ---- What it is and has. Its own threads use it without a lock; exec and exit, which change it, do so as the only
    // thread, under state_lock: who asks for the rights to a process and takes something of it does both in one hold (rights.h).
    Ref<mm::AddressSpace> address_space;
    Ref<SignalHandlers> handlers GUARDED_BY(signal_lock);   ///< exchange_action() changes what it says
    Executable executable;                       ///< /proc/PID/exe
    std::array<u64, 2 * 24> auxiliary_vector{};  ///< /proc/PID/auxv
    std::atomic<u64> programs{0};                ///< it has executed: a number for each of them. Ordering: relaxed; who needs more has state_lock
    mutable SpinLock<LockRank::process_state, PreemptOff> state_lock;
    using StateGuard = decltype(state_lock)::Guard;
    Ref<mm::AddressSpace> copy_address_space() const;   ///< null: it has exited
    /// Of the first thread that has some; null: it has exited.
    Ref<fs::DescriptorTable> copy_descriptors() const;
    Ref<fs::SharedContext> copy_names() const;

    /// Changed by its own threads, under state_lock and credentials_lock; others copy them.
    fs::Credentials credentials;
    mutable SpinLock<LockRank::leaf, InterruptsOff> credentials_lock;
    fs::Credentials copy_credentials() const;
    Ref<fs::User> copy_user() const;             ///< of its credentials

    // ---- GUARDED_BY tree_lock
    Process* parent GUARDED_BY(tree_lock) = nullptr;                   ///< null: init
    u64 serial GUARDED_BY(tree_lock) = 0;                              ///< how many births there had been, with its own
    base::ListHook sibling_hook;                 ///< in the parent's children or zombies
    base::ListHook group_hook;
    base::List<Process, &Process::sibling_hook> children GUARDED_BY(tree_lock), zombies GUARDED_BY(tree_lock);
    Pid group GUARDED_BY(tree_lock), session GUARDED_BY(tree_lock);
    /// A look without the lock, for questions whose answer may change right afterwards anyway.
    Pid group_at_a_glance() const NO_THREAD_SAFETY_ANALYSIS { return group; }
    Pid session_at_a_glance() const NO_THREAD_SAFETY_ANALYSIS { return session; }
    u64 terminal_at_a_glance() const NO_THREAD_SAFETY_ANALYSIS { return controlling_terminal; }
    ProcessGroup* group_object GUARDED_BY(tree_lock) = nullptr;
    Ref<fs::User> payer GUARDED_BY(tree_lock);                         ///< who answers for its tasks (RLIMIT_NPROC): its real user; null: root
    /// Another user answers for its tasks, and shares the CPUs with them; `other` is then the one before.
    void swap_payer(Ref<fs::User>& other) REQUIRES(tree_lock);
    u32 charged_tasks GUARDED_BY(tree_lock) = 0;                       ///< 1 until it is reaped, and each further thread
    Remains remains;
    u64 controlling_terminal GUARDED_BY(tree_lock) = 0;                ///< device number; 0: none
    base::HeldPid lost_foreground GUARDED_BY(tree_lock);               ///< a session's leader: what was in front when its terminal hung up
    std::atomic<ProcessState> state{ProcessState::Alive};
    int exit_status GUARDED_BY(tree_lock) = 0;                         ///< as wait4 reports it
    ResourceUsage children_usage GUARDED_BY(tree_lock);
    bool asks_parents_death GUARDED_BY(tree_lock) = false;             ///< a thread has or had a parent_death_signal
    u64 parents_program GUARDED_BY(tree_lock) = 0;                     ///< which of its `programs` its parent ran when it was made
    base::List<UnbornChild, &UnbornChild::hook> unborn_children GUARDED_BY(tree_lock);
    sched::Parameters last_scheduling GUARDED_BY(tree_lock);           ///< of its first thread, when that has ended; so is the next
    u64 last_affinity GUARDED_BY(tree_lock) = 0;
    bool is_subreaper GUARDED_BY(tree_lock) = false;                   ///< prctl(PR_SET_CHILD_SUBREAPER)
    ChildReport report GUARDED_BY(tree_lock) = ChildReport::None;
    int report_status GUARDED_BY(tree_lock) = 0;
    u32 children_reports GUARDED_BY(tree_lock) = 0;                    ///< children whose report is not None

    // ---- signals and threads
    mutable SignalLock signal_lock;
    PendingSignals shared_pending GUARDED_BY(signal_lock);
    ProcessTimers timers{*this};                 ///< which takes signal_lock itself, or is handed its guard
    base::List<UserThread, &UserThread::process_hook> threads GUARDED_BY(signal_lock);
    u32 thread_count GUARDED_BY(signal_lock) = 0;
    ResourceUsage usage GUARDED_BY(signal_lock);         ///< of threads that have ended
    sched::SharedUsage shared_usage;                     ///< of all threads ever
    std::atomic<sched::ShareGroup> share_group{sched::root_share_group};   ///< of `payer`
    mutable u64 told_user_ns GUARDED_BY(signal_lock) = 0, told_system_ns GUARDED_BY(signal_lock) = 0;   ///< by total_usage(): time does not go back
    bool group_exit GUARDED_BY(signal_lock) = false;    ///< all threads must end, with group_exit_status
    int group_exit_status GUARDED_BY(signal_lock) = 0;
    UserThread* execing GUARDED_BY(signal_lock) = nullptr;   ///< the thread for whose exec the others end
    bool killed GUARDED_BY(signal_lock) = false;        ///< SIGKILL came: counted among the dying until it has exited
    int stop_signal GUARDED_BY(signal_lock) = 0;         ///< not 0: stopped by it, or about to be
    u32 stop_count GUARDED_BY(signal_lock) = 0;          ///< threads that have yet to stop
    StopNews stop_news GUARDED_BY(signal_lock) = StopNews::None;
    int exit_signal GUARDED_BY(tree_lock) = 17;          ///< SIGCHLD; what the parent gets; 0, or none of the signals: nothing
    sched::WaitQueue child_wait;                 ///< wait4 sleeps here
    sched::WaitQueue stop_wait;                  ///< its own threads while stopped, or while one of them execs
    sched::WaitQueue end_wait;                   ///< pid files: until it is a zombie, and until it is reaped
    sched::WaitQueue vfork_wait;                 ///< the parent sleeps here until exec or exit
    std::atomic<bool> vfork_done{true};
    /// exec or exit: the parent of a vfork goes on.
    void release_vfork_parent();

    // ---- exec's
    u64 start_time_ns = 0;
    std::array<ResourceLimit, 16> limits;        ///< RLIM_NLIMITS; changed under limits_lock, single words of it are read without
    mutable SpinLock<LockRank::process_limits, PreemptOff> limits_lock;
    /// Held while limits change and its memory is told of them, so that the last of two who change them is the last in both.
    sync::Mutex<LockRank::execve> memory_limits_lock;
    /// Those of its memory, now.
    mm::AddressSpaceLimits memory_limits() const;
    bool has_executed = false;                   ///< setpgid(2): EACCES after exec
    /// False after a change of rights: /proc/PID is root's, and closed to others. Changes with the rights, under state_lock.
    std::atomic<bool> dumpable{true};
    std::atomic<bool> no_new_privileges{false};  ///< prctl(PR_SET_NO_NEW_PRIVS)
    std::atomic<int> oom_score_adjustment{0};    ///< changed under tree_lock
    int least_oom_adjustment GUARDED_BY(tree_lock) = 0;  ///< only a caller with the right to may put it lower
    bool oom_victim = false;                     ///< it was told to die for its memory

    /// The name of its first thread (comm), for messages.
    std::string_view name() const { return name_; }
    void set_name(std::string_view text);
    /// Who asks is one of its threads: the answer no stays true.
    bool has_several_threads() const;
    /// Own time, faults and switches, of ended and living threads; however many, it takes the same time.
    ResourceUsage total_usage() const;
    ResourceUsage total_usage_locked() const REQUIRES(signal_lock);
    ResourceUsage usage_with_memory() const;     ///< max_resident_kib of the present program, too
    ResourceLimit limit(unsigned resource) const { return limits[resource]; }
    bool is_init() const { return entry_id.value == 1; }
    /// What the first thread that has such a thing has; state_lock is held.
    template <class Thing> Ref<Thing> first_threads(Ref<Thing> UserThread::* member, StateGuard const&) const {
        decltype(signal_lock)::Guard guard(signal_lock);
        for (UserThread const& thread : threads)
            if (thread.*member) return thread.*member;
        return nullptr;
    }
    MM_OBJECT_CACHE(Process)

private:
    char name_[sched::Thread::name_capacity] = {};
};

inline bool UserThread::is_leader() const { return tid == process_->pid(); }

using ProcessList = base::List<Process, &Process::sibling_hook>;

/// The running thread's, which must be a program's.
inline UserThread& current_user_thread() { return static_cast<UserThread&>(sched::current_thread()); }
inline Process& current_process() { return current_user_thread().process(); }
/// Null in a kernel thread.
inline UserThread* current_user_thread_or_null() {
    sched::Thread& thread = sched::current_thread();
    return thread.context.fpu ? static_cast<UserThread*>(&thread) : nullptr;
}

}
