// SPDX-License-Identifier: MIT
// wait4(2) and waitid(2): which child's end, stop or continuation is reported to the caller. Ended children are in a list of
// their own, so that any one of them is found at once. Each is reported once, unless WNOWAIT leaves it.
#include <abi/signal.h>

#include "kernel/process/process_manager.h"

namespace process {

/// The result of one search through the children.
struct ProcessManager::Collected {
    enum class Outcome : u8 { Nothing, Found, NoChild };
    Outcome outcome = Outcome::Nothing;
    WaitResult result;
    Ref<Process> reaped;   ///< destroyed when tree_lock is free
};

namespace {

/// Whether the call selects children of this kind.
bool is_of_kind(Process const& child, WaitRequest const& request) REQUIRES(tree_lock) {
    if (request.of_thread && child.maker != &current_user_thread()) return false;
    return request.of_any_kind || (child.exit_signal != SIGCHLD) == request.by_clone;
}

bool matches(Process const& child, WaitRequest const& request) REQUIRES(tree_lock) {
    if (!is_of_kind(child, request)) return false;
    switch (request.who) {
    case WaitRequest::Who::Any: return true;
    case WaitRequest::Who::Process: return child.pid() == request.id;
    case WaitRequest::Who::Group: return child.group == request.id;
    }
    return false;
}

/// SIGCONT has come, and the child has not run since to report it itself.
bool is_being_continued(Process const& child) {
    Locked guard(child.signal_lock);
    return child.stop_news == StopNews::Continued;
}

/// The child has reported a stop that no SIGCONT has ended.
bool is_stopped(Process const& child) REQUIRES(tree_lock) {
    if (child.report != ChildReport::Stopped) return false;
    Locked guard(child.signal_lock);
    return child.stop_signal != 0;
}

bool has_report(Process const& child, WaitRequest const& request) REQUIRES(tree_lock) {
    if (request.continued && (child.report == ChildReport::Continued || is_being_continued(child))) return true;
    return request.stopped && is_stopped(child);
}

bool is_alive(Process const& child) { return child.state.load(std::memory_order_relaxed) < ProcessState::Zombie; }

/// The status to report; it is not reported again, unless WNOWAIT leaves it.
int take_report(Process& parent, Process& child, WaitRequest const& request) REQUIRES(tree_lock) {
    bool const continues = request.continued && is_being_continued(child);
    int const status = continues ? continued_status : child.report_status;
    if (request.no_reap) return status;
    if (child.report != ChildReport::None) --parent.children_reports;
    child.report = ChildReport::None;
    if (continues) {
        Locked guard(child.signal_lock);
        child.stop_news = StopNews::None;
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

/// Includes its children's usage; tree_lock is held. Not analysed: it has no more threads that could add to its own.
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
    if (child.maker) child.maker->made_children.erase(child.maker->made_children.iterator_to(child));
    child.maker = nullptr;
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

/// The first child in `list` that the request selects and for which `holds` is true. For a group, its members are searched at the same
/// time, so that the shorter of the two lists decides the cost.
template <class Condition>
Process* ProcessManager::first_child(Process& parent, ProcessList& list, WaitRequest const& request, Condition&& holds) {
    auto const is_it = [&](Process const& child) {
        tree_lock.assert_held();
        return matches(child, request) && holds(child);
    };
    if (request.who != WaitRequest::Who::Group) {
        for (Process& child : list)
            if (is_it(child)) return &child;
        return nullptr;
    }
    auto* const group = static_cast<ProcessGroup*>(pids_.find(request.id, PidKind::Group));
    if (!group) return nullptr;
    bool const of_ended = &list == &parent.zombies;
    auto member = group->members.begin();
    for (auto child = list.begin(); child != list.end() && member != group->members.end(); ++child, ++member) {
        if (is_it(*child)) return &*child;
        if (member->parent == &parent && is_alive(*member) != of_ended && is_it(*member)) return &*member;
    }
    return nullptr;
}

/// The selected child that has something to report, or the first such child of many; and whether there is one that may report
/// later.
ProcessManager::Look ProcessManager::look(Process& parent, WaitRequest const& request) {
    auto const any = [](Process const&) { return true; };
    auto const reports = [&](Process const& child) {
        tree_lock.assert_held();
        return has_report(child, request);
    };
    Look look;
    if (request.who == WaitRequest::Who::Process) {
        // One child by number is found in the table, not by a walk through all children.
        auto* const only = static_cast<Process*>(pids_.find(request.id, PidKind::Process));
        if (!only || only->parent != &parent || !matches(*only, request)) return look;
        bool const lives = is_alive(*only);
        if (!lives && request.exited) look.ended = only;
        if (lives && reports(*only)) look.reported = only;
        look.may_report = lives;
        return look;
    }
    if (request.exited) look.ended = first_child(parent, parent.zombies, request, any);
    if (look.ended) return look;
    if (request.continued || (request.stopped && parent.children_reports != 0))
        look.reported = first_child(parent, parent.children, request, reports);
    // An ended child reports only its end.
    look.may_report = look.reported || first_child(parent, parent.children, request, any);
    return look;
}

bool ProcessManager::try_collect(Process& parent, WaitRequest const& request, Collected& out) {
    Locked guard(tree_lock);
    Look const found = look(parent, request);
    if (found.ended) {
        out.outcome = Collected::Outcome::Found;
        out.result = describe(*found.ended, found.ended->exit_status);
        out.result.usage = usage_of_ended(*found.ended);
        if (!request.no_reap) reap(parent, *found.ended, out);
    } else if (found.reported) {
        out.outcome = Collected::Outcome::Found;
        out.result = describe(*found.reported, take_report(parent, *found.reported, request));
    } else if (!found.may_report) {
        out.outcome = Collected::Outcome::NoChild;
    }
    return out.outcome != Collected::Outcome::Nothing;
}

Result<WaitResult> ProcessManager::wait(WaitRequest const& asked) {
    Process& parent = current_process();
    WaitRequest request = asked;
    if (request.who == WaitRequest::Who::Group && request.id.value == 0) request.id = parent.group_at_a_glance();
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
