// SPDX-License-Identifier: MIT
// The files of /proc about the whole machine: time, load, CPUs, names, limits. proc(5). Only the superuser changes one.
#include <algorithm>
#include <charconv>

#include <arch/cpu.h>
#include <arch/interrupts.h>
#include <base/latency.h>
#include <boot/boot_info.h>

#include "kernel/base/host_identity.h"
#include "kernel/base/random.h"
#include "kernel/fs/procfs/procfs.h"
#include "kernel/process/exec/image.h"
#include "kernel/process/proc/proc_files.h"
#include "kernel/process/process_manager.h"
#include "kernel/process/timers/realtime_limit.h"
#include "kernel/trace/trace.h"
#include "sched/clock.h"
#include "sched/scheduler.h"

namespace process {
namespace {

using base::format_to;
using base::Writer;

constexpr u64 ns_per_tick = ns_per_s / 100;   // USER_HZ
constexpr u64 ns_per_hundredth = ns_per_s / 100;

Result<> write_uptime(Writer& out) {
    u64 const up = sched::clock.monotonic_ns() / ns_per_hundredth;
    u64 idle = 0;
    for (u32 cpu = 0; cpu < arch::online_cpus(); ++cpu) idle += sched::scheduler.idle_ns(CpuId(cpu));
    idle /= ns_per_hundredth;
    format_to(out, "{}.{:02} {}.{:02}\n", up / 100, up % 100, idle / 100, idle % 100);
    return {};
}

Result<> write_load_average(Writer& out) {
    u64 loads[3];
    sched::scheduler.load_averages(loads);
    for (u64 load : loads) {
        u64 const hundredths = (load * 100 + 32768) >> 16;
        format_to(out, "{}.{:02} ", hundredths / 100, hundredths % 100);
    }
    format_to(out, "{}/{} {}\n", sched::scheduler.runnable_threads(), process_manager.thread_count(), process_manager.last_pid());
    return {};
}

void write_cpu_times(Writer& out, sched::CpuTimes const& times) {
    // user nice system idle iowait irq softirq steal guest guest_nice
    format_to(out, "{} 0 {} {} 0 0 0 0 0 0\n", times.user_ns / ns_per_tick, times.system_ns / ns_per_tick, times.idle_ns / ns_per_tick);
}

Result<> write_stat(Writer& out) {
    sched::CpuTimes sum;
    for (u32 cpu = 0; cpu < arch::online_cpus(); ++cpu) {
        sched::CpuTimes const times = sched::scheduler.cpu_times(CpuId(cpu));
        sum.user_ns += times.user_ns;
        sum.system_ns += times.system_ns;
        sum.idle_ns += times.idle_ns;
    }
    out.write("cpu  ");
    write_cpu_times(out, sum);
    for (u32 cpu = 0; cpu < arch::online_cpus(); ++cpu) {
        format_to(out, "cpu{} ", cpu);
        write_cpu_times(out, sched::scheduler.cpu_times(CpuId(cpu)));
    }
    u64 const boot_seconds = (sched::clock.realtime_ns() - sched::clock.monotonic_ns()) / ns_per_s;
    format_to(out, "ctxt {}\nbtime {}\nprocesses {}\nprocs_running {}\nprocs_blocked 0\n", sched::scheduler.context_switches(), boot_seconds,
              process_manager.forks(), sched::scheduler.runnable_threads());
    return {};
}

Result<> write_version(Writer& out) {
    format_to(out, "{} version {} (g++ {}) {}\n", base::system_name, base::system_release, __VERSION__, base::system_version);
    return {};
}

Result<> write_command_line(Writer& out) {
    format_to(out, "{}\n", boot::boot_info.command());
    return {};
}

Result<> write_cpu_info(Writer& out) {
    arch::write_cpuinfo(out);
    return {};
}

Result<> write_interrupt_counts(Writer& out) {
    arch::write_interrupts(out);
    return {};
}

Result<> write_latency(Writer& out) {
    base::write_latency(out);
    return {};
}

/// Any write resets the measurement.
Result<> forget_latency(std::string_view, fs::Credentials const& who) {
    if (!who.is_superuser()) return fail(EPERM);
    base::forget_latency();
    return {};
}

Result<> write_scheduler(Writer& out) {
    sched::scheduler.write_status(out);
    return {};
}

Result<> change_scheduler(std::string_view text, fs::Credentials const& who) {
    if (!who.is_superuser()) return fail(EPERM);
    return sched::scheduler.change_policy(text.substr(0, text.find('\n')));
}

template <std::string_view const& text>
Result<> write_constant(Writer& out) {
    format_to(out, "{}\n", text);
    return {};
}

template <base::HostName (*name)()>
Result<> write_name(Writer& out) {
    format_to(out, "{}\n", name().view());
    return {};
}

template <Result<> (*set)(std::string_view)>
Result<> change_name(std::string_view text, fs::Credentials const& who) {
    if (!who.is_superuser()) return fail(EPERM);
    return set(text.substr(0, text.find('\n')));
}

template <u64 number>
Result<> write_number(Writer& out) {
    format_to(out, "{}\n", number);
    return {};
}

template <auto get>
Result<> write_value(Writer& out) {
    format_to(out, "{}\n", get());
    return {};
}

/// Passes a decimal number between two bounds to `set`; of a list only the first. EINVAL.
template <auto set, i32 least, i32 greatest>
Result<> change_value(std::string_view text, fs::Credentials const& who) {
    if (!who.is_superuser()) return fail(EPERM);
    text.remove_prefix(std::min(text.find_first_not_of(" \t\n"), text.size()));
    i32 value = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    bool const ends = end == text.data() + text.size() || *end == ' ' || *end == '\t' || *end == '\n' || *end == '\0';
    if (error != std::errc{} || !ends || value < least || value > greatest) return fail(EINVAL);
    set(value);
    return {};
}

i32 pid_limit() { return process_manager.pid_limit(); }
void set_pid_limit(i32 limit) { process_manager.set_pid_limit(limit); }

Result<> write_last_pid(Writer& out) {
    format_to(out, "{}\n", process_manager.last_pid());
    return {};
}

/// Lets a restored checkpoint of a process get its old number.
Result<> change_last_pid(std::string_view text, fs::Credentials const& who) {
    if (!who.is_superuser()) return fail(EPERM);
    i32 last = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), last);
    bool const is_whole = end == text.data() + text.size() || *end == '\n' || *end == '\0';
    if (error != std::errc() || !is_whole) return fail(EINVAL);
    return process_manager.set_last_pid(Pid(last));
}

