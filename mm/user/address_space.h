// SPDX-License-Identifier: MIT
// AddressSpace: a program's memory: VMAs in a tree, and page tables. lock_ (sleeping) protects the VMAs,
// page_table_lock_ the entries. fork shares pages copy-on-write; the first write copies the page, or reuses it in
// place if no one else holds the frame.
#pragma once

#include <algorithm>
#include <span>
#include <string_view>

#include <arch/fault_kind.h>
#include <arch/spin_lock.h>
#include <arch/tlb.h>

#include "kernel/sync/rw_lock.h"
#include "mm/page_table.h"
#include "mm/user/vm_counters.h"
#include "mm/user/vma_set.h"

namespace base { class Writer; }

namespace mm {

class TlbBatch;
enum class Writable : bool;

/// A decoded mmap(2) request.
struct MapRequest {
    enum class Placement : u8 { Anywhere, Hint, Fixed, FixedNoReplace };
    UserAddr address{};
    u64 size = 0;
    Placement placement = Placement::Anywhere;
    Protection protection{};
    Protection max_protection{true, true, true};   ///< the most mprotect may give (file opened read-only, shared)
    Sharing sharing = Sharing::Private;
    Ref<VmObject> object{};                        ///< null: anonymous
    u64 offset = 0;                                ///< bytes, page aligned
    u32 opening = 0;                               ///< which open file or attachment the object came by (VmaAttributes)
    VmaKind kind = VmaKind::Ordinary;
    bool no_reserve = false;
    bool populate = false;
    bool below_2_gib = false;                      ///< MAP_32BIT
    bool locked = false;                           ///< MAP_LOCKED
    u64 lock_limit = ~u64{0};                      ///< RLIMIT_MEMLOCK of the caller, bytes; checked if the mapping is locked from the start
};

using arch::FaultKind;
/// The outcome of a page fault. Signals are the caller's business.
enum class FaultResult : u8 { Handled, NotMapped, NotPermitted, PastEnd, OutOfMemory };   ///< then SEGV_MAPERR, SEGV_ACCERR, BUS_ADRERR, OOM

/// Locked memory refuses Cold, DontNeed and Free.
enum class Advice : u8 { Normal, Cold, DontNeed, DontNeedLocked, Free, WillNeed };

struct AddressSpaceLimits {
    u64 address_space = ~u64{0};   ///< RLIMIT_AS, bytes
    u64 data = ~u64{0};            ///< RLIMIT_DATA
    u64 stack = 8 * mib;           ///< RLIMIT_STACK
};

struct AddressSpaceStatistics {
    u64 mapped_pages = 0;      ///< VmSize
    u64 peak_mapped_pages = 0; ///< VmPeak
    u64 locked_pages = 0;      ///< VmLck
    u64 resident_pages = 0;    ///< VmRSS: anonymous + file + shared
    u64 peak_resident_pages = 0;   ///< VmHWM, ru_maxrss: the highest value so far
    u64 file_pages = 0, shared_pages = 0;
    u64 table_frames = 0;      ///< VmPTE
    u64 data_pages = 0, stack_pages = 0, text_pages = 0;
};

/// Where exec placed things; prctl and /proc read them. Protected by the space's lock.
struct ImageLayout {
    UserAddr code_start, code_end, data_start, data_end, heap_start, heap_end;
    UserAddr stack_start, arguments_start, arguments_end, environment_start, environment_end;
};

class AddressSpace : public RefCounted<AddressSpace> {
public:
    /// Makes an empty space. ENOMEM.
    static Result<Ref<AddressSpace>> create();
    /// Makes a copy-on-write copy for fork. ENOMEM leaves the original intact.
    Result<Ref<AddressSpace>> fork();
    ~AddressSpace();

    /// Loads this space / the kernel's own on the current CPU, when a thread changes or drops its space.
    void activate() { arch::tlb_load(tlb_); }
    static void deactivate() { arch::tlb_load_kernel(); }
    arch::TlbSpace& tlb_space() { return tlb_; }   ///< for ThreadContext::space

