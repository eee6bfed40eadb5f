// SPDX-License-Identifier: MIT
// execve(2): builds the new image beside the old one, waits until the thread is alone in its
// process, then changes over. Nothing can fail after that.
#include <base/trace.h>

#include <algorithm>

#include "kernel/process/futex.h"
#include "kernel/process/image.h"
#include "kernel/process/process_manager.h"
#include "kernel/process/signal_action.h"
#include "mm/user/user_access.h"

namespace process {
namespace {

using SignalGuard = decltype(Process::signal_lock)::Guard;

class UserArguments final : public ArgumentSource {
public:
    UserArguments(u64 argv, u64 envp) : argv_(argv), envp_(envp) {}
    Result<> add_to(Arguments& arguments, u64 first, u64 stack_limit) override {
        return arguments.add_user(argv_, envp_, first, stack_limit);
    }
private:
    u64 argv_, envp_;
};

/// What the new program has of its own; made before the point of no return.
struct OwnTables {
    Ref<SignalHandlers> handlers;
    Ref<fs::DescriptorTable> descriptors;
};

Result<> prepare_tables(Process& process, OwnTables& tables) {
    tables.handlers = TRY(reset_handlers(process));
    tables.descriptors = process.descriptors;
    if (process.descriptors->reference_count() > 2) tables.descriptors = TRY(process.descriptors->copy());
    return {};
}

Result<> check_executable(fs::File const& file, fs::Credentials const& who) {
    fs::Inode const* inode = file.inode();
    return inode ? fs::vfs.check_executable(*inode, who) : fail(EACCES);
}

fs::FsContext copy_context(Process const& process) {
    decltype(process.fs_lock)::Guard guard(process.fs_lock);
    return process.fs_context;
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

Result<> ProcessManager::become_only_thread(UserThread& thread) {
    Process& process = thread.process();
    {
        SignalGuard guard(process.signal_lock);
        if (process.group_exit || process.execing) return fail(EAGAIN);
        if (process.thread_count == 1) return {};
        process.execing = &thread;
        for (UserThread& other : process.threads) {
            if (&other == &thread) continue;
            other.return_work.fetch_or(return_work::exit, std::memory_order_relaxed);
            sched::scheduler.wake_interruptible(other);
        }
        process.stop_wait.wake_all();
    }
    (void)process.stop_wait.wait(
        [&] {
            SignalGuard guard(process.signal_lock);
            return process.thread_count == 1;
        },
        sched::Interruptible::No);
    TreeGuard tree(tree_lock);
    SignalGuard guard(process.signal_lock);
    process.execing = nullptr;
    // The thread that is left is the process's first from now on.
    if (thread.entry_id.value != 0) {
        pids_.remove(thread);
        thread.entry_id = Pid(0);
        thread.tid = process.pid();
        thread.number = static_cast<u32>(thread.tid.value);
    }
    return {};
}

void ProcessManager::become(Image& image, UserThread& thread) {
    Process& process = thread.process();
    release_thread_words(thread);
    thread.context.space = &image.space->tlb_space();
    image.space->activate();
    {
        decltype(process.state_lock)::Guard guard(process.state_lock);
        std::swap(process.address_space, image.space);
        std::swap(process.executable, image.executable);
    }
    {
        decltype(process.credentials_lock)::Guard guard(process.credentials_lock);
        process.credentials = image.credentials;
    }
    process.auxiliary_vector = image.auxiliary_vector;
    process.dumpable = !image.gains_rights && !image.is_secret;
    process.has_executed = true;
    if (image.gains_rights) process.parent_death_signal = 0;
    process.set_name(image.name);
    thread.set_name(image.name);
    forget_thread_state(thread);
}

Result<> ProcessManager::execute(std::string_view path, Ref<fs::File> file, u64 argv, u64 envp, TrapFrame& frame) {
    UserThread& thread = current_user_thread();
    Process& process = thread.process();
    RandomLayout const random = random_layout_allowed() && process.add_random_layout ? RandomLayout::Yes : RandomLayout::No;
    TRY(check_executable(*file, process.credentials));
    fs::FsContext const context = copy_context(process);
    bool const may_gain = !process.no_new_privileges;
    UserArguments arguments(argv, envp);
    Image image;
    TRY(build_image(image, {context, process.credentials, process.limits, random, may_gain}, path, std::move(file), arguments));
    OwnTables tables;
    TRY(prepare_tables(process, tables));
    TRY(become_only_thread(thread));
    process.timers.remove_all();

    become(image, thread);
    {
        SignalGuard guard(process.signal_lock);
        std::swap(process.handlers, tables.handlers);
    }
    {
        decltype(process.state_lock)::Guard guard(process.state_lock);
        std::swap(process.descriptors, tables.descriptors);
    }
    process.descriptors->close_on_exec();
    frame = first_frame(image);
    TRACE_EVENT(Exec, static_cast<u64>(process.pid().value));
    // The old memory goes with `image`, after the parent of a vfork has it for itself again.
    release_vfork_parent(process);
    return {};
}

}