Result<> write_thread_limit(Writer& out) {
    format_to(out, "{}\n", process_manager.thread_limit());
    return {};
}

Result<> write_space_randomisation(Writer& out) {
    format_to(out, "{}\n", random_layout_allowed() ? 2 : 0);
    return {};
}

/// An RFC 4122 version 4 identifier.
void write_identifier(Writer& out, u64 high, u64 low) {
    high = (high & ~0xf000ull) | 0x4000;
    low = (low & ~(3ull << 62)) | 2ull << 62;
    format_to(out, "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}\n", high >> 32, high >> 16 & 0xffff, high & 0xffff, low >> 48, low & 0xffff'ffff'ffff);
}

Result<> write_new_identifier(Writer& out) {
    write_identifier(out, base::random_u64(), base::random_u64());
    return {};
}

Result<> write_boot_identifier(Writer& out) {
    static constinit std::atomic<u64> halves[2]{};
    for (auto& half : halves) {
        u64 none = 0;
        half.compare_exchange_strong(none, base::random_u64() | 1);
    }
    write_identifier(out, halves[0].load(), halves[1].load());
    return {};
}

/// One line for each event, the oldest first on each CPU: seconds, CPU, event.
Result<> write_trace(Writer& out) {
    for (u32 i = 0; i < arch::online_cpus(); ++i) {
        CpuId const cpu(i);
        u64 const end = trace::recorded_on(cpu);
        for (u64 number = end - trace::kept_on(cpu); number < end; ++number) {
            auto const record = trace::record_at(cpu, number);
            if (!record) continue;
            format_to(out, "{}.{:09} {} ", record->nanoseconds / ns_per_s, record->nanoseconds % ns_per_s, cpu);
            trace::describe(out, *record);
            out.write("\n");
        }
    }
    return {};
}

struct SystemFile {
    std::string_view path;
    fs::ProcText text;
    u32 permissions = 0444;
    fs::ProcWrite write = nullptr;
};

constexpr SystemFile system_files[] = {
    {"uptime", write_uptime},
    {"loadavg", write_load_average},
    {"stat", write_stat},
    {"version", write_version},
    {"cmdline", write_command_line},
    {"cpuinfo", write_cpu_info},
    {"interrupts", write_interrupt_counts},
    {"sched", write_scheduler, 0644, change_scheduler},
    {"trace", write_trace, 0400},
    {"meminfo", write_memory_info},
    {"vmstat", write_memory_events},
    {"sys/kernel/ostype", write_constant<base::system_name>},
    {"sys/kernel/osrelease", write_constant<base::system_release>},
    {"sys/kernel/version", write_constant<base::system_version>},
    {"sys/kernel/hostname", write_name<base::host_name>, 0644, change_name<base::set_host_name>},
    {"sys/kernel/domainname", write_name<base::domain_name>, 0644, change_name<base::set_domain_name>},
    {"sys/kernel/pid_max", write_value<pid_limit>, 0644, change_value<set_pid_limit, PidTable::least_limit, PidTable::pid_max>},
    {"sys/kernel/tainted", write_number<0>},
    {"sys/fs/nr_open", write_number<u64{1} << 20>},
    {"sys/fs/file-max", write_number<u64{INT64_MAX}>},   // open files are not limited
    {"sys/vm/max_map_count", write_number<mm::VmaSet::max_count>},
    {"sys/kernel/ns_last_pid", write_last_pid, 0666, change_last_pid},
    {"sys/kernel/threads-max", write_thread_limit},
    {"sys/kernel/ngroups_max", write_number<fs::Credentials::max_groups>},
    {"sys/kernel/cap_last_cap", write_number<40>},
    {"sys/kernel/randomize_va_space", write_space_randomisation},
    {"sys/kernel/random/uuid", write_new_identifier},
    {"sys/kernel/random/boot_id", write_boot_identifier},
    {"sys/vm/overcommit_memory", write_number<0>},
    {"sys/vm/mmap_min_addr", write_number<65536>},
};

}

Result<> register_proc_entries() {
    TRY(register_realtime_limits());
    for (SystemFile const& file : system_files) TRY(fs::procfs.add(file.path, file.text, file.permissions, file.write));
    if constexpr (config::debug) TRY(fs::procfs.add("latency", write_latency, 0600, forget_latency));
    register_process_directories();
    return {};
}

}