    // ---- mmap family. Addresses and sizes in bytes; errors as the man pages have them.
    Result<UserAddr> map(MapRequest const& request);                               ///< EINVAL ENOMEM EEXIST
    /// Checks the size and offset of a request. EINVAL ENOMEM EOVERFLOW.
    static Result<> check_size(MapRequest const& request) {
        if (request.size == 0 || !is_aligned(request.offset, page_size)) return fail(EINVAL);
        u64 const size = align_up(request.size, page_size);
        if (size == 0) return fail(ENOMEM);
        if (request.offset + size < request.offset) return fail(EOVERFLOW);
        return size > arch::user_space_end ? fail(ENOMEM) : Result<>();
    }
    Result<> unmap(UserAddr start, u64 size);                                      ///< EINVAL ENOMEM
    /// shmdt(2): unmaps what is left of the System V segment attached at `start`, and returns the segment. EINVAL.
    Result<Ref<VmObject>> detach(UserAddr start);
    /// `with_lower_end` (PROT_GROWSDOWN): the range begins where the stack begins.
    Result<> protect(UserAddr start, u64 size, Protection protection, bool with_lower_end = false);   ///< EACCES EINVAL ENOMEM
    enum class Move : u8 { Never, Maybe, Fixed };
    /// `lock_limit`, here and below: how many bytes the caller may have locked. EAGAIN EFAULT EINVAL ENOMEM.
    Result<UserAddr> remap(UserAddr start, u64 old_size, u64 new_size, Move move, UserAddr new_address, u64 lock_limit = ~u64{0});
    Result<> advise(UserAddr start, u64 size, Advice advice);
    /// msync: ENOMEM for holes; EBUSY: `invalidates`, and part of the range is locked.
    Result<> sync(UserAddr start, u64 size, bool invalidates);
    /// brk(2): returns the new break, or the old one if the request is impossible.
    UserAddr set_break(UserAddr wanted, u64 lock_limit = ~u64{0});
    /// mlock(2) munlock(2). EINVAL; ENOMEM: holes, unreadable memory, or over the limit; EAGAIN: no memory to fill
    /// it.
    Result<> lock_range(UserAddr start, u64 size, Locking locking, u64 lock_limit);
    /// mlockall(2): what is mapped now, and what will be mapped later (None: neither). ENOMEM: over the limit.
    Result<> lock_all(Locking locking, bool current, bool future, u64 lock_limit);
    void set_heap(UserAddr start);        ///< exec: the break's start
    void set_limits(AddressSpaceLimits const& limits);

    // ---- faults
    FaultResult handle_fault(UserAddr address, FaultKind kind);

    // ---- access from outside (exec's stack before the program runs, /proc/PID/cmdline): faults the page in, then
    // copies
    Result<> write(UserAddr to, std::span<std::byte const> bytes);                 ///< EFAULT ENOMEM
    Result<size_t> read(UserAddr from, std::span<std::byte> bytes);                ///< stops short at an unmapped page

    /// The identity of a shared futex word, as on Linux: the object shown at `address`, and in `offset` the word's
    /// byte in it; null: a page of this space's own. EFAULT: nothing is mapped there, or it is inaccessible, or it is
    /// a page of this space's own and read-only, so that it never changes.
    Result<Ref<VmObject>> shared_word_at(UserAddr address, u64& offset) const;

    /// True for a size that could never be backed: mapping or reserving `size` bytes is refused.
    static bool is_obvious_overcommit(u64 size);
    AddressSpaceStatistics statistics() const;
    void write_maps(base::Writer& out) const;     ///< /proc/PID/maps
    ImageLayout layout() const;
    void set_layout(ImageLayout const& layout);

