// SPDX-License-Identifier: MIT
// Process: an address space, descriptors, credentials and signals, and the threads that
// use them. tree_lock guards the tree's links, signal_lock the signal state and the list of
// threads. A process is one object from fork until its parent reaps it.
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

/// Bits of Thread::return_work: the scheduler's, of which signals use some.
namespace return_work = sched::return_work;

/// The state with which restart_syscall(2) continues a call.
struct RestartBlock {
    u64 deadline_ns = 0;                         ///< of clock_ns(); 0: nothing to continue
    UserAddr futex;                              ///< null: a sleep; else FUTEX_WAIT's arguments
    u32 expected = 0, bits = 0;
    bool shared = false;
};

/// The last fault that became a signal, for handlers' frames (<asm/sigcontext.h>), as in Linux.
struct FaultRecord {
    u64 vector = 0, error_code = 0;
    u64 address = 0;                             ///< of the last page fault (CR2)
};

/// A child as the parent's thread that made it sees it. When that thread ends, the child gets another maker.
struct MadeChild {
    UserThread* maker GUARDED_BY(tree_lock) = nullptr;   ///< null: of init
    base::ListHook maker_hook;
};

/// A process being made, which nobody can find yet. It lives on its maker's stack, from before the maker checks for signals until
/// the child is in its group: signals sent to the whole group in that time are the child's too.
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
    /// Its own, or shared with related threads (CLONE_FILES, CLONE_FS). The thread itself uses them without a lock. Only the thread
    /// itself replaces them, under process.state_lock, with which others read them. Null: the thread ends.
    Ref<fs::DescriptorTable> descriptors;
    Ref<fs::SharedContext> names;
    Ref<ipc::SemaphoreUndoList> semaphore_undos;   ///< SEM_UNDO, shared by CLONE_SYSVSEM; null: none yet. Used only by itself
    bool is_leader() const;
    void on_terminated() override;

    Pid tid;
    base::ListHook process_hook;                 ///< in Process::threads
    SignalMask blocked = 0;                      ///< only the thread itself changes it, under signal_lock (set_blocked)
    SignalMask blocked_before = 0;               ///< the mask while rt_sigtimedwait has unblocked some; signal_lock
    SignalMask must_die_of = 0;                  ///< forced signals that were blocked or ignored
    bool is_ending = false;                      ///< it takes no more signals; signal_lock
    bool has_taken_stop = false;                 ///< a stop signal, and no SIGCONT has come since; signal_lock
    bool has_to_stop = false;                    ///< it is counted in Process::stop_count; signal_lock
    int parent_death_signal GUARDED_BY(tree_lock) = 0;   ///< prctl(PR_SET_PDEATHSIG)
    base::List<MadeChild, &MadeChild::maker_hook> made_children GUARDED_BY(tree_lock);   ///< alive or zombies
    FaultRecord fault;                           ///< used only by itself
    std::optional<SignalMask> saved_mask;        ///< sigsuspend: what to restore after the handler
    PendingSignals pending;                      ///< its process's signal_lock guards it
    AlternateStack alternate_stack;
    UserAddr clear_child_tid;                    ///< set_tid_address(2)
    UserAddr robust_list;                        ///< set_robust_list(2)
    /// PI futexes that it owns and others wait for. Ordering: full fences, with has_left_futexes: a waiter that makes it such an
    /// owner increments the count and then reads has_left_futexes; the owner sets has_left_futexes and then reads the count.
    std::atomic<u32> awaited_pi_futexes{0};
    std::atomic<bool> has_left_futexes{false};   ///< it ends, or calls exec
    RestartBlock restart_block;
    u64 start_time_ns = 0;
    u32 personality = 0;                         ///< personality(2)
    bool has_too_many_tasks = false;             ///< its new user had more than RLIMIT_NPROC allows: exec may answer EAGAIN
    MM_OBJECT_CACHE(UserThread)
private:
    Ref<Process> process_;
};

struct ResourceLimit { u64 soft = ~u64{0}, hard = ~u64{0}; };

struct ResourceUsage {
    u64 user_ns = 0, system_ns = 0, minor_faults = 0, major_faults = 0, voluntary = 0, involuntary = 0, max_resident_kib = 0;
    void add(ResourceUsage const& other);
    void add(sched::Thread const& thread);
    void add_peak(mm::AddressSpace const& space);   ///< the peak of its resident memory
};

enum class ProcessState : u8 { Alive, Exiting, Zombie, Reaped };

/// Job control: the change of a child that wait4 has yet to report to its parent.
enum class ChildReport : u8 { None, Stopped, Continued };
inline constexpr int continued_status = 0xffff;   ///< WIFCONTINUED

