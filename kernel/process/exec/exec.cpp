// SPDX-License-Identifier: MIT
// execve(2): builds the new image beside the old one, waits until the thread is the only one of its
// process, then changes over. become() is the point of no return: nothing fails after it.
#include <abi/signal.h>
#include <base/trace.h>

#include <algorithm>

#include <asm/resource.h>
#include <linux/personality.h>

#include "kernel/process/exec/image.h"
#include "kernel/process/futex/futex.h"
#include "kernel/process/process_manager.h"
#include "kernel/process/signal/signal_steps.h"
#include "kernel/process/thread_tables.h"
#include "mm/user/user_access.h"

namespace process {
namespace {

class UserArguments final : public ArgumentSource {
public:
    UserArguments(u64 argv, u64 envp) : argv_(argv), envp_(envp) {}
    /// Called before the program is looked up, so that errors of the strings come first. EFAULT E2BIG.
    Result<> read(u64 stack_limit) { return read_.add_user(argv_, envp_, 0, stack_limit); }
    Result<> add_to(Arguments& arguments, u64 first, u64 stack_limit) override {
        // For a script they are read again, without the first one, after those of the `#!` line.
        if (first != 0) return arguments.add_user(argv_, envp_, first, stack_limit);
        arguments.arguments.take(read_.arguments);
        arguments.environment.take(read_.environment);
        return {};
    }
private:
    u64 const argv_, envp_;
    Arguments read_;
};

/// The bits of personality(2) that a program with other rights does not inherit (Linux's PER_CLEAR_ON_SETID).
constexpr u32 personality_of_rights = READ_IMPLIES_EXEC | ADDR_NO_RANDOMIZE | ADDR_COMPAT_LAYOUT | MMAP_PAGE_ZERO;

}

/// The tables that the new program does not share with others.
struct ProcessManager::OwnTables {
    Ref<SignalHandlers> handlers;
    Ref<fs::DescriptorTable> descriptors;
};

namespace {

/// False: the new program acts with other rights, so that others must not look into it (Linux's commit_creds()).
bool acts_alike(fs::Credentials const& one, fs::Credentials const& other) {
    return one.effective_uid == other.effective_uid && one.effective_gid == other.effective_gid && one.fs_uid == other.fs_uid &&
           one.fs_gid == other.fs_gid;
}

/// The thread ends its process on its return to the program, whatever action the program has for the signal.
void die_of(UserThread& thread, int signal) {
    thread.must_die_of |= mask_of(signal);
    SignalInfo info;
    info.signal = signal;
    info.code = SI_KERNEL;
    force_signal(info);
}

void forget_thread_state(UserThread& thread) {
    thread.alternate_stack = {};
    thread.clear_child_tid = UserAddr();
    thread.robust_list = UserAddr();
    thread.has_left_futexes.store(false, std::memory_order_relaxed);
    thread.restart_block = {};
    thread.saved_mask.reset();
    arch::set_fs_base(thread.context, 0);
    arch::set_gs_base(thread.context, 0);
    arch::PreemptGuard guard;
    arch::fpu_initialize(thread.context.fpu);
    arch::fpu_load_current(thread.context);
}

}

/// Ends all other threads; returns whether there were none. EAGAIN: the process ends, or another thread execs.
Result<bool> ProcessManager::become_only_thread(UserThread& thread) {
    Process& process = thread.process();
    {
        Locked guard(process.signal_lock);
        if (process.group_exit || process.execing) return fail(EAGAIN);
        if (process.thread_count == 1) return true;
        process.execing = &thread;
        for (UserThread& other : process.threads) {
            if (&other == &thread) continue;
            other.return_work.fetch_or(return_work::exit, std::memory_order_relaxed);
            sched::scheduler.wake_to_end(other);
        }
        process.stop_wait.wake_all();
    }
    // It lasts while one of them is in a call: no sleep that depends on another program keeps it there (wake_to_end()).
    (void)process.stop_wait.wait(
        [&] {
            Locked guard(process.signal_lock);
            return process.thread_count == 1;
        },
        sched::Interruptible::No);
    Locked tree(tree_lock);
    Locked guard(process.signal_lock);
    process.execing = nullptr;
    // The remaining thread becomes the process's first one.
    if (thread.entry_id.value != 0) {
        pids_.remove(thread);
        thread.entry_id = Pid(0);
        thread.tid = process.pid();
        remove_task(process);            // its own; the first thread's remains
        thread.number = static_cast<u32>(thread.tid.value);
    }
    return false;
}

/// To an observer from outside the process has either the old program's memory, rights and descriptors, or the new one's, and never
/// a mixture. The old ones are in `image` and `tables` afterwards.
void ProcessManager::become(Image& image, OwnTables& tables, UserThread& thread) {
    Process& process = thread.process();
    bool const changes_rights = image.gains_rights || !acts_alike(image.credentials, process.credentials);
    thread.context.space = &image.space->tlb_space();
    image.space->activate();
    {
        Locked guard(process.state_lock);
        std::swap(process.address_space, image.space);
        std::swap(process.executable, image.executable);
        std::swap(thread.descriptors, tables.descriptors);
        process.auxiliary_vector = image.auxiliary_vector;
        process.dumpable = !changes_rights && !image.is_secret;
        ++process.programs;
        Locked credentials_guard(process.credentials_lock);
        std::swap(process.credentials, image.credentials);
    }
    ResourceUsage memory;
    memory.add_peak(*image.space);
    {
        Locked guard(process.signal_lock);
        std::swap(process.handlers, tables.handlers);
        process.usage.add(memory);
    }
    thread.personality &= ~(image.sets_id ? personality_of_rights : u32{READ_IMPLIES_EXEC});
    process.set_name(image.name);
    thread.set_name(image.name);
    forget_thread_state(thread);
    Locked tree(tree_lock);
    process.has_executed = true;
    process.exit_signal = SIGCHLD;   // the one given to clone(2) was for the old program
    if (changes_rights) thread.parent_death_signal = 0;
}

/// The caller is the only thread: what it decides on now cannot change. ENOMEM: nothing has changed.
Result<> ProcessManager::change_over(Image& image, UserThread& thread, bool was_always_alone) {
    Process& process = thread.process();
    if (!was_always_alone) {
        // Other threads may have changed these while the image was built (setuid(2), prctl(2)).
        take_rights(image, process.credentials, !process.no_new_privileges);
        TRY(tell_rights(image));
    }
    OwnTables tables;
    // Only now: until the thread was alone, another thread could still share its table with a process (CLONE_FILES, CLONE_SIGHAND).
    tables.handlers = TRY(reset_handlers(process));
    tables.descriptors = TRY(own_descriptors(thread));
    process.timers.remove_all();
    release_thread_words(thread);
    {
        Locked guard(process.memory_limits_lock);
        become(image, tables, thread);
        process.address_space->set_limits(process.memory_limits());
    }
    thread.descriptors->close_on_exec();
    return {};
}

Result<> ProcessManager::execute(std::string_view path, u64 argv, u64 envp, TrapFrame& frame) {
    UserThread& thread = current_user_thread();
    Process& process = thread.process();
    bool const may_move = random_layout_allowed() && !(thread.personality & ADDR_NO_RANDOMIZE);
    RandomLayout const random = may_move ? RandomLayout::Yes : RandomLayout::No;
    bool const is_alone = !process.has_several_threads();
    std::optional<fs::Credentials> copy;         // if other threads may change them
    fs::Credentials const& who = is_alone ? process.credentials : copy.emplace(process.copy_credentials());
    UserArguments arguments(argv, envp);
    TRY(arguments.read(process.limit(RLIMIT_STACK).soft));
    fs::FsContext const context = thread.names->copy();
    auto file = TRY(open_executable({context, who}, path));
    Image image;
    TRY(build_image(image, {context, who, process.limits, random, !process.no_new_privileges}, path, std::move(file), arguments));
    bool const was_alone = TRY(become_only_thread(thread));
    if (auto const done = change_over(image, thread, is_alone); !done) {
        // The other threads are gone: there is nothing to return to (as in Linux).
        if (!was_alone) die_of(thread, SIGSEGV);
        return done;
    }
    frame = first_frame(image);
    TRACE_EVENT(Exec, static_cast<u64>(process.pid().value));
    // The old memory is dropped with `image`, after the parent of a vfork has it to itself again.
    process.release_vfork_parent();
    return {};
}

}
