// SPDX-License-Identifier: MIT
// How many tasks each user has, and may have: RLIMIT_NPROC of setrlimit(2). A process counts until it is reaped, each further
// thread until it ends; their real user answers for them. All under tree_lock but where it says otherwise.
#include "kernel/process/process_manager.h"

#include <asm/resource.h>

namespace process {

/// One more for `process`, at the wish of `caller`. False: it would be too many. Root's own tasks, and who has privilege, are
/// counted and not held by the limit.
bool ProcessManager::add_task(Process& process, Process const& caller) {
    fs::User& user = fs::user_or_root(process.payer);
    if (user.uid().value == 0 || caller.credentials.is_privileged()) user.charge(fs::Charged::Tasks, 1);
    else if (!user.charge(fs::Charged::Tasks, 1, caller.limit(RLIMIT_NPROC).soft)) return false;
    ++process.charged_tasks;
    return true;
}

void ProcessManager::remove_task(Process& process) {
    fs::user_or_root(process.payer).uncharge(fs::Charged::Tasks, 1);
    --process.charged_tasks;
}

void ProcessManager::remove_all_tasks(Process& process) {
    fs::user_or_root(process.payer).uncharge(fs::Charged::Tasks, std::exchange(process.charged_tasks, 0u));
}

/// As Linux: setuid(2) does not fail for want of room, since programs that drop their rights do not look; the exec that
/// follows does, if there is still none.
void ProcessManager::follow_user(UserThread& thread) {
    Process& process = thread.process();
    Ref<fs::User> user;                          // leaves with the old one, when no lock is held
    TreeGuard guard(tree_lock);
    user = process.copy_user();
    fs::User& next = fs::user_or_root(user);
    thread.has_too_many_tasks = next.uid().value != 0 && next.charged(fs::Charged::Tasks) > process.limit(RLIMIT_NPROC).soft;
    next.charge(fs::Charged::Tasks, process.charged_tasks);
    fs::user_or_root(process.payer).uncharge(fs::Charged::Tasks, process.charged_tasks);
    process.swap_payer(user);
}

Result<> ProcessManager::check_task_count(UserThread& thread) {
    if (!thread.has_too_many_tasks) return {};
    Ref<fs::User> const user = thread.process().copy_user();
    if (fs::user_or_root(user).charged(fs::Charged::Tasks) > thread.process().limit(RLIMIT_NPROC).soft) return fail(EAGAIN);
    thread.has_too_many_tasks = false;
    return {};
}

}