    /// Where mmap starts to search downwards for space (exec: below the stack, less a random offset).
    void set_mmap_base(UserAddr base);

private:
    using Lock = sync::RwLock<LockRank::address_space>;
    using ReadGuard = Lock::ReadGuard;
    using WriteGuard = Lock::WriteGuard;
    using PageTableGuard = SpinLock<LockRank::page_table, PreemptOff>::Guard;
    /// One fault in progress. `entry` lies in a table that is this space's own. Such a table is freed or shared only
    /// with lock_ held for writing, so `entry` stays valid.
    struct Fault {
        Vma& vma;
        u64 page;
        FaultKind kind;
        arch::PageEntry* entry;   ///< null: its table is absent
        arch::PageEntry seen;     ///< the entry before page_table_lock_ was taken
    };

    explicit AddressSpace(PageTable table);
    /// Makes a space that no object knows of yet.
    static Result<Ref<AddressSpace>> create_silently();
    static Result<u64> checked_end(u64 start, u64 size);
    u64 resident(PageSource source) const { return resident_[static_cast<size_t>(source)]; }
    void count_resident(PageSource source, u64 pages) {
        resident_[static_cast<size_t>(source)] += pages;
        vm_events.resident[static_cast<size_t>(source)].add(pages);
    }
    u64 resident_pages() const { return resident(PageSource::Anonymous) + resident(PageSource::File) + resident(PageSource::Shared); }
    /// Called before pages are removed: the peak is computed where it ends, not at each page that is added.
    void note_peak(WriteGuard const&) REQUIRES(lock_) {
        peak_resident_ = std::max(peak_resident_, resident_pages());
        peak_mapped_ = std::max(peak_mapped_, vmas_.pages().total);
    }
    /// `entry` shows one page more (`sign` 1) or one less (`sign` ~0). The zero frame is in no resident set.
    void count_page(arch::PageEntry const& entry, PageSource source, u64 sign) {
        count_resident(source, sign);
        if (source == PageSource::File) FrameTables::record(entry).table.file_pages += static_cast<u32>(sign);
    }
    /// Called wherever tables were added or removed, with page_table_lock_ or with lock_ held for writing.
    void note_tables() {
        u64 const now = page_table_.table_frames();
        vm_events.table_frames.add(now - noted_tables_);
        noted_tables_ = now;
    }
    static void count_zero_page(arch::PageEntry const& entry, u64 sign) { FrameTables::record(entry).table.zero_pages += static_cast<u32>(sign); }
    void forget_last_found(WriteGuard const&) REQUIRES(lock_) { last_found_.store(nullptr, std::memory_order_relaxed); }

