// SPDX-License-Identifier: MIT
// timerfd_create(2) and related calls, signalfd(2).
#include "kernel/ipc/timer_file.h"
#include "kernel/process/signal/signal_file.h"
#include "kernel/syscall/arguments.h"
#include "kernel/syscall/files/files.h"
#include "kernel/syscall/flags.h"
#include "kernel/syscall/time/time.h"

namespace syscall {
namespace {

static_assert(TFD_CLOEXEC == O_CLOEXEC && TFD_NONBLOCK == O_NONBLOCK && SFD_CLOEXEC == O_CLOEXEC && SFD_NONBLOCK == O_NONBLOCK);

Result<Fd> add_file(Caller& caller, Ref<fs::File> file, u32 flags) {
    auto const on_exec = flags & O_CLOEXEC ? fs::CloseOnExec::Yes : fs::CloseOnExec::No;
    return caller.thread.descriptors->add(std::move(file), on_exec, descriptor_limit(caller));
}

}

Result<Fd> sys_timerfd_create(Caller& caller, i32 clock, u32 flags) {
    constexpr i32 realtime = 0, monotonic = 1, boottime = 7;
    TRY(accepted::timerfd_create.check(flags));
    if (clock != realtime && clock != monotonic && clock != boottime) return fail(EINVAL);
    auto const kind = clock == realtime ? ipc::TimerFileClock::Realtime : ipc::TimerFileClock::Monotonic;
    return add_file(caller, TRY(ipc::make_timer_file(kind, flags, caller.process.credentials)), flags);
}

Result<> sys_timerfd_settime(Caller& caller, Fd fd, u32 flags, UserAddr in, UserAddr out) {
    if (in.is_null()) return fail(EFAULT);
    auto const setting = TRY(read_timer_setting(in));
    TRY(accepted::timerfd_settime.check(flags));
    auto const file = TRY(usable_file(caller, fd));
    ipc::TimerFileMode const mode{(flags & TFD_TIMER_ABSTIME) != 0, (flags & TFD_TIMER_CANCEL_ON_SET) != 0};
    auto const old = TRY(ipc::set_timer_file(*file, {setting.value_ns, setting.interval_ns}, mode));
    if (out.is_null()) return {};
    return write_timer_setting(out, {old.value_ns, old.interval_ns});
}

Result<> sys_timerfd_gettime(Caller& caller, Fd fd, UserAddr out) {
    auto const file = TRY(usable_file(caller, fd));
    auto const now = TRY(ipc::timer_file_setting(*file));
    return write_timer_setting(out, {now.value_ns, now.interval_ns});
}

Result<Fd> sys_signalfd4(Caller& caller, Fd fd, mm::UserPtr<process::SignalMask> mask_address, u64 size, u32 flags) {
    if (size != sizeof(process::SignalMask)) return fail(EINVAL);
    auto const mask = TRY(mask_address.read());
    TRY(accepted::signalfd4.check(flags));
    if (fd.value == -1) return add_file(caller, TRY(process::make_signal_file(mask, flags, caller.process.credentials)), flags);
    TRY(process::set_mask(*TRY(usable_file(caller, fd)), mask));
    return fd;
}

Result<Fd> sys_signalfd(Caller& caller, Fd fd, mm::UserPtr<process::SignalMask> mask, u64 size) {
    return sys_signalfd4(caller, fd, mask, size, 0);
}

}