/// What an ended process was the last to use; it is freed with no lock held.
struct Remains {
    ProcessGroup* group = nullptr;
    Session* session = nullptr;
    Remains() = default;
    Remains(Remains const&) = delete;
    ~Remains();
};

/// What the parent has yet to be notified of after SIGCONT ended a stop.
enum class StopNews : u8 {
    None,
    Continued,
    Interrupted,   ///< not all threads had stopped: SIGCHLD reports a stop, but there is nothing to wait for
};

class Process final : public RefCounted<Process>, public PidEntry, public MadeChild {
public:
    Process();
    ~Process();
    Pid pid() const { return entry_id; }

    // ---- What it is and has. Its own threads use it without a lock; exec and exit, which change it, do so as the only thread,
    // under state_lock: a caller that checks its rights to a process (rights.h) and takes something of it does both in one hold.
    Ref<mm::AddressSpace> address_space;
    Ref<SignalHandlers> handlers GUARDED_BY(signal_lock);   ///< exchange_action() changes the actions
    Executable executable;                       ///< /proc/PID/exe
    std::array<u64, 2 * 24> auxiliary_vector{};  ///< /proc/PID/auxv
    std::atomic<u64> programs{0};                ///< counts its execs. Ordering: relaxed; a reader that needs more holds state_lock
    mutable SpinLock<LockRank::process_state, PreemptOff> state_lock;
    using StateGuard = decltype(state_lock)::Guard;
    Ref<mm::AddressSpace> copy_address_space() const;   ///< null: it has exited
    /// Of the first thread that has one; null: it has exited.
    Ref<fs::DescriptorTable> copy_descriptors() const;
    Ref<fs::SharedContext> copy_names() const;

    /// Only its own threads change them, under state_lock and credentials_lock; others copy them.
    fs::Credentials credentials;
    mutable SpinLock<LockRank::leaf, InterruptsOff> credentials_lock;
    fs::Credentials copy_credentials() const;
    Ref<fs::User> copy_user() const;             ///< the user of its credentials

    // ---- its place among others
    Process* parent GUARDED_BY(tree_lock) = nullptr;                   ///< null: init
    u64 serial GUARDED_BY(tree_lock) = 0;                              ///< the number of births so far, including its own
    base::ListHook sibling_hook;                 ///< in the parent's children or zombies
    base::ListHook group_hook;
    base::List<Process, &Process::sibling_hook> children GUARDED_BY(tree_lock), zombies GUARDED_BY(tree_lock);
    Pid group GUARDED_BY(tree_lock), session GUARDED_BY(tree_lock);
    /// Read without the lock, for questions whose answer may change immediately afterwards anyway.
    Pid group_at_a_glance() const NO_THREAD_SAFETY_ANALYSIS { return group; }
    Pid session_at_a_glance() const NO_THREAD_SAFETY_ANALYSIS { return session; }
    u64 terminal_at_a_glance() const NO_THREAD_SAFETY_ANALYSIS { return controlling_terminal; }
    ProcessGroup* group_object GUARDED_BY(tree_lock) = nullptr;
    Ref<fs::User> payer GUARDED_BY(tree_lock);                         ///< its tasks are charged to it: its real user; null: root
    /// Makes `other` the payer, which also decides its share of the CPUs; `other` becomes the previous one.
    void swap_payer(Ref<fs::User>& other) REQUIRES(tree_lock);
    u32 charged_tasks GUARDED_BY(tree_lock) = 0;                       ///< 1 until it is reaped, plus 1 for each further thread
    Remains remains;
    u64 controlling_terminal GUARDED_BY(tree_lock) = 0;                ///< device number; 0: none
    base::HeldPid lost_foreground GUARDED_BY(tree_lock);               ///< a session leader's: the foreground group at the hang-up
    std::atomic<ProcessState> state{ProcessState::Alive};
    int exit_status GUARDED_BY(tree_lock) = 0;                         ///< as wait4 reports it
    ResourceUsage children_usage GUARDED_BY(tree_lock);
    bool asks_parents_death GUARDED_BY(tree_lock) = false;             ///< a thread has, or had, a parent_death_signal
    u64 parents_program GUARDED_BY(tree_lock) = 0;                     ///< the parent's `programs` when this process was made
    base::List<UnbornChild, &UnbornChild::hook> unborn_children GUARDED_BY(tree_lock);
    sched::Parameters last_scheduling GUARDED_BY(tree_lock);           ///< of its first thread, once that has ended; so is the next
    u64 last_affinity GUARDED_BY(tree_lock) = 0;
    bool is_subreaper GUARDED_BY(tree_lock) = false;                   ///< prctl(PR_SET_CHILD_SUBREAPER)
    ChildReport report GUARDED_BY(tree_lock) = ChildReport::None;
    int report_status GUARDED_BY(tree_lock) = 0;
    u32 children_reports GUARDED_BY(tree_lock) = 0;                    ///< children whose report is not None