    // ---- map.cpp
    Result<u64> map_range(MapRequest const& request, u64 size, Ref<VmObject> object, bool& populates);
    Result<u64> choose_address(MapRequest const& request, u64 size, WriteGuard const&) REQUIRES(lock_);
    Result<> check_room(MapRequest const& request, u64 start, u64 size, WriteGuard const&) const REQUIRES(lock_);
    bool may_expand(u64 pages, u64 data_pages, WriteGuard const&) const REQUIRES(lock_);
    // ---- unmap.cpp
    Result<> unmap_range(u64 start, u64 end, RemovedVmas& removed, WriteGuard const&) REQUIRES(lock_);
    void zap_range(u64 start, u64 end, Sharing sharing, TlbBatch& batch, WriteGuard const&) REQUIRES(lock_);
    void free_tables(u64 start, u64 end, TlbBatch& batch, WriteGuard const&) REQUIRES(lock_);
    // ---- protect.cpp
    Result<> protect_piece(Vma& whole, u64 start, u64 end, Protection protection, TlbBatch& batch, WriteGuard const&) REQUIRES(lock_);
    void change_entries(Vma const& vma, Protection old, TlbBatch& batch, WriteGuard const&) REQUIRES(lock_);
    Result<u64> lower_end(u64 start, u64 end, WriteGuard const&) const REQUIRES(lock_);
    // ---- lock.cpp
    Result<> check_locked(u64 pages, u64 lock_limit, WriteGuard const&) const REQUIRES(lock_);
    Result<> lock_piece(Vma& whole, u64 start, u64 end, Locking locking, WriteGuard const&) REQUIRES(lock_);
    Result<> lock_pieces(u64 start, u64 end, Locking locking, WriteGuard const&) REQUIRES(lock_);
    Result<> fill_range(u64 start, u64 end, bool goes_on) EXCLUDES(lock_);
    Result<> fill(u64 start, u64 end, FaultKind kind);
    // ---- remap.cpp
    /// A decoded mremap request; sizes are whole pages.
    struct Resize {
        u64 start, old_size, new_size;
        Move move;
        u64 target, lock_limit;
    };
    Result<> check_resize(Vma const& vma, Resize const& resize, WriteGuard const&) const REQUIRES(lock_);
    Result<u64> remap_fixed(Resize resize, RemovedVmas& removed, WriteGuard const&) REQUIRES(lock_);
    Result<u64> remap_grow(Vma& vma, Resize const& resize, RemovedVmas& removed, WriteGuard const&) REQUIRES(lock_);
    Result<u64> remap_within(Resize const& resize, bool& is_locked) EXCLUDES(lock_);
    Result<u64> move_mapping(Vma& vma, u64 start, u64 old_size, u64 target, u64 new_size, RemovedVmas& removed, WriteGuard const&) REQUIRES(lock_);
    Result<> prepare_tables(u64 start, u64 size, u64 target, TlbBatch& batch, WriteGuard const&) REQUIRES(lock_);
    void move_entries(u64 start, u64 size, u64 target, Sharing sharing, TlbBatch& batch, WriteGuard const&) REQUIRES(lock_);
    // ---- brk.cpp
    Result<> grow_heap(u64 old_end, u64 new_end, u64 lock_limit, WriteGuard const&) REQUIRES(lock_);
    UserAddr move_break(UserAddr wanted, u64 lock_limit, u64& old_end, bool& fills) EXCLUDES(lock_);
    // ---- advise.cpp
    template <class Action>
    Result<> for_each_mapped(u64 start, u64 end, Action&& act) const REQUIRES_SHARED(lock_);
    // ---- page_fault.cpp
    Vma* find_vma(u64 address) const REQUIRES_SHARED(lock_);
    FaultResult resolve_fault(Vma& vma, u64 page, FaultKind kind) REQUIRES_SHARED(lock_);
    FaultResult map_anonymous(Fault const& fault) REQUIRES_SHARED(lock_);
    FaultResult map_object(Fault const& fault) REQUIRES_SHARED(lock_);
    FaultResult map_private_copy(Fault const& fault, FrameRef const& original) REQUIRES_SHARED(lock_);
    arch::PageEntry* absent_entry(Fault const& fault, PageTableGuard const&, FaultResult& result) REQUIRES_SHARED(lock_) REQUIRES(page_table_lock_);
    FaultResult install(Fault const& fault, FrameRef frame, Writable writable, PageSource source, arch::PerCpu<u64>& counter) REQUIRES_SHARED(lock_);
    FaultResult install_zero_frame(Fault const& fault) REQUIRES_SHARED(lock_);
    bool grow_stack(u64 page) EXCLUDES(lock_);
    // ---- copy_on_write.cpp
    static Result<FrameRef> copy_frame(PhysAddr original);
    static arch::PerCpu<u64>& copy_counter(PhysAddr original);
    FaultResult make_writable(Fault const& fault) REQUIRES_SHARED(lock_);
    FaultResult make_shared_writable(Fault const& fault) REQUIRES_SHARED(lock_);
    FaultResult reuse_in_place(Fault const& fault) REQUIRES_SHARED(lock_);
    FaultResult replace(Fault const& fault, FrameRef frame, PageSource source, arch::PerCpu<u64>& counter) REQUIRES_SHARED(lock_);
    Result<> copy_from(AddressSpace const& parent) REQUIRES(parent.lock_);
    void begin_showing();
    struct TableVerdict;
    Result<> share_pages(Vma const& vma, AddressSpace& child, TableVerdict& verdict, TlbBatch& batch, WriteGuard const&) REQUIRES(lock_);
    Result<> copy_entries(arch::PageEntry directory, u64 first, u64 last, AddressSpace& child, TlbBatch& batch, WriteGuard const&) REQUIRES(lock_);
    // ---- shared_tables.cpp
    bool is_worth_sharing(arch::PageEntry directory, u64 base, WriteGuard const&) const REQUIRES(lock_);
    Result<> share_table(arch::PageEntry& directory, u64 base, AddressSpace& child, TlbBatch& batch, WriteGuard const&) REQUIRES(lock_);
    Result<Frame*> own_table(arch::PageEntry& directory, Urgency urgency = Urgency::Kernel);
    FaultResult own_table_for_fault(u64 page) REQUIRES_SHARED(lock_);
    Result<> own_table_of(u64 address, TlbBatch& batch, WriteGuard const&, Urgency urgency = Urgency::Kernel) REQUIRES(lock_);
    Result<> own_tables(u64 start, u64 end, TlbBatch& batch, WriteGuard const&) REQUIRES(lock_);
    Result<> own_edges(u64 start, u64 end, TlbBatch& batch, WriteGuard const&, Urgency urgency = Urgency::Kernel) REQUIRES(lock_);
    void drop_shared_tables(u64 start, u64 end, TlbBatch& batch, WriteGuard const&) REQUIRES(lock_);
    // ---- truncate.cpp
    friend VmObject;
    bool forget_pages(VmObject& object, Mapping& mark, u64 first) EXCLUDES(lock_);
    // ---- maps.cpp
    std::string_view name_of(Vma const& vma, ReadGuard const&) const REQUIRES_SHARED(lock_);
    // ---- remote_access.cpp
    Result<FrameRef> pin_page(u64 page, FaultKind kind);
    bool shows_copy(u64 page) const REQUIRES_SHARED(lock_);

