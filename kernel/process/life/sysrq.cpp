// SPDX-License-Identifier: MIT
// SysRq keys that show or kill. Keys from keyboards and serial lines arrive in interrupts, so a thread of the highest realtime
// priority obeys them, since many take locks and print at length; the writer of /proc/sysrq-trigger obeys its own.
#include "kernel/process/life/sysrq.h"

#include <algorithm>
#include <bit>
#include <charconv>

#include <abi/signal.h>
#include <arch/processors.h>
#include <base/log.h>

#include "kernel/base/symbols.h"
#include "kernel/base/sysrq.h"
#include "kernel/fs/procfs/procfs.h"
#include "kernel/process/life/oom.h"
#include "kernel/process/process_manager.h"
#include "kernel/process/signal/signal.h"
#include "mm/kernel_space.h"
#include "sched/scheduler.h"

namespace process {
namespace {

constexpr u8 highest_priority = 99;
constexpr size_t most_threads_shown = 16;   // of one process

/// Bit n: key 'a' + n was pressed. Ordering: release by the sender of a key, acquire by the thread.
constinit std::atomic<u32> pressed{0};
constinit sched::WaitQueue presses;

template <class... A>
void say(base::FormatString<std::type_identity_t<A>...> format, A const&... arguments) {
    base::log(base::LogLevel::Notice, "sysrq", format, arguments...);
}

struct ThreadLook {
    Pid tid;
    char state = 'R';
    char name[sched::Thread::name_capacity] = {};
};

char letter_of(Process const& process, UserThread const& thread) REQUIRES(process.signal_lock) {
    if (process.stop_signal != 0) return 'T';
    if (thread.state_at_a_glance() != sched::ThreadState::Blocked) return 'R';
    return thread.sleep_kind == sched::Interruptible::Yes ? 'S' : 'D';
}

/// The threads are read under the lock, and printed without it, because consoles are slow.
void show_process(Process const& process, bool blocked_alone) {
    ThreadLook looks[most_threads_shown];
    size_t count = 0, all = 0;
    {
        Locked guard(process.signal_lock);
        for (UserThread const& thread : process.threads) {
            ThreadLook look{thread.tid, letter_of(process, thread)};
            if (blocked_alone && look.state != 'D') continue;
            ++all;
            if (count == most_threads_shown) continue;
            std::copy(std::begin(thread.name), std::end(thread.name), look.name);
            looks[count++] = look;
        }
    }
    Pid parent;
    {
        Locked guard(tree_lock);
        if (process.parent) parent = process.parent->pid();
    }
    for (ThreadLook const& look : std::span(looks).first(count))
        say("task:{} state:{} tid:{} pid:{} ppid:{}", std::string_view(look.name), look.state, look.tid, process.pid(), parent);
    if (all > count) say("pid:{} has {} threads more", process.pid(), all - count);
    if (all == 0 && !blocked_alone) say("task:{} state:Z pid:{} ppid:{}", process.name(), process.pid(), parent);
}

template <class Action>
void for_each_process(Pid after, Action&& act) {
    for (Ref<Process> process = process_manager.find_after(after); process; process = process_manager.find_after(process->pid())) act(*process);
}

void signal_all(int signal) {
    SignalInfo info;
    info.signal = signal;
    info.code = SI_KERNEL;
    for_each_process(Pid(1), [&](Process& process) { send_signal(process, info); });
}

void show_memory() {
    u64 const page_kib = page_size / kib;
    mm::FrameStatistics const frames = mm::frame_allocator.statistics();
    say("{} kB of memory, {} kB free, {} kB in kernel stacks", frames.total * page_kib, mm::free_frames() * page_kib,
        mm::kernel_space.stack_frames() * page_kib);
    say("{} allocations, {} releases, {} failures", frames.allocations, frames.releases, frames.failures);
}

void show_cpus() {
    arch::ask_other_cpus_where_they_are();
    for (u32 cpu = 0; cpu < arch::online_cpus(); ++cpu) {
        if (CpuId(cpu) == arch::current_cpu()) {
            say("CPU {}: is here, in {}", cpu, sched::current_thread().name);
            continue;
        }
        auto const frame = arch::where_cpu_was(CpuId(cpu));
        if (!frame) say("CPU {}: does not answer", cpu);
        else if (frame->from_user()) say("CPU {}: in a program at {:#x}", cpu, frame->rip);
        else say("CPU {}: in the kernel at {:#x} {}+{:#x}", cpu, frame->rip, base::find_symbol(frame->rip).name, base::find_symbol(frame->rip).offset);
    }
}

void obey(char key) {
    switch (key) {
    case 'e': return signal_all(SIGTERM);
    case 'i': return signal_all(SIGKILL);
    case 'f': return kill_for_memory() ? void() : say("OOM request ignored. No task eligible");
    case 'l': case 'p': return show_cpus();
    case 'm': return show_memory();
    case 's': return say("Emergency Sync complete");   // files are only in memory
    case 't': case 'w': return for_each_process(Pid(0), [&](Process& process) { show_process(process, key == 'w'); });
    }
}

void on_key(char key, base::SysRqSource source) {
    if (source == base::SysRqSource::Trigger) return obey(key);
    pressed.fetch_or(u32{1} << (key - 'a'), std::memory_order_release);
    presses.wake_all();
}

void obey_for_ever(void*) {
    for (;;) {
        (void)presses.wait([] { return pressed.load(std::memory_order_relaxed) != 0; }, sched::Interruptible::No);
        for (u32 keys = pressed.exchange(0, std::memory_order_acquire); keys != 0; keys &= keys - 1)
            obey(static_cast<char>('a' + std::countr_zero(keys)));
    }
}

/// As in Linux, only the first character of each write counts.
Result<> write_trigger(std::string_view text, fs::Credentials const& who) {
    if (!who.is_superuser()) return fail(EPERM);
    if (!text.empty()) base::sysrq(text.front(), base::SysRqSource::Trigger);
    return {};
}

Result<> show_nothing(base::Writer&) { return {}; }

Result<> show_allowed(base::Writer& out) {
    base::format_to(out, "{}\n", base::sysrq_allowed.load(std::memory_order_relaxed));
    return {};
}

Result<> change_allowed(std::string_view text, fs::Credentials const& who) {
    if (!who.is_superuser()) return fail(EPERM);
    u32 value = 0;
    text = text.substr(0, text.find('\n'));
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return fail(EINVAL);
    base::sysrq_allowed.store(value, std::memory_order_relaxed);
    return {};
}

}

Result<> start_sysrq() {
    TRY(fs::procfs.add("sysrq-trigger", show_nothing, 0200, write_trigger));
    TRY(fs::procfs.add("sys/kernel/sysrq", show_allowed, 0644, change_allowed));
    sched::Thread* const thread = TRY(sched::scheduler.create_kernel_thread("sysrq", obey_for_ever, nullptr));
    sched::scheduler.set_class(*thread, sched::SchedulingClass::Fifo, highest_priority);
    base::sysrq_handler.provide(on_key);
    return {};
}

}
