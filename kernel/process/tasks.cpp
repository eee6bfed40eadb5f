// SPDX-License-Identifier: MIT
// How many tasks each user has, and may have: RLIMIT_NPROC of setrlimit(2). A process counts until it is reaped, each further
// thread until it ends; they are charged to the process's real user. tree_lock guards the charges.
#include "kernel/process/process_manager.h"

#include <asm/resource.h>

namespace process {

/// One more task for `process`, made by `caller`. False: the limit is reached. Root's tasks and those of a privileged caller are
/// counted, but not limited.
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

/// As in Linux, setuid(2) does not fail when the new user has too many tasks, since programs that drop their rights do not check.
/// The exec that follows fails if there are still too many.
void ProcessManager::follow_user(UserThread& thread) {
    Process& process = thread.process();
    Ref<fs::User> user;                          // takes the old user away and drops it when no lock is held
    Locked guard(tree_lock);
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