    mutable Lock lock_;
    VmaSet vmas_ GUARDED_BY(lock_);
    AddressSpaceLimits limits_ GUARDED_BY(lock_);
    ImageLayout layout_ GUARDED_BY(lock_);
    u64 heap_start_ GUARDED_BY(lock_) = 0;
    u64 break_ GUARDED_BY(lock_) = 0;
    /// A guess for find_vma: written with lock_ held for reading, cleared with lock_ held for writing. Ordering:
    /// relaxed; it is followed only with lock_ held.
    mutable std::atomic<Vma*> last_found_{nullptr};

    // A writer of lock_ is exclusive; a reader takes page_table_lock_ to change an entry.
    // Tables are freed only with lock_ held for writing, so a reader may walk them without page_table_lock_. But leaf
    // tables that may be shared (shared_tables.h) are replaced with lock_ held for reading and page_table_lock_.
    mutable SpinLock<LockRank::page_table, PreemptOff> page_table_lock_;
    PageTable page_table_;
    u64 noted_tables_ = 0;   ///< this many of the tables are counted in vm_events.table_frames; protected as the tables are
    /// At some time a fork has shared a leaf table with or from this space. Written with lock_ held for writing.
    bool may_share_tables_ = false;
    arch::TlbSpace tlb_;
    /// Pages that the entries show, by PageSource. Written under page_table_lock_ or with lock_ held for writing.
    u64 resident_[3] = {};
    /// The largest sum of them when pages were last removed. Written with lock_ held for writing.
    u64 peak_resident_ GUARDED_BY(lock_) = 0;
    u64 peak_mapped_ GUARDED_BY(lock_) = 0;
    Locking future_locking_ GUARDED_BY(lock_) = Locking::None;   ///< MCL_FUTURE: how later mappings are locked
};

/// The zero frame, mapped read-only wherever a program reads memory it has never written.
FrameRef zero_frame();
/// Called once at boot.
void initialize_user_memory();

inline Vma* AddressSpace::find_vma(u64 address) const {
    Vma* const guess = last_found_.load(std::memory_order_relaxed);
    if (guess && guess->contains(address)) [[likely]] return guess;
    Vma* const vma = vmas_.find(address);
    if (vma) last_found_.store(vma, std::memory_order_relaxed);
    return vma;
}

}