    // ---- Signals and threads
    mutable SignalLock signal_lock;
    PendingSignals shared_pending GUARDED_BY(signal_lock);
    ProcessTimers timers{*this};                 ///< it takes signal_lock itself, or gets its guard
    base::List<UserThread, &UserThread::process_hook> threads GUARDED_BY(signal_lock);
    u32 thread_count GUARDED_BY(signal_lock) = 0;
    ResourceUsage usage GUARDED_BY(signal_lock);         ///< by threads that have ended
    sched::SharedUsage shared_usage;                     ///< by all threads, alive or ended
    std::atomic<sched::ShareGroup> share_group{sched::root_share_group};   ///< of `payer`
    /// What total_usage() has last reported: time does not go back.
    mutable u64 told_user_ns GUARDED_BY(signal_lock) = 0, told_system_ns GUARDED_BY(signal_lock) = 0;
    bool group_exit GUARDED_BY(signal_lock) = false;    ///< all threads must end with group_exit_status
    int group_exit_status GUARDED_BY(signal_lock) = 0;
    UserThread* execing GUARDED_BY(signal_lock) = nullptr;   ///< the thread for whose exec the others end
    bool killed GUARDED_BY(signal_lock) = false;        ///< SIGKILL has come: it is counted as dying until it has exited
    int stop_signal GUARDED_BY(signal_lock) = 0;         ///< not 0: stopped by it, or about to be
    u32 stop_count GUARDED_BY(signal_lock) = 0;          ///< threads that have not stopped yet
    StopNews stop_news GUARDED_BY(signal_lock) = StopNews::None;
    int exit_signal GUARDED_BY(tree_lock) = 17;          ///< what its parent gets, SIGCHLD by default; 0, or no signal's number: nothing
    sched::WaitQueue child_wait;                 ///< wait4 sleeps here
    sched::WaitQueue stop_wait;                  ///< its own threads sleep here while stopped, or while one of them execs
    sched::WaitQueue end_wait;                   ///< readers of pid files wait here for its end and its reaping
    sched::WaitQueue vfork_wait;                 ///< the parent sleeps here until exec or exit
    std::atomic<bool> vfork_done{true};
    /// exec or exit: lets the parent of a vfork continue.
    void release_vfork_parent();

    // ---- Limits and attributes
    u64 start_time_ns = 0;
    std::array<ResourceLimit, 16> limits;        ///< RLIM_NLIMITS; changed under limits_lock; single words are read without it
    mutable SpinLock<LockRank::process_limits, PreemptOff> limits_lock;
    /// Held while limits change and are passed on to its memory, so that of two changes the same one is the last in both places.
    sync::Mutex<LockRank::execve> memory_limits_lock;
    /// The current limits of its memory.
    mm::AddressSpaceLimits memory_limits() const;
    bool has_executed = false;                   ///< setpgid(2): EACCES after exec
    /// False after a change of rights: /proc/PID then belongs to root and is closed to others. Changes with the rights, under
    /// state_lock.
    std::atomic<bool> dumpable{true};
    std::atomic<bool> no_new_privileges{false};  ///< prctl(PR_SET_NO_NEW_PRIVS)
    std::atomic<int> oom_score_adjustment{0};    ///< changed under tree_lock
    int least_oom_adjustment GUARDED_BY(tree_lock) = 0;  ///< only a privileged caller may go below it
    bool oom_victim = false;                     ///< it was chosen to die for its memory

    /// The name of its first thread (comm), for messages.
    std::string_view name() const { return name_; }
    void set_name(std::string_view text);
    /// The caller is one of its threads, so that the answer false stays true.
    bool has_several_threads() const;
    /// Its own time, faults and switches, of ended and living threads, in constant time.
    ResourceUsage total_usage() const;
    ResourceUsage total_usage_locked() const REQUIRES(signal_lock);
    ResourceUsage usage_with_memory() const;     ///< includes max_resident_kib of the current program
    ResourceLimit limit(unsigned resource) const { return limits[resource]; }
    bool is_init() const { return entry_id.value == 1; }
    /// The `member` of the first thread that has one; state_lock is held.
    template <class Thing> Ref<Thing> first_threads(Ref<Thing> UserThread::* member, StateGuard const&) const {
        Locked guard(signal_lock);
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

/// The running thread, which must be a program's.
inline UserThread& current_user_thread() { return static_cast<UserThread&>(sched::current_thread()); }
inline Process& current_process() { return current_user_thread().process(); }
/// Null in a kernel thread.
inline UserThread* current_user_thread_or_null() {
    sched::Thread& thread = sched::current_thread();
    return thread.context.fpu ? static_cast<UserThread*>(&thread) : nullptr;
}

}
