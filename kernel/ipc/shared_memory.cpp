// SPDX-License-Identifier: MIT
// Shared memory segments. users_ counts VMAs and shmat calls in progress; when it falls to 0 in a segment marked by IPC_RMID, the
// segment leaves the table. `removed` is set at that moment, so that nobody can attach it any more.
#include "kernel/ipc/shared_memory.h"

#include <base/format.h>

#include "mm/user/address_space.h"

namespace ipc {

constinit Segments segments;

Result<Ref<Segment>> make_segment(Requester const& who, i32 key, u64 size, u32 flags) {
    if (size == 0 || size > shmmax.load(std::memory_order_relaxed)) return fail(EINVAL);
    if (flags & shm_hugetlb) return fail(EINVAL);              // as Linux answers if there are no huge pages of that size
    if (size > arch::user_space_end) return fail(ENOMEM);
    if (!(flags & shm_noreserve) && mm::AddressSpace::is_obvious_overcommit(size)) return fail(ENOMEM);
    static constinit std::atomic<u64> pages{0};                // in all segments
    auto share = TRY(Share::of(pages, align_up(size, page_size) / page_size, shmall.load(std::memory_order_relaxed)));
    auto memory = TRY(mm::make_anonymous_object(size));
    return mm::make_ref<Segment>(who, key, flags, size, std::move(memory), std::move(share));
}

void Segment::describe(base::Writer& out) const { base::format_to(out, "/SYSV{:08x} (deleted)", static_cast<u32>(first_key_)); }

void Segment::mapped(bool added, bool) {
    if (!added) return drop_user();
    Locked guard(lock);
    ++users_;
    attached_s_ = now_seconds();
}

/// True: it was the last use of a removed segment, which nobody can attach any more. `lock` is held.
bool Segment::end_use() {
    bool const last = --users_ == 0 && (mode & shm_dest);
    if (last) removed = true;
    return last;
}

/// The caller holds a reference, so the table's reference, if it is dropped here, is not the last.
void Segment::drop_user() {
    bool last;
    {
        Locked guard(lock);
        detached_s_ = now_seconds();
        last = end_use();
    }
    if (last) (void)segments.remove(*this);
}

Result<u32> Segment::hold(Requester const& who, u32 rights) {
    Locked guard(lock);
    TRY(permit(who, rights));
    if (removed) return fail(EIDRM);
    ++users_;
    return ++attachments_;
}

void Segment::release_hold(Pid user) {
    bool last;
    {
        Locked guard(lock);
        if (users_ > 1) last_user_ = user;
        last = end_use();
    }
    if (last) (void)segments.remove(*this);
}

void Segment::set_last_user(Pid user) {
    Locked guard(lock);
    last_user_ = user;
}

Result<shmid64_ds> Segment::status(Requester const& who, bool check_rights) {
    shmid64_ds out{};
    Locked guard(lock);
    if (check_rights) TRY(permit(who, may_read_all));
    if (removed) return fail(EIDRM);
    out.shm_perm = Identity::describe();
    out.shm_segsz = size_;
    out.shm_atime = attached_s_;
    out.shm_dtime = detached_s_;
    out.shm_ctime = changed_s;
    out.shm_cpid = creator_.value;
    out.shm_lpid = last_user_.value;
    out.shm_nattch = users_;
    return out;
}

Result<> Segment::change(shmid64_ds const& to, Requester const& who) {
    Locked guard(lock);
    TRY(permit_control(who));
    if (removed) return fail(EIDRM);
    return Identity::change(to.shm_perm);
}

Result<> Segment::set_locked(bool locked, Requester const& who) {
    Locked guard(lock);
    TRY(permit_control(who));
    mode = locked ? mode | shm_locked : mode & ~shm_locked;
    return {};
}

Result<> Segment::mark_removed(Requester const& who) {
    bool unused;
    {
        Locked guard(lock);
        TRY(permit_control(who));
        if (removed) return fail(EIDRM);
        mode |= shm_dest;
        unused = users_ == 0;
        removed = unused;
    }
    if (unused) (void)segments.remove(*this);
    else segments.forget_key(*this);
    return {};
}

void Segment::write_line(base::Writer& out) {
    u64 const resident = resident_pages() * page_size;
    Locked guard(lock);
    if (removed) return;
    base::format_to(out, "{:>10} {:>10}  {:>4o} {:>21} {:>5} {:>5}  {:>5} {:>5} {:>5} {:>5} {:>5} {:>10} {:>10} {:>10} {:>21} {:>21}\n", key, id,
                    mode, size_, creator_.value, last_user_.value, users_, uid.value,
                    gid.value, creator_uid.value, creator_gid.value, attached_s_, detached_s_, changed_s, resident, 0);
}

}
