// SPDX-License-Identifier: MIT
// mount(2) umount2(2): what each flag means is in kernel/fs/vfs.h, MountFlags.
#include <linux/mount.h>

#include "kernel/syscall/arguments.h"
#include "kernel/syscall/files/files.h"
#include "kernel/syscall/flags.h"

namespace syscall {

namespace {

/// MS_SILENT and MS_RELATIME ask for what is so anyway.
fs::MountFlags decode_mount_flags(u64 flags) {
    using enum fs::MountFlags::Flag;
    constexpr struct { u64 bit; fs::MountFlags::Flag flag; } bits[] = {
        {MS_NOSUID, nosuid}, {MS_NODEV, nodev}, {MS_NOEXEC, noexec}, {MS_NOATIME, noatime}, {MS_NODIRATIME, nodiratime},
    };
    fs::MountFlags out;
    for (auto const& [bit, flag] : bits)
        if (flags & bit) out.bits |= flag;
    return out;
}

}

Result<> sys_mount(Caller& caller, UserAddr source_address, UserAddr target_address, UserAddr type_address, u64 flags, UserAddr data) {
    if ((flags & MS_MGC_MSK) == MS_MGC_VAL) flags &= ~u64{MS_MGC_MSK};   // of before Linux 2.4
    if (!caller.process.credentials.is_privileged()) return fail(EPERM);
    TRY(accepted::mount.check(flags));
    UserPath source_buffer, target_buffer, type_buffer, options_buffer;
    auto const target = TRY(target_buffer.read(target_address));
    auto const options = data.is_null() ? std::string_view() : TRY(options_buffer.read(data));
    auto const decoded = decode_mount_flags(flags);
    auto const place = Place::here(caller);
    if (flags & MS_REMOUNT) return fs::vfs.remount(decoded, options, place.walk(), target);
    if (type_address.is_null()) return fail(EINVAL);
    auto const type = TRY(type_buffer.read(type_address));
    auto const source = source_address.is_null() ? std::string_view("none") : TRY(source_buffer.read(source_address));
    return fs::vfs.mount_type({type, source, options, decoded}, place.walk(), target);
}

Result<> sys_umount2(Caller& caller, UserAddr target_address, u32 flags) {
    TRY(accepted::umount2.check(flags));
    if (!caller.process.credentials.is_privileged()) return fail(EPERM);
    UserPath buffer;
    auto const target = TRY(buffer.read(target_address));
    return fs::vfs.unmount(Place::here(caller).walk(), target);
}

}
