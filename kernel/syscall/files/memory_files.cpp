// SPDX-License-Identifier: MIT
// memfd_create(2).

#include <linux/memfd.h>

#include "kernel/fs/tmpfs/memory_file.h"
#include "kernel/fs/tmpfs/seals.h"
#include "kernel/syscall/arguments.h"
#include "kernel/syscall/files/files.h"

namespace syscall {
namespace {

constexpr u32 mfd_noexec_seal = 8, mfd_exec = 0x10;      // linux/memfd.h since 6.3

}

Result<Fd> sys_memfd_create(Caller& caller, UserAddr name_address, u32 flags) {
    constexpr u32 huge_size = u32{MFD_HUGE_MASK} << MFD_HUGE_SHIFT;
    u32 const known = MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB | mfd_noexec_seal | mfd_exec | (flags & MFD_HUGETLB ? huge_size : 0);
    if (flags & ~known) return fail(EINVAL);
    if ((flags & mfd_exec) && (flags & mfd_noexec_seal)) return fail(EINVAL);
    constexpr std::string_view prefix = "memfd:";
    char text[fs::name_max + 1];
    prefix.copy(text, prefix.size());
    auto const name = TRY(mm::read_user_string(name_address, std::span(text).subspan(prefix.size()), EINVAL));
    if (flags & MFD_HUGETLB) return fail(ENOSYS);
    u32 seals = flags & (MFD_ALLOW_SEALING | mfd_noexec_seal) ? 0 : F_SEAL_SEAL;
    if (flags & mfd_noexec_seal) seals |= F_SEAL_EXEC;
    auto file = TRY(fs::make_memory_file({text, prefix.size() + name.size()}, flags & mfd_noexec_seal ? 0666 : 0777, seals, caller.process.credentials));
    return caller.thread.descriptors->add(std::move(file), flags & MFD_CLOEXEC ? fs::CloseOnExec::Yes : fs::CloseOnExec::No, descriptor_limit(caller));
}

}
