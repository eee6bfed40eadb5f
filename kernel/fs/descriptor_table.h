// SPDX-License-Identifier: MIT
// The descriptors of a process: numbers to open file descriptions, with CLOEXEC.
// Shared by threads; copied by fork. Under one spin lock; a File's destructor never runs
// under it. Up to 64 descriptors live in the table itself, more in a heap block.
#pragma once

#include <optional>

#include "kernel/fs/file.h"

namespace fs {

enum class CloseOnExec : u8 { No, Yes };

class DescriptorTable : public RefCounted<DescriptorTable> {
public:
    static Result<Ref<DescriptorTable>> create();
    Result<Ref<DescriptorTable>> copy() const;                    ///< fork
    ~DescriptorTable();

    /// EBADF.
    Result<Ref<File>> get(Fd fd) const {
        u32 const number = static_cast<u32>(fd.value);
        Locked guard(lock_);
        if (number >= capacity_ || !(used()[number / word_bits] >> (number % word_bits) & 1)) [[unlikely]] return fail(EBADF);
        return Ref<File>::share(files_[number]);
    }
    /// The lowest free number from `lowest` on, below `limit` (RLIMIT_NOFILE): EMFILE; EINVAL if `lowest` is not below it.
    Result<Fd> add(Ref<File> file, CloseOnExec close_on_exec, u32 limit, Fd lowest = Fd(0));
    /// dup2/dup3: closes what was there. EBADF when beyond the limit.
    Result<> replace(Fd fd, Ref<File> file, CloseOnExec close_on_exec, u32 limit);
    Result<> close(Fd fd);                                        ///< EBADF
    void close_if(Fd fd, File const& file);                       ///< closes `fd` unless another thread has replaced its file
    Result<> close_range(u32 first, u32 last);                    ///< EINVAL
    Result<> set_close_on_exec_range(u32 first, u32 last);        ///< CLOSE_RANGE_CLOEXEC
    void close_on_exec();
    void close_all();
    Result<CloseOnExec> close_on_exec_flag(Fd fd) const;
    Result<> set_close_on_exec(Fd fd, CloseOnExec value);
    /// The lowest used number from `from` on (/proc/PID/fd), or nothing.
    std::optional<Fd> next_used(Fd from) const;
    u64 held_pages() const;                                       ///< the sum over its files
    u32 capacity() const;                                         ///< FDSize of /proc/PID/status

    MM_OBJECT_CACHE(DescriptorTable)
private:
    friend Result<Ref<DescriptorTable>> mm::make_ref<DescriptorTable>();
    friend Result<DescriptorTable*> mm::make<DescriptorTable>();
    using Lock = SpinLock<LockRank::open_files, PreemptOff>;
    using Guard = Lock::Guard;
    static constexpr u32 word_bits = 64, inline_capacity = 64;

    DescriptorTable() = default;
    // After the files, in the same block: a bit for each number that is in use, then a bit for each number's CLOEXEC.
    u64* used() const REQUIRES(lock_) { return reinterpret_cast<u64*>(files_ + capacity_); }
    u64* on_exec() const REQUIRES(lock_) { return used() + capacity_ / word_bits; }
    u32 first_free(u32 from) const REQUIRES(lock_);
    bool is_used(u32 number) const REQUIRES(lock_) { return number < capacity_ && (used()[number / word_bits] >> (number % word_bits) & 1); }
    void put(u32 number, File* file, CloseOnExec close_on_exec) REQUIRES(lock_);
    Ref<File> take(u32 number) REQUIRES(lock_);
    Result<> reserve(u32 count);
    u32 next_used_number(u32 from) const REQUIRES(lock_);
    u32 end_of_used() const REQUIRES(lock_);      ///< one more than the highest number in use
    void copy_into(DescriptorTable& to, u32 end) const REQUIRES(lock_);
    enum class Which : u8 { All, OnExec };
    void close_each(u32 first, u32 last, Which which);

    struct Inline { File* files[inline_capacity]; u64 used[1] = {}; u64 on_exec[1] = {}; };
    static_assert(sizeof(Inline) == inline_capacity * sizeof(File*) + 2 * sizeof(u64));

    mutable Lock lock_;
    u32 capacity_ GUARDED_BY(lock_) = inline_capacity;
    u32 lowest_free_ GUARDED_BY(lock_) = 0;      ///< no free number is below
    File** files_ GUARDED_BY(lock_) = inline_.files;
    Inline inline_ GUARDED_BY(lock_);
};

}
