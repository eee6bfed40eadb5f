// SPDX-License-Identifier: MIT
// /proc/PID/stat, status and statm: a snapshot of a process, written in Linux's formats. proc(5).
// Locks are held only while the snapshot is taken, one after another, never while text is written.
#include <algorithm>

#include <abi/signal.h>
#include <arch/per_cpu.h>

#include <asm/resource.h>

#include "kernel/process/proc/proc_files.h"
#include "kernel/process/process_manager.h"
#include "kernel/process/rights.h"
#include "kernel/process/signal/default_actions.h"

namespace process {
namespace {

using base::format_to;
using base::Writer;

constexpr u64 ns_per_tick = ns_per_s / 100;   // USER_HZ
constexpr u64 page_kib = page_size / kib;

struct Look {
    char state = 'R';
    i32 parent = 0, group = 0, session = 0;
    u64 terminal = 0;
    int exit_status = 0, exit_signal = 0;
    ResourceUsage own, children;
    u32 threads = 0;
    int nice = 0, realtime_priority = 0, policy = 0, shown_priority = 0;
    u32 cpu = 0;
    SignalMask thread_pending = 0, shared_pending = 0, blocked = 0, ignored = 0, caught = 0;
    u32 queued = 0;
    mm::AddressSpaceStatistics memory;
    mm::ImageLayout layout;
    char name[sched::Thread::name_capacity] = {};
    u64 start_time_ns = 0, allowed_cpus = 0;
    bool is_open = false;                        ///< the caller may look into it
};

char state_letter(Process const& process, UserThread const* first) REQUIRES(process.signal_lock) {
    ProcessState const state = process.state.load(std::memory_order_relaxed);
    if (state == ProcessState::Zombie) return 'Z';
    if (state == ProcessState::Reaped || !first) return 'X';
    if (process.stop_signal != 0) return 'T';
    if (first->state_at_a_glance() != sched::ThreadState::Blocked) return 'R';
    return first->sleep_kind == sched::Interruptible::Yes ? 'S' : 'D';
}

void look_at_tree(Process const& process, Look& look) {
    Locked guard(tree_lock);
    look.parent = process.parent ? process.parent->pid().value : 0;
    look.group = process.group.value;
    look.session = process.session.value;
    look.terminal = process.controlling_terminal;
    look.exit_status = process.exit_status;
    look.exit_signal = process.exit_signal;
    look.children = process.children_usage;
}

/// proc(5): below 0 for realtime, otherwise 0 and above; inherited priority counts.
int shown_priority(sched::Level level, int nice) {
    if (level == sched::idle_class_level) return 20 + nice;
    return sched::is_realtime(level) ? level - 1 - sched::first_fair_level : level - sched::first_fair_level;
}

void look_at_thread(UserThread const& thread, Look& look) {
    sched::Parameters const own = sched::scheduler.parameters(thread);
    std::copy_n(thread.name, sizeof look.name, look.name);
    look.start_time_ns = thread.start_time_ns;
    look.allowed_cpus = thread.allowed_cpus_at_a_glance();
    look.nice = own.nice;
    look.realtime_priority = own.realtime_priority;
    look.policy = static_cast<int>(own.scheduling_class);      // Linux's numbers
    look.shown_priority = shown_priority(thread.level(), own.nice);
    look.cpu = thread.cpu_at_a_glance().value;
    look.thread_pending = thread.pending.set;
    look.blocked = thread.blocked;
    look.queued += thread.pending.queued();
}

void look_at_signals(Shown const& shown, Look& look) {
    Process const& process = *shown.process;
    Locked guard(shown.process->signal_lock);
    process.signal_lock.assert_held();   // the same lock
    UserThread const* const thread = shown.thread();
    look.state = state_letter(process, thread);
    if (shown.is_thread() && thread) look.own.add(*thread);
    look.threads = process.thread_count;
    look.shared_pending = process.shared_pending.set;
    look.queued = process.shared_pending.queued();
    if (thread) look_at_thread(*thread, look);
    for (int signal = 1; signal <= signal_count; ++signal) {
        u64 const handler = process.handlers->of(signal).handler;
        if (handler == ignore_handler) look.ignored |= mask_of(signal);
        else if (handler != default_handler) look.caught |= mask_of(signal);
    }
}

/// Where a program's memory lies, and how it ended, is private: both are read in the same hold of state_lock in which the right is
/// checked.
void look_at_memory(Process const& process, Look& look) {
    Ref<mm::AddressSpace> space;
    {
        Locked guard(process.state_lock);
        space = process.address_space;
        UserThread const* const asker = current_user_thread_or_null();
        look.is_open = !asker || may_look_into(asker->process(), process);
    }
    if (!look.is_open) look.exit_status = 0;
    if (!space) return;
    look.memory = space->statistics();
    if (look.is_open) look.layout = space->layout();
}

Look look_at(Shown const& shown) {
    Process const& process = *shown.process;
    Look look;
    std::copy_n(process.name().begin(), process.name().size(), look.name);
    look.start_time_ns = process.start_time_ns;
    look_at_tree(process, look);
    look_at_signals(shown, look);
    if (!shown.is_thread()) look.own = process.total_usage();
    look_at_memory(process, look);
    return look;
}

std::string_view state_name(char letter) {
    switch (letter) {
    case 'R': return "running";
    case 'S': return "sleeping";
    case 'D': return "disk sleep";
    case 'T': return "stopped";
    case 'Z': return "zombie";
    default: return "dead";
    }
}

void write_identity(Shown const& shown, Look const& look, Writer& out) {
    Process const& process = *shown.process;
    fs::Credentials const who = process.copy_credentials();
    format_to(out, "State:\t{:c} ({})\nTgid:\t{}\nNgid:\t0\nPid:\t{}\nPPid:\t{}\nTracerPid:\t0\n", look.state, state_name(look.state),
              process.pid(), shown.id(), look.parent);
    format_to(out, "Uid:\t{}\t{}\t{}\t{}\n", who.real_uid, who.effective_uid, who.saved_uid, who.fs_uid);
    format_to(out, "Gid:\t{}\t{}\t{}\t{}\n", who.real_gid, who.effective_gid, who.saved_gid, who.fs_gid);
    Ref<fs::DescriptorTable> const descriptors = process.copy_descriptors();
    format_to(out, "FDSize:\t{}\nGroups:\t", descriptors ? descriptors->capacity() : 0);
    for (u32 i = 0; i < who.group_count; ++i) format_to(out, "{} ", who.groups[i]);
    format_to(out, "\nNStgid:\t{}\nNSpid:\t{}\nNSpgid:\t{}\nNSsid:\t{}\n", process.pid(), shown.id(), look.group, look.session);
}

void write_memory(Look const& look, Writer& out) {
    mm::AddressSpaceStatistics const& memory = look.memory;
    struct { std::string_view label; u64 pages; } const lines[] = {
        {"VmPeak:", memory.peak_mapped_pages},
        {"VmSize:", memory.mapped_pages},
        {"VmLck:", memory.locked_pages},
        {"VmPin:", 0},
        {"VmHWM:", memory.peak_resident_pages},
        {"VmRSS:", memory.resident_pages},
        {"RssAnon:", memory.resident_pages - memory.file_pages - memory.shared_pages},
        {"RssFile:", memory.file_pages},
        {"RssShmem:", memory.shared_pages},
        {"VmData:", memory.data_pages},
        {"VmStk:", memory.stack_pages},
        {"VmExe:", memory.text_pages},
        {"VmPTE:", memory.table_frames},
    };
    for (auto const& line : lines) format_to(out, "{}\t{:>8} kB\n", line.label, line.pages * page_kib);
}

/// The CPUs it may run on, as a mask and as a list; as in Linux, only CPUs that exist.
void write_cpus(Look const& look, Writer& out) {
    u32 const count = arch::online_cpus();
    u64 const mask = look.allowed_cpus & (count >= 64 ? ~u64{0} : (u64{1} << count) - 1);
    out.write("Cpus_allowed:\t");
    for (u32 digit = (count + 3) / 4; digit-- > 0;) {
        format_to(out, "{:x}", mask >> (4 * digit) & 0xf);
        if (digit == 8) out.write(",");
    }
    out.write("\nCpus_allowed_list:\t");
    std::string_view comma;
    for (u32 first = 0; first < count; ++first) {
        if (!(mask >> first & 1)) continue;
        u32 last = first;
        while (last + 1 < count && (mask >> (last + 1) & 1)) ++last;
        if (first == last) format_to(out, "{}{}", comma, first);
        else format_to(out, "{}{}-{}", comma, first, last);
        comma = ",";
        first = last;
    }
    out.write("\n");
}

void write_signals(Process const& process, Look const& look, Writer& out) {
    format_to(out, "NoNewPrivs:\t{}\n", process.no_new_privileges ? 1 : 0);
    format_to(out, "Threads:\t{}\nSigQ:\t{}/{}\n", look.threads, fs::user_or_root(process.copy_user()).charged(fs::Charged::Signals), process.limit(RLIMIT_SIGPENDING).soft);
    format_to(out, "SigPnd:\t{:016x}\nShdPnd:\t{:016x}\nSigBlk:\t{:016x}\nSigIgn:\t{:016x}\nSigCgt:\t{:016x}\n", look.thread_pending,
              look.shared_pending, look.blocked, look.ignored, look.caught);
}

}

Result<> write_process_stat(Shown const& shown, u64, Writer& out) {
    Process const& process = *shown.process;
    Look const look = look_at(shown);
    mm::ImageLayout const& at = look.layout;
    u64 const low_signals = 0x7fffffff;   // the old format shows the standard signals only
    format_to(out, "{} ({}) {:c} {} {} {} {} -1 0 ", shown.id(), std::string_view(look.name), look.state, look.parent, look.group, look.session,
              static_cast<i32>(look.terminal));
    format_to(out, "{} {} {} {} ", look.own.minor_faults, look.children.minor_faults, look.own.major_faults, look.children.major_faults);
    format_to(out, "{} {} {} {} ", look.own.user_ns / ns_per_tick, look.own.system_ns / ns_per_tick, look.children.user_ns / ns_per_tick,
              look.children.system_ns / ns_per_tick);
    format_to(out, "{} {} {} 0 {} ", look.shown_priority, look.nice, look.threads, look.start_time_ns / ns_per_tick);
    format_to(out, "{} {} {} ", look.memory.mapped_pages * page_size, look.memory.resident_pages, process.limit(RLIMIT_RSS).soft);
    format_to(out, "{} {} {} 0 0 ", at.code_start.value(), at.code_end.value(), at.stack_start.value());
    format_to(out, "{} {} {} {} 0 0 0 ", (look.thread_pending | look.shared_pending) & low_signals, look.blocked & low_signals,
              look.ignored & low_signals, look.caught & low_signals);
    format_to(out, "{} {} {} {} 0 0 0 ", look.exit_signal, look.cpu, look.realtime_priority, look.policy);
    format_to(out, "{} {} {} {} {} {} {} {}\n", at.data_start.value(), at.data_end.value(), at.heap_start.value(), at.arguments_start.value(),
              at.arguments_end.value(), at.environment_start.value(), at.environment_end.value(), look.exit_status);
    return {};
}

Result<> write_process_status(Shown const& shown, u64, Writer& out) {
    Process const& process = *shown.process;
    Look const look = look_at(shown);
    format_to(out, "Name:\t{}\n", std::string_view(look.name));
    if (Ref<fs::SharedContext> const names = process.copy_names()) format_to(out, "Umask:\t{:04o}\n", names->umask());
    write_identity(shown, look, out);
    if (look.memory.mapped_pages != 0) write_memory(look, out);
    write_signals(process, look, out);
    write_cpus(look, out);
    format_to(out, "voluntary_ctxt_switches:\t{}\nnonvoluntary_ctxt_switches:\t{}\n", look.own.voluntary, look.own.involuntary);
    return {};
}

Result<> write_process_statm(Shown const& shown, u64, Writer& out) {
    Process const& process = *shown.process;
    mm::AddressSpaceStatistics memory;
    if (Ref<mm::AddressSpace> const space = process.copy_address_space()) memory = space->statistics();
    format_to(out, "{} {} {} {} 0 {} 0\n", memory.mapped_pages, memory.resident_pages, memory.file_pages + memory.shared_pages,
              memory.text_pages, memory.data_pages + memory.stack_pages);
    return {};
}

}
