// SPDX-License-Identifier: MIT
// Dentry: one name in the tree; Names: the table of one directory. In tmpfs the tree is the
// store: a table pins its dentries. Every change of names, parents and mounts holds
// tree_lock and the spin lock of each table it touches; a lookup holds only the table's.
// So a holder of either may read. No sleeping lock is needed: nothing here waits.
#pragma once

#include <base/intrusive.h>

#include "kernel/fs/inode.h"
#include "kernel/fs/name_hash.h"
#include "mm/heap.h"
#include "mm/slab.h"

namespace fs {

inline constexpr size_t name_max = 255;       ///< bytes in one name
inline constexpr size_t path_max = 4096;      ///< bytes in a path, with its NUL

/// A copy of a name, because a rename may change the original.
struct NameCopy {
    char text[name_max + 1];
    u8 length = 0;
    void assign(std::string_view from);
    operator std::string_view() const { return {text, length}; }
};

/// Storage of a name: a short one lies in place, a longer one on the heap.
class NameText {
public:
    constexpr NameText() = default;
    NameText(NameText const&) = delete;
    ~NameText() { if (!is_inline()) mm::heap_free(heap_); }
    Result<> assign(std::string_view text);   ///< ENOMEM; only once
    std::string_view view() const { return {is_inline() ? inline_ : heap_, length_}; }
    void swap(NameText& other);
private:
    static constexpr size_t inline_capacity = 32;
    bool is_inline() const { return length_ <= inline_capacity; }
    u8 length_ = 0;
    union {
        char inline_[inline_capacity] = {};
        char* heap_;
    };
};

/// One name in the tree. Keeps its parent and its inode alive.
class Dentry : public RefCounted<Dentry> {
public:
    /// A root, or a name outside any tree ("pipe:[7]"): its own parent. ENOMEM.
    static Result<Ref<Dentry>> create_root(Ref<Inode> inode, std::string_view name = {});
    /// A name below `parent` that is not entered in its table yet. ENOMEM.
    static Result<Ref<Dentry>> create(Dentry& parent, std::string_view name, Ref<Inode> inode);

    NameCopy name() const;
    Ref<Inode> inode() const { return inode_; }   ///< never null for a Ref<Dentry> the vfs gave out
    Inode& file() const { return *inode_; }       ///< the same without a reference
    Ref<Dentry> parent() const;                   ///< the root of the tree is its own; crosses mounts
    bool is_unlinked() const { return unlinked_.load(std::memory_order_relaxed); }
    bool is_root() const { return parent_ == nullptr; }
    /// The absolute path as seen from `root`; if `root` is not above it, the path from the top, after "(unreachable)" if
    /// `mark_unreachable`. `mark_deleted` appends " (deleted)" to an unlinked name. A name outside any tree is given as it is.
    /// ENAMETOOLONG.
    Result<std::string_view> path(Dentry const& root, std::span<char> buffer, bool mark_deleted, bool mark_unreachable = false) const;
    /// A name of `inode`: one that is in a directory if there is one, else one that was in a directory; or null.
    static Ref<Dentry> alias_of(Inode& inode);
    void destroy();

    MM_OBJECT_CACHE(Dentry)
private:
    friend class Names;
    friend class Vfs;
    friend struct TreeEdit;
    friend class PathWalker;
    friend class ListingBatch;
    Dentry() = default;
    ~Dentry() = default;
    // Under tree_lock:
    enum class AliasPlace : u8 { First, Last };
    void join_aliases(AliasPlace place);
    void leave_aliases();
    void set_unlinked();

