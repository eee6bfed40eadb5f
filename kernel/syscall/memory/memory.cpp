// SPDX-License-Identifier: MIT
// A program's memory: mmap(2) munmap(2) mprotect(2) mremap(2) madvise(2) msync(2) brk(2) mlock(2).
#include <linux/mman.h>
#include <asm/mman.h>
#include <linux/fcntl.h>
#include <asm/resource.h>

#include "kernel/syscall/arguments.h"
#include "kernel/syscall/flags.h"
#include "kernel/syscall/memory/memory.h"

namespace syscall {
namespace {

mm::Protection decode_protection(u64 protection) {
    return {(protection & PROT_READ) != 0, (protection & PROT_WRITE) != 0, (protection & PROT_EXEC) != 0};
}

mm::MapRequest::Placement decode_placement(u64 flags, u64 address) {
    using enum mm::MapRequest::Placement;
    if (flags & MAP_FIXED_NOREPLACE) return FixedNoReplace;
    if (flags & MAP_FIXED) return Fixed;
    return address ? Hint : Anywhere;
}

/// A file ends here at the latest: off_t.
constexpr u64 largest_file = ~u64{0} >> 1;

/// What a mapping of a file must have: the flags that MAP_SHARED_VALIDATE lets through, rights of the descriptor. In the
/// order in which Linux looks. EOVERFLOW EOPNOTSUPP EACCES EINVAL.
Result<> check_file(fs::File const& file, mm::MapRequest const& request, u64 flags) {
    u64 const size = align_up(request.size, page_size);
    if (size > largest_file || request.offset > largest_file - size) return fail(EOVERFLOW);
    u64 const type = flags & MAP_TYPE;
    // Advice, or ignored by Linux too: DENYWRITE EXECUTABLE STACK LOCKED NONBLOCK UNINITIALIZED.
    // Sizes of huge pages mean something only with MAP_HUGETLB.
    constexpr u64 huge_sizes = MAP_HUGE_2MB | MAP_HUGE_1GB;
    constexpr u64 validated = MAP_TYPE | MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_POPULATE | MAP_32BIT | huge_sizes
                              | MAP_DENYWRITE | MAP_EXECUTABLE | MAP_STACK | MAP_LOCKED | MAP_NONBLOCK | MAP_GROWSDOWN;
    if (type == MAP_SHARED_VALIDATE && (flags & ~validated)) return fail(EOPNOTSUPP);
    if (type != MAP_PRIVATE && type != MAP_SHARED && type != MAP_SHARED_VALIDATE) return fail(EINVAL);
    if (type != MAP_PRIVATE && request.protection.write && !file.is_writable()) return fail(EACCES);
    return file.is_readable() ? Result<>() : fail(EACCES);
}

/// Maps what the descriptor gives, as it allows. EBADF EACCES EPERM ENODEV, and map()'s.
Result<UserAddr> map_file(Caller& caller, mm::MapRequest& request, Fd fd, u64 flags) {
    auto file = TRY(usable_file(caller, fd));
    if (flags & MAP_HUGETLB) return fail(EINVAL);
    TRY(mm::AddressSpace::check_size(request));
    TRY(check_file(*file, request, flags));
    if (auto const inode = file->inode(); inode && inode->file_system().flags().has(fs::MountFlags::noexec)) {
        if (request.protection.execute) return fail(EPERM);
        request.max_protection.execute = false;
    }
    request.object = TRY(file->vm_object());
    request.opening = file->opening();
    if (flags & MAP_GROWSDOWN) return fail(EINVAL);
    bool const is_shared = request.sharing == mm::Sharing::Shared;
    if (is_shared) request.max_protection.write = TRY(request.object->begin_sharing(request.protection.write, file->is_writable()));
    auto const mapped = caller.process.address_space->map(request);
    if (is_shared && request.max_protection.write) request.object->end_sharing();
    // As on Linux a mapping counts as a look at the file.
    if (auto* const inode = file->inode(); mapped && inode && inode->type() == fs::FileType::Regular && !(file->flags() & O_NOATIME))
        inode->touch_accessed();
    return mapped;
}

/// How many bytes the caller may have locked.
u64 lock_limit(Caller const& caller) {
    return caller.process.credentials.is_privileged() ? ~u64{0} : caller.process.limits[RLIMIT_MEMLOCK].soft;
}

}

Result<UserAddr> sys_mmap(Caller& caller, u64 address, u64 size, u64 protection, u64 flags, Fd fd, u64 offset) {
    u64 const type = flags & MAP_TYPE;
    if (offset & page_mask) return fail(EINVAL);
    mm::MapRequest request;
    request.address = UserAddr(address);
    request.size = size;
    request.placement = decode_placement(flags, address);
    request.protection = decode_protection(protection);
    request.sharing = type == MAP_PRIVATE ? mm::Sharing::Private : mm::Sharing::Shared;
    request.offset = offset;
    request.no_reserve = flags & MAP_NORESERVE;
    request.below_2_gib = flags & MAP_32BIT;
    request.populate = (flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE;
    request.locked = flags & MAP_LOCKED;
    request.lock_limit = lock_limit(caller);
    if (!(flags & MAP_ANONYMOUS)) return map_file(caller, request, fd, flags);
    // What MAP_SHARED_VALIDATE would look at is a file's.
    if (type != MAP_PRIVATE && type != MAP_SHARED) return fail(EINVAL);
    if (flags & MAP_HUGETLB) return fail(EINVAL);
    if (flags & MAP_GROWSDOWN) {
        if (type == MAP_SHARED) return fail(EINVAL);
        request.kind = mm::VmaKind::Stack;
    }
    request.offset = 0;   // shared: map() makes the object, after it has looked at the room
    return caller.process.address_space->map(request);
}

Result<> sys_munmap(Caller& caller, u64 address, u64 size) { return caller.process.address_space->unmap(UserAddr(address), size); }

Result<> sys_mprotect(Caller& caller, u64 address, u64 size, u64 protection) {
    u64 const growth = protection & (PROT_GROWSDOWN | PROT_GROWSUP);
    if (growth == (PROT_GROWSDOWN | PROT_GROWSUP) || (address & page_mask)) return fail(EINVAL);
    if (size == 0) return {};      // whatever the rights are
    if (align_up(size, page_size) < size) return fail(ENOMEM);
    TRY(accepted::mprotect.check(protection));
    return caller.process.address_space->protect(UserAddr(address), size, decode_protection(protection), growth & PROT_GROWSDOWN);
}

Result<UserAddr> sys_mremap(Caller& caller, u64 address, u64 old_size, u64 new_size, u64 flags, u64 new_address) {
    using enum mm::AddressSpace::Move;
    TRY(accepted::mremap.check(flags));
    if ((flags & MREMAP_FIXED) && !(flags & MREMAP_MAYMOVE)) return fail(EINVAL);
    auto const move = flags & MREMAP_FIXED ? Fixed : flags & MREMAP_MAYMOVE ? Maybe : Never;
    return caller.process.address_space->remap(UserAddr(address), old_size, new_size, move, UserAddr(new_address), lock_limit(caller));
}

Result<> sys_madvise(Caller& caller, u64 address, u64 size, int advice) {
    TRY(accepted::madvise.check(static_cast<u32>(advice)));
    mm::Advice decoded;
    switch (advice) {
    case MADV_NORMAL: case MADV_RANDOM: case MADV_SEQUENTIAL: case MADV_HUGEPAGE: case MADV_NOHUGEPAGE:
    case MADV_DONTDUMP: case MADV_DODUMP: decoded = mm::Advice::Normal; break;
    case MADV_COLD: decoded = mm::Advice::Cold; break;
    case MADV_WILLNEED: decoded = mm::Advice::WillNeed; break;
    case MADV_DONTNEED: decoded = mm::Advice::DontNeed; break;
    case MADV_DONTNEED_LOCKED: decoded = mm::Advice::DontNeedLocked; break;
    case MADV_FREE: decoded = mm::Advice::Free; break;
    default: return fail(EINVAL);
    }
    return caller.process.address_space->advise(UserAddr(address), size, decoded);
}

Result<> sys_msync(Caller& caller, u64 address, u64 size, u32 flags) {
    TRY(accepted::msync.check(flags));
    if ((flags & MS_ASYNC) && (flags & MS_SYNC)) return fail(EINVAL);
    return caller.process.address_space->sync(UserAddr(address), size, flags & MS_INVALIDATE);
}

Result<UserAddr> sys_brk(Caller& caller, UserAddr wanted) { return caller.process.address_space->set_break(wanted, lock_limit(caller)); }

Result<> sys_mlock(Caller& caller, u64 address, u64 size) { return sys_mlock2(caller, address, size, 0); }

Result<> sys_mlock2(Caller& caller, u64 address, u64 size, u32 flags) {
    TRY(accepted::mlock2.check(flags));
    u64 const limit = lock_limit(caller);
    if (limit == 0) return fail(EPERM);
    auto const locking = flags & MLOCK_ONFAULT ? mm::Locking::OnFault : mm::Locking::Locked;
    return caller.process.address_space->lock_range(UserAddr(address), size, locking, limit);
}

Result<> sys_munlock(Caller& caller, u64 address, u64 size) {
    return caller.process.address_space->lock_range(UserAddr(address), size, mm::Locking::None, ~u64{0});
}

Result<> sys_mlockall(Caller& caller, u32 flags) {
    TRY(accepted::mlockall.check(flags));
    if (!(flags & (MCL_CURRENT | MCL_FUTURE))) return fail(EINVAL);
    u64 const limit = lock_limit(caller);
    if (limit == 0) return fail(EPERM);
    auto const locking = flags & MCL_ONFAULT ? mm::Locking::OnFault : mm::Locking::Locked;
    return caller.process.address_space->lock_all(locking, flags & MCL_CURRENT, flags & MCL_FUTURE, limit);
}

Result<> sys_munlockall(Caller& caller) { return caller.process.address_space->lock_all(mm::Locking::None, false, false, ~u64{0}); }

}
