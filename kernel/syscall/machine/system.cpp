// SPDX-License-Identifier: MIT
// The machine and its name: uname(2) sethostname(2) sysinfo(2) getrandom(2) reboot(2)
// syslog(2) getcpu(2).
#include <algorithm>
#include <cstring>

#include <arch/power.h>
#include <base/log.h>
#include <linux/random.h>
#include <linux/reboot.h>
#include <linux/sysinfo.h>
#include <linux/utsname.h>

#include "kernel/base/host_identity.h"
#include "kernel/base/random.h"
#include "kernel/drivers/keyboard/key_input.h"
#include "kernel/fs/procfs/proc_numbers.h"
#include "kernel/fs/procfs/procfs.h"
#include "kernel/process/process_manager.h"
#include "kernel/process/signal/terminal_signals.h"
#include "kernel/syscall/arguments.h"
#include "kernel/syscall/flags.h"
#include "kernel/syscall/machine/log_setting.h"
#include "kernel/syscall/machine/machine.h"
#include "mm/frame_allocator.h"
#include "mm/kernel_space.h"
#include "sched/clock.h"

namespace syscall {
namespace {

template <size_t size>
void put(char (&field)[size], std::string_view text) {
    size_t const length = std::min(text.size(), size - 1);
    std::memcpy(field, text.data(), length);
}

Result<> read_name(UserAddr from, i32 size, base::HostName& out) {
    if (size < 0 || static_cast<size_t>(size) > base::longest_host_name) return fail(EINVAL);
    return mm::UserPtr<char>(from).read_array({out.text.data(), static_cast<size_t>(size)});
}

}

Result<> sys_uname(Caller&, UserAddr out) {
    new_utsname name{};
    put(name.sysname, base::system_name);
    put(name.nodename, base::host_name().view());
    put(name.release, base::system_release);
    put(name.version, base::system_version);
    put(name.machine, base::system_machine);
    put(name.domainname, base::domain_name().view());
    return mm::UserPtr<new_utsname>(out).write(name);
}

Result<> sys_sethostname(Caller& caller, UserAddr from, i32 size) {
    if (!caller.process.credentials.is_privileged()) return fail(EPERM);
    base::HostName name;
    TRY(read_name(from, size, name));
    return base::set_host_name(name.view());
}

Result<> sys_setdomainname(Caller& caller, UserAddr from, i32 size) {
    if (!caller.process.credentials.is_privileged()) return fail(EPERM);
    base::HostName name;
    TRY(read_name(from, size, name));
    return base::set_domain_name(name.view());
}

Result<> sys_sysinfo(Caller&, UserAddr out) {
    auto const frames = mm::frame_allocator.statistics();
    u64 loads[3];
    sched::scheduler.load_averages(loads);
    struct sysinfo info{};
    info.uptime = static_cast<__kernel_long_t>(sched::clock.monotonic_ns() / ns_per_s);
    for (size_t i = 0; i < 3; ++i) info.loads[i] = loads[i];
    info.totalram = frames.total * page_size;
    info.freeram = mm::free_frames() * page_size;
    info.procs = static_cast<u16>(process::process_manager.thread_count());
    info.mem_unit = 1;
    return mm::UserPtr<struct sysinfo>(out).write(info);
}

Result<size_t> sys_getrandom(Caller& caller, UserAddr out, u64 size, u32 flags) {
    TRY(accepted::getrandom.check(flags));
    if ((flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE)) return fail(EINVAL);
    size = std::min<u64>(size, INT32_MAX);
    std::byte chunk[256];
    for (u64 done = 0; done < size;) {
        size_t const now = std::min<u64>(sizeof chunk, size - done);
        base::random_bytes({chunk, now});
        size_t const missed = arch::copy_to_user(out + done, chunk, now);
        done += now - missed;
        if (missed && done == 0) return fail(EFAULT);
        if (missed || (caller.thread.has_signal() && done >= sizeof chunk)) return done;
    }
    return size;
}

Result<> sys_getcpu(Caller&, mm::UserPtr<u32> cpu, mm::UserPtr<u32> node) {
    if (!cpu.is_null()) TRY(cpu.write(arch::current_cpu().value));
    if (!node.is_null()) TRY(node.write(0));
    return {};
}

Result<> sys_reboot(Caller& caller, u32 magic1, u32 magic2, u32 command) {
    if (!caller.process.credentials.is_privileged()) return fail(EPERM);
    bool const known = magic2 == LINUX_REBOOT_MAGIC2 || magic2 == LINUX_REBOOT_MAGIC2A || magic2 == LINUX_REBOOT_MAGIC2B
                       || magic2 == LINUX_REBOOT_MAGIC2C;
    if (magic1 != LINUX_REBOOT_MAGIC1 || !known) return fail(EINVAL);
    switch (command) {
    case LINUX_REBOOT_CMD_CAD_ON: drivers::key_input.restart_keys.withdraw(); return {};
    case LINUX_REBOOT_CMD_CAD_OFF: drivers::key_input.restart_keys.provide(process::interrupt_init); return {};
    case LINUX_REBOOT_CMD_RESTART:
    case LINUX_REBOOT_CMD_RESTART2:
        log_info("power", "restarting, as asked by {} ({})", caller.process.name(), caller.process.pid());
        arch::reset();
    case LINUX_REBOOT_CMD_POWER_OFF:
    case LINUX_REBOOT_CMD_HALT:
        log_info("power", "powering off, as asked by {} ({})", caller.process.name(), caller.process.pid());
        arch::power_off();
    default: return fail(EINVAL);
    }
}

namespace {

/// The log from `position` on, as much as fits.
Result<size_t> copy_log(u64 position, UserAddr out, u64 size) {
    char chunk[256];
    u64 done = 0;
    while (done < size) {
        size_t const got = base::kernel_log.read(position + done, {chunk, std::min<u64>(sizeof chunk, size - done)});
        if (got == 0) break;
        TRY(mm::UserPtr<char>(out + done).write_array({chunk, got}));
        done += got;
    }
    return done;
}

constexpr u64 log_capacity = 64 * kib;

/// /proc/sys/kernel/dmesg_restrict: 1: only root reads the log, which shows other users' programs. Ordering: relaxed, it guards nothing else.
constinit std::atomic<u32> log_is_restricted{1};

Result<> restrict_log(std::string_view text, fs::Credentials const& who) {
    if (!who.is_privileged()) return fail(EPERM);
    return fs::change_setting<log_is_restricted, 0, 1>(text, who);
}

}

Result<> register_log_setting() {
    return fs::procfs.add("sys/kernel/dmesg_restrict", fs::write_setting<log_is_restricted>, 0644, restrict_log);
}

Result<i64> sys_syslog(Caller& caller, i32 type, UserAddr out, i32 size) {
    enum { Close = 0, Open = 1, ReadAll = 3, ConsoleOff = 6, ConsoleOn = 7, ConsoleLevel = 8, SizeUnread = 9, SizeBuffer = 10 };
    bool const is_everyones = (type == ReadAll || type == SizeBuffer) && !log_is_restricted.load(std::memory_order_relaxed);
    if (!is_everyones && !caller.process.credentials.is_privileged()) return fail(EPERM);
    switch (type) {
    case Close: case Open: return 0;
    case ReadAll: {
        if (size < 0 || out.is_null()) return fail(EINVAL);
        u64 const end = base::kernel_log.end_position();
        u64 const wanted = std::min<u64>(static_cast<u64>(size), log_capacity);
        return static_cast<i64>(TRY(copy_log(end > wanted ? end - wanted : 0, out, wanted)));
    }
    case ConsoleOff: base::kernel_log.set_console_level(1); return 0;
    case ConsoleOn: base::kernel_log.set_console_level(7); return 0;
    case ConsoleLevel:
        if (size < 1 || size > 8) return fail(EINVAL);
        base::kernel_log.set_console_level(static_cast<u8>(size));
        return 0;
    case SizeBuffer: return static_cast<i64>(log_capacity);
    default: return fail(EINVAL);
    }
}

}