    /// Owns a reference; null at a root. Written under tree_lock; that of a directory in a tree also under moving_lock
    /// (tree_edit.cpp).
    Dentry* parent_ = nullptr;
    Ref<Inode> inode_;                        ///< never changes
    std::atomic<Dentry*> mounted_{nullptr};   ///< root mounted on this name, owns a reference; written under tree_lock
    Dentry* covered_ = nullptr;               ///< at a mounted root: the mount point, owns a reference. tree_lock
    Dentry* next_in_bucket_ = nullptr;        ///< tree_lock and the table's lock
    base::TreeHook listing_hook_;             ///< tree_lock
    Dentry* next_alias_ = nullptr;            ///< the ring of the inode's names, those in a directory first. tree_lock
    Dentry* previous_alias_ = nullptr;        ///< the same ring backwards; both null at a root. tree_lock
    u64 sequence_ = 0;                        ///< place in listings. tree_lock
    u32 hash_ = 0;                            ///< of name_, with the same locks
    std::atomic<bool> unlinked_{false};
    NameText name_;                           ///< tree_lock and the table's lock; read under either
};

/// Entries of a directory, copied a few at a time for a listing.
class ListingBatch {
public:
    /// False: no room is left. Under tree_lock.
    bool add(Dentry const& dentry);
    /// The next entry; false: there is none.
    bool next(DirectoryEntry& entry);
private:
    struct Header { u64 inode, sequence; FileType type; u8 length; };
    static constexpr size_t capacity = 512;
    static size_t size_of(size_t name_length) { return align_up(sizeof(Header) + name_length, alignof(Header)); }
    alignas(Header) std::byte bytes_[capacity];
    size_t used_ = 0, taken_ = 0;
};

/// The names of one directory: a hash table that grows a few buckets at a time, and the
/// order of creation for listings (offsets stay valid while names come and go).
class Names {
public:
    Names() = default;
    ~Names();

    /// The dentry of `name` with a reference, or null. Takes the table's lock.
    Ref<Dentry> find(std::string_view name, u32 hash) const {
        {
            Locked guard(lock_);
            if (Dentry* d = probe(name, hash)) [[likely]] return Ref<Dentry>::share(d);
        }
        return find_settled(name, hash);
    }

    // ---- the caller holds tree_lock
    Dentry* peek(std::string_view name, u32 hash) const { return probe(name, hash); }
    bool is_empty() const { return count_ == 0; }
    u32 count() const { return count_; }
    bool is_dead() const { return dead_; }
    void retire() { dead_ = true; }           ///< the directory is being removed: nothing can be entered
    /// Takes over a reference.
    void insert(Dentry& dentry);
    /// Gives that reference back to the caller.
    Ref<Dentry> remove(Dentry& dentry);
    /// Puts `with` in the place of `old`: a lookup sees one or the other. Gives back the reference to `old`.
    Ref<Dentry> replace(Dentry& old, Dentry& with);
    /// The first dentry whose place in listings is at least `sequence`, or null.
    Dentry* at_or_after(u64 sequence) const;

    /// Copies the entries from place `first` up to, but not including, place `end`, until the batch is full. Takes tree_lock.
    void copy(u64 first, u64 end, ListingBatch& batch) const;
    /// The place in listings that the next new name gets. Takes tree_lock.
    u64 end_of_listing() const;

    /// Makes room after insertions; may sleep. Takes the locks it needs. Failure costs only speed.
    void grow();

    static constexpr u64 first_sequence = 2;  ///< 0 and 1 are "." and ".."

private:
    struct Sequence { using type = u64; u64 operator()(Dentry const& d) const { return d.sequence_; } };
    Dentry* probe(std::string_view name, u32 hash) const {
        for (Dentry* d = *bucket_of(hash); d; d = d->next_in_bucket_)
            if (d->hash_ == hash && is_same_name(d->name_.view(), name)) return d;
        return nullptr;
    }
    Dentry** bucket_of(u32 hash) const {
        if (old_buckets_ && (hash & old_mask_) >= migrated_) [[unlikely]] return &old_buckets_[hash & old_mask_];
        return &buckets_[hash & mask_];
    }
    Ref<Dentry> find_settled(std::string_view name, u32 hash) const;
    void link(Dentry& dentry);
    void unlink(Dentry& dentry);
    void migrate(u32 buckets);

    mutable SpinLock<LockRank::dentry_cache, PreemptOff> lock_;
    Dentry* single_ = nullptr;                ///< the only bucket of a small directory
    Dentry** buckets_ = &single_;             ///< power of two; lock_
    Dentry** old_buckets_ = nullptr;          ///< while growing: those from `migrated_` on are still in use; lock_
    u32 mask_ = 0, old_mask_ = 0, migrated_ = 0;
    u32 count_ = 0;
    bool dead_ = false;
    base::Tree<Dentry, &Dentry::listing_hook_, Sequence> listing_;   ///< tree_lock
    u64 next_sequence_ = first_sequence;
};

}
