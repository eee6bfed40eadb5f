// SPDX-License-Identifier: MIT
// epoll_create(2) epoll_ctl(2) epoll_wait(2).
#include "kernel/ipc/epoll.h"
#include "kernel/syscall/arguments.h"
#include "kernel/syscall/files/files.h"
#include "kernel/syscall/files/wait_time.h"
#include "kernel/syscall/flags.h"

namespace syscall {
namespace {

constexpr i32 most_events = 0x7fffffff / static_cast<i32>(sizeof(epoll_event));   // EP_MAX_EVENTS

Result<u32> wait_until(Caller& caller, Fd epoll_fd, mm::UserPtr<epoll_event> out, i32 most, u64 deadline_ns) {
    if (most <= 0 || most > most_events) return fail(EINVAL);
    auto file = TRY(file_of(caller, epoll_fd));
    auto* const epoll = ipc::Epoll::from(*file);
    if (!epoll) return fail(EINVAL);
    return epoll->wait(out, static_cast<u32>(most), deadline_ns);
}

}

Result<Fd> sys_epoll_create1(Caller& caller, u32 flags) {
    TRY(accepted::epoll_create1.check(flags));
    auto file = TRY(ipc::make_epoll(caller.process.credentials));
    auto const on_exec = flags & EPOLL_CLOEXEC ? fs::CloseOnExec::Yes : fs::CloseOnExec::No;
    return caller.thread.descriptors->add(std::move(file), on_exec, descriptor_limit(caller));
}

Result<Fd> sys_epoll_create(Caller& caller, i32 size) {
    if (size <= 0) return fail(EINVAL);
    return sys_epoll_create1(caller, 0);
}

Result<> sys_epoll_ctl(Caller& caller, Fd epoll_fd, i32 operation, Fd fd, mm::UserPtr<epoll_event> event_address) {
    epoll_event event{};
    if (operation != EPOLL_CTL_DEL) event = TRY(event_address.read());
    auto epoll_file = TRY(file_of(caller, epoll_fd));
    auto file = TRY(usable_file(caller, fd));
    sched::WaitQueue* queue = nullptr;
    (void)file->poll(queue);
    if (!queue) return fail(EPERM);
    auto* const epoll = ipc::Epoll::from(*epoll_file);
    if (!epoll || file.get() == epoll_file.get()) return fail(EINVAL);
    TRY(accepted::epoll_ctl.check(static_cast<u32>(operation)));
    switch (operation) {
    case EPOLL_CTL_ADD: return epoll->add(fd, *file, event);
    case EPOLL_CTL_MOD: return epoll->change(fd, *file, event);
    case EPOLL_CTL_DEL: return epoll->remove(fd, *file);
    default: return fail(EINVAL);
    }
}

Result<u32> sys_epoll_wait(Caller& caller, Fd epoll_fd, mm::UserPtr<epoll_event> out, i32 most, i32 timeout_ms) {
    return wait_until(caller, epoll_fd, out, most, WaitTime::milliseconds(timeout_ms).deadline_ns());
}

Result<u32> sys_epoll_pwait(Caller& caller, Fd epoll_fd, mm::UserPtr<epoll_event> out, i32 most, i32 timeout_ms,
                            mm::UserPtr<process::SignalMask> mask, u64 size) {
    return with_mask(caller, mask, size, [&] { return sys_epoll_wait(caller, epoll_fd, out, most, timeout_ms); });
}

Result<u32> sys_epoll_pwait2(Caller& caller, Fd epoll_fd, mm::UserPtr<epoll_event> out, i32 most, UserAddr timeout,
                             mm::UserPtr<process::SignalMask> mask, u64 size) {
    auto const time = TRY(WaitTime::timespec_at(timeout));
    return with_mask(caller, mask, size, [&] { return wait_until(caller, epoll_fd, out, most, time.deadline_ns()); });
}

}
