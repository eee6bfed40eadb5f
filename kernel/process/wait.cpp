// SPDX-License-Identifier: MIT
// wait4(2) and waitid(2): which child's end, stop or continuation the caller hears of. Ended
// children are in a list of their own, so that any of them is found at once.
#include "kernel/process/process_manager.h"

namespace process {

/// What a look at the children came to.
struct ProcessManager::Collected {
    enum class Outcome : u8 { Nothing, Found, NoChild };
    Outcome outcome = Outcome::Nothing;
    WaitResult result;
    Ref<Process> reaped;   ///< dies without tree_lock
};

namespace {

bool matches(Process const& child, WaitRequest const& request) {
    switch (request.who) {
    case WaitRequest::Who::Any: return true;
    case WaitRequest::Who::Process: return child.pid() == request.id;
    case WaitRequest::Who::Group: return child.group == request.id;
    }
    return false;
}

Process* first_match(ProcessList& list, WaitRequest const& request) {
    for (Process& child : list)
        if (matches(child, request)) return &child;
    return nullptr;
}

/// SIGCONT was sent, and the child has not run since to report it itself.
bool is_being_continued(Process const& child) {
    decltype(child.signal_lock)::Guard guard(child.signal_lock);
    return child.continue_pending;
}

bool is_wanted(Process const& child, WaitRequest const& request) {
    bool const stopped = child.report == ChildReport::Stopped;
    if (request.continued && (child.report == ChildReport::Continued || is_being_continued(child))) return true;
    return request.stopped && stopped;
}

Process* first_report(Process& parent, WaitRequest const& request) {
    if (!request.continued && (parent.children_reports == 0 || !request.stopped)) return nullptr;
    for (Process& child : parent.children)
        if (is_wanted(child, request) && matches(child, request)) return &child;
    return nullptr;
}

/// The status to report; unless WNOWAIT, nobody hears of it again.
int take_report(Process& parent, Process& child, WaitRequest const& request) {
    bool const continues = request.continued && is_being_continued(child);
    int const status = continues ? continued_status : child.report_status;
    if (request.no_reap) return status;
    if (child.report != ChildReport::None) --parent.children_reports;
    child.report = ChildReport::None;
    if (continues) {
        decltype(child.signal_lock)::Guard guard(child.signal_lock);
        child.continue_pending = false;
    }
    return status;
}

WaitResult describe(Process const& child, int status) {
    WaitResult result;
    result.pid = child.pid();
    result.status = status;
    result.uid = child.credentials.real_uid;
    return result;
}

/// Its children's too; tree_lock is held. Not analysed: it has no threads any more, so nobody adds to its own.
ResourceUsage usage_of_ended(Process const& child) NO_THREAD_SAFETY_ANALYSIS {
    ResourceUsage usage = child.usage;
    usage.add(child.children_usage);
    return usage;
}

}

void ProcessManager::unlink_reaped(Process& child) {
    child.state.store(ProcessState::Reaped, std::memory_order_release);
    child.end_wait.wake_all();
    leave_group(child, child.remains);
    remove_all_tasks(child);
    pids_.remove(child);
    child.parent = nullptr;
    process_count_.fetch_sub(1, std::memory_order_relaxed);
}

void ProcessManager::reap(Process& parent, Process& child, Collected& out) {
    parent.children_usage.add(out.result.usage);
    parent.zombies.erase(parent.zombies.iterator_to(child));
    unlink_reaped(child);
    out.reaped = Ref<Process>::adopt(&child);
}

bool ProcessManager::try_collect(Process& parent, WaitRequest const& request, Collected& out) {
    TreeGuard guard(tree_lock);
    // One child by number is found through the table, not by a walk through all.
    Process* only = nullptr;
    if (request.who == WaitRequest::Who::Process) {
        only = static_cast<Process*>(pids_.find(request.id, PidKind::Process));
        if (!only || only->parent != &parent) {
            out.outcome = Collected::Outcome::NoChild;
            return true;
        }
    }
    bool const only_ended = only && only->state.load(std::memory_order_relaxed) == ProcessState::Zombie;
    Process* ended = only ? (only_ended ? only : nullptr) : first_match(parent.zombies, request);
    if (ended && request.exited) {
        out.outcome = Collected::Outcome::Found;
        out.result = describe(*ended, ended->exit_status);
        out.result.usage = usage_of_ended(*ended);
        if (!request.no_reap) reap(parent, *ended, out);
        return true;
    }
    Process* reported = only ? (is_wanted(*only, request) ? only : nullptr) : first_report(parent, request);
    if (reported) {
        out.outcome = Collected::Outcome::Found;
        out.result = describe(*reported, take_report(parent, *reported, request));
        return true;
    }
    if (only || ended || first_match(parent.children, request)) return false;
    out.outcome = Collected::Outcome::NoChild;
    return true;
}

Result<WaitResult> ProcessManager::wait(WaitRequest const& asked) {
    Process& parent = current_process();
    WaitRequest request = asked;
    if (request.who == WaitRequest::Who::Group && request.id.value == 0) request.id = parent.group;
    Collected collected;
    if (request.no_hang) {
        (void)try_collect(parent, request, collected);
    } else {
        auto const waited = parent.child_wait.wait([&] { return try_collect(parent, request, collected); });
        if (!waited) return fail(waited.error().value == EINTR ? restart_sys : waited.error().value);
    }
    if (collected.outcome == Collected::Outcome::NoChild) return fail(ECHILD);
    return collected.result;
}

}
