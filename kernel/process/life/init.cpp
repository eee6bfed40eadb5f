// SPDX-License-Identifier: MIT
// The first process: it is made from nothing, runs init, and has /dev/console as descriptors 0, 1 and 2. It is process 1, and of
// group and session 0.
#include <algorithm>

#include <asm/resource.h>
#include <fcntl.h>

#include <base/log.h>

#include "kernel/process/exec/image.h"
#include "kernel/process/process_manager.h"
#include "kernel/process/signal/signal_steps.h"
#include "sched/clock.h"
#include "sched/scheduler.h"

namespace process {
namespace {

class KernelArguments final : public ArgumentSource {
public:
    KernelArguments(std::string_view path, std::span<std::string_view const> arguments, std::span<std::string_view const> environment)
        : path_(path), arguments_(arguments), environment_(environment) {}
    Result<> add_to(Arguments& to, u64 first, u64) override {
        if (first == 0) TRY(to.arguments.add(path_));
        for (std::string_view text : arguments_) TRY(to.arguments.add(text));
        for (std::string_view text : environment_) TRY(to.environment.add(text));
        return {};
    }
private:
    std::string_view path_;
    std::span<std::string_view const> arguments_, environment_;
};

/// The limits that Linux gives init (include/asm-generic/resource.h).
void set_default_limits(std::array<ResourceLimit, 16>& limits, u32 thread_limit) {
    limits[RLIMIT_STACK].soft = 8 * mib;
    limits[RLIMIT_CORE].soft = 0;
    limits[RLIMIT_NICE] = limits[RLIMIT_RTPRIO] = {0, 0};
    limits[RLIMIT_NPROC] = {thread_limit / 2, thread_limit / 2};
    limits[RLIMIT_SIGPENDING] = {thread_limit / 2, thread_limit / 2};
    limits[RLIMIT_NOFILE] = {1024, 4096};
    limits[RLIMIT_MEMLOCK] = {8 * mib, 8 * mib};
    limits[RLIMIT_MSGQUEUE] = {819200, 819200};
}

Result<> open_console(UserThread& thread) {
    auto console = fs::vfs.open({thread.names->copy(), thread.process().credentials}, "/dev/console", O_RDWR | O_NOCTTY, 0);
    if (!console) {
        log_warning("process", "no /dev/console: init starts without standard files");
        return {};
    }
    for (int i = 0; i < 3; ++i) TRY(thread.descriptors->add(*console, fs::CloseOnExec::No, 3));
    return {};
}

/// Not analysed: no lock is taken, since nobody else knows the process.
Result<Ref<Process>> make_first_process(u32 thread_limit) NO_THREAD_SAFETY_ANALYSIS {
    auto process = TRY(mm::make_ref<Process>());
    process->handlers = default_handlers();
    process->start_time_ns = sched::clock.monotonic_ns();
    set_default_limits(process->limits, thread_limit);
    return process;
}

}

Result<> ProcessManager::link_first(Process& process, UserThread& thread) {
    mm::Owned<ProcessGroup> group(TRY(mm::make<ProcessGroup>()));
    mm::Owned<Session> session(TRY(mm::make<Session>()));
    Locked guard(tree_lock);
    if (!pids_.add_with_new_number(process)) return fail(EAGAIN);
    ASSERT(process.is_init());
    thread.tid = process.pid();
    thread.number = static_cast<u32>(thread.tid.value);
    // Group and session 0 belong to the kernel: init makes its own with setsid(2) if it wants them.
    pids_.add(*session, Pid(0));
    pids_.add(*group, Pid(0));
    session->groups = 1;
    group->session = session.leak();
    join_group(process, *group.leak());
    init_ = &process;
    (void)add_task(process, process);
    add_first_thread(process, thread);
    return {};
}

Result<> ProcessManager::start_init(std::string_view path, std::span<std::string_view const> arguments,
                                    std::span<std::string_view const> environment) {
    auto process = TRY(make_first_process(thread_limit_));
    auto thread = TRY(UserThread::create(process));
    thread->descriptors = TRY(fs::DescriptorTable::create());
    thread->names = TRY(mm::make_ref<fs::SharedContext>(fs::vfs.root_context()));
    TRY(open_console(*thread));
    fs::FsContext const context = thread->names->copy();
    RandomLayout const random = random_layout_allowed() ? RandomLayout::Yes : RandomLayout::No;
    KernelArguments source(path, arguments, environment);
    Image image;
    auto file = TRY(open_executable({context, process->credentials}, path));
    TRY(build_image(image, {context, process->credentials, process->limits, random, true}, path, std::move(file), source));
    process->address_space = std::move(image.space);
    process->executable = std::move(image.executable);
    process->auxiliary_vector = image.auxiliary_vector;
    process->set_name(image.name);
    thread->set_name(image.name);
    arch::fpu_initialize(thread->context.fpu);
    thread->context.space = &process->address_space->tlb_space();
    arch::prepare_user_thread(thread->context, first_frame(image));
    TRY(link_first(*process, *thread));
    sched::scheduler.start(*thread.leak());
    return {};
}

}
