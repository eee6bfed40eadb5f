// SPDX-License-Identifier: MIT
// System V shared memory: shmget(2) shmop(2) shmctl(2). A segment is a VmObject over anonymous memory. Its attachments are
// the VMAs that map it; they notify the segment when they begin and end (fork, exec, exit, munmap). A removed segment
// stays until the last attachment ends.
#pragma once

#include <asm/shmbuf.h>

#include "kernel/ipc/ids.h"
#include "mm/user/vm_object.h"

namespace ipc {

// <linux/shm.h> defines these, but it includes the C library's unistd.h.
inline constexpr u32 shm_rdonly = 010000, shm_rnd = 020000, shm_remap = 040000, shm_exec = 0100000;   ///< shmat
inline constexpr u32 shm_hugetlb = 04000, shm_noreserve = 010000;                                     ///< shmget
inline constexpr u32 shm_dest = 01000, shm_locked = 02000;                                            ///< in the mode shown
inline constexpr u32 shm_lock = 11, shm_unlock = 12, shm_stat = 13, shm_info_command = 14, shm_stat_any = 15;

class Segment final : public mm::VmObject, public Identity {
public:
    Segment(Requester const& who, i32 first_key, u32 flags, u64 size, Ref<mm::VmObject> memory, Share share)
        : Identity(who, flags), first_key_(first_key), share_(std::move(share)), size_(size), memory_(std::move(memory)), creator_(who.pid) {}

    Result<mm::FrameRef> page(u64 index, mm::Access access) override { return memory_->page(index, access); }
    /// Named by the key that it was made with, even if that key is free again.
    void describe(base::Writer& out) const override;
    u64 device() const override { return 1; }
    u64 inode_number() const override { return static_cast<u64>(id); }
    u64 segment_size() const override { return align_up(size_, page_size); }
    u64 resident_pages() override { return memory_->resident_pages(); }
    void mapped(bool added, bool writable) override;

    u64 size() const { return size_; }
    /// Begins a shmat(2): checks the rights and keeps the segment until release_hold(); returns the attachment's number. EACCES EIDRM.
    Result<u32> hold(Requester const& who, u32 rights);
    void release_hold(Pid user);
    void set_last_user(Pid user);
    Result<shmid64_ds> status(Requester const& who, bool check_rights);
    Result<> change(shmid64_ds const& to, Requester const& who);
    /// SHM_LOCK, SHM_UNLOCK: nothing is ever swapped, so only the mode changes. EPERM.
    Result<> set_locked(bool locked, Requester const& who);
    Result<> mark_removed(Requester const& who);
    void write_line(base::Writer& out);
    Segment* next_in_bucket = nullptr;           ///< used by the table

private:
    void drop_user();
    bool end_use() REQUIRES(lock);

    i32 const first_key_;
    Share const share_;                          ///< of the limit shmall
    u64 const size_;                             ///< bytes, as asked for
    Ref<mm::VmObject> const memory_;
    Pid const creator_;
    u64 users_ GUARDED_BY(lock) = 0;                              ///< VMAs, and shmat calls in progress
    u32 attachments_ GUARDED_BY(lock) = 0;                        ///< the number of shmat calls so far
    i64 attached_s_ GUARDED_BY(lock) = 0, detached_s_ GUARDED_BY(lock) = 0;
    Pid last_user_ GUARDED_BY(lock);
};

using Segments = IdTable<Segment, shmmni>;
extern constinit Segments segments;

/// EINVAL ENOSPC ENOMEM.
Result<Ref<Segment>> make_segment(Requester const& who, i32 key, u64 size, u32 flags);

}
