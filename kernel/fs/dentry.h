// SPDX-License-Identifier: MIT
// Dentry: one name in the tree; Names: the table of one directory. In tmpfs the tree is the
// store: a table pins its dentries. Every change of names, parents and mounts holds
// tree_lock and the spin lock of each table it touches; a lookup holds only the table's.
// So whoever holds either may read. No sleeping lock is needed: nothing here waits.
#pragma once

#include <base/intrusive.h>

#include "kernel/fs/inode.h"
#include "mm/heap.h"
#include "mm/slab.h"

namespace fs {

inline constexpr size_t name_max = 255;       ///< bytes in one name
inline constexpr size_t path_max = 4096;      ///< bytes in a path, with its NUL

using TreeLock = SpinLock<LockRank::name_tree, PreemptOff>;
extern constinit TreeLock tree_lock;

/// A copy of a name: the original may change by a rename.
struct NameCopy {
    char text[name_max + 1];
    u8 length = 0;
    void assign(std::string_view from);
    operator std::string_view() const { return {text, length}; }
};

/// Storage of a name: in place when short.
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

/// FNV-1a, byte by byte.
struct NameHash {
    u32 value = 2166136261u;
    constexpr void add(char c) { value = (value ^ static_cast<u8>(c)) * 16777619u; }
    /// Tables use the low bits.
    constexpr u32 finish() const { return value ^ (value >> 15); }
};
constexpr u32 hash_of_name(std::string_view name) {
    NameHash hash;
    for (char c : name) hash.add(c);
    return hash.finish();
}

/// One name in the tree. Keeps its parent and its inode alive.
class Dentry : public RefCounted<Dentry> {
public:
    /// A root, or a name without a tree ("pipe:[7]"): its own parent. ENOMEM.
    static Result<Ref<Dentry>> create_root(Ref<Inode> inode, std::string_view name = {});
    /// A name below `parent`, not entered in its table. ENOMEM.
    static Result<Ref<Dentry>> create(Dentry& parent, std::string_view name, Ref<Inode> inode);

    NameCopy name() const;
    Ref<Inode> inode() const { return inode_; }   ///< never null for a Ref<Dentry> the vfs gave out
    Inode& file() const { return *inode_; }       ///< the same without a reference
    Ref<Dentry> parent() const;                   ///< itself at the root of the tree; crosses mounts
    bool is_unlinked() const { return unlinked_.load(std::memory_order_relaxed); }
    bool is_root() const { return parent_ == nullptr; }
    /// Absolute path as seen from `root` (from the top, if `root` is not above it); " (deleted)" is appended when
    /// unlinked and wanted. ENAMETOOLONG. A name without a tree is given as it is.
    Result<std::string_view> path(Dentry const& root, std::span<char> buffer, bool mark_deleted) const;
    /// One live name of `inode`, or null.
    static Ref<Dentry> alias_of(Inode& inode);
    void destroy();

    MM_OBJECT_CACHE(Dentry)
private:
    friend class Names;
    friend class Vfs;
    friend struct TreeEdit;
    friend class PathWalker;
    Dentry() = default;
    ~Dentry() = default;

    Dentry* parent_ = nullptr;                ///< owns a reference; null at a root. tree_lock
    Ref<Inode> inode_;                        ///< never changes
    std::atomic<Dentry*> mounted_{nullptr};   ///< root mounted on this name, owns a reference; written under tree_lock
    Dentry* covered_ = nullptr;               ///< at a mounted root: the mount point, owns a reference. tree_lock
    Dentry* next_in_bucket_ = nullptr;        ///< tree_lock and the table's lock
    base::TreeHook listing_hook_;             ///< tree_lock
    u64 sequence_ = 0;                        ///< place in listings. tree_lock
    u32 hash_ = 0;                            ///< as name_
    std::atomic<bool> unlinked_{false};
    NameText name_;                           ///< tree_lock and the table's lock; read under either
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
            SpinLock<LockRank::dentry_cache, PreemptOff>::Guard guard(lock_);
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
    /// `with` takes the place of `old`, in one step for those who look up.
    Ref<Dentry> replace(Dentry& old, Dentry& with);
    /// The first dentry whose place in listings is at least `sequence`, or null.
    Dentry* at_or_after(u64 sequence) const;

    /// A copy of that entry for a listing; false: there is none. Takes tree_lock.
    bool copy_at_or_after(u64 sequence, NameCopy& name, DirectoryEntry& entry) const;

    /// Makes room after insertions; may sleep. Takes the locks it needs. Failure costs only speed.
    void grow();

private:
    struct Sequence { using type = u64; u64 operator()(Dentry const& d) const { return d.sequence_; } };
    static constexpr u64 first_sequence = 2;  ///< 0 and 1 are "." and ".."

    Dentry* probe(std::string_view name, u32 hash) const {
        for (Dentry* d = *bucket_of(hash); d; d = d->next_in_bucket_)
            if (d->hash_ == hash && same(d->name_.view(), name)) return d;
        return nullptr;
    }
    /// Most names are short: no call.
    static bool same(std::string_view one, std::string_view other) {
        if (one.size() != other.size()) return false;
        for (size_t i = 0; i < one.size(); ++i)
            if (one[i] != other[i]) return false;
        return true;
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
    Dentry** old_buckets_ = nullptr;          ///< while growing: those from `migrated_` on still count; lock_
    u32 mask_ = 0, old_mask_ = 0, migrated_ = 0;
    u32 count_ = 0;
    bool dead_ = false;
    base::Tree<Dentry, &Dentry::listing_hook_, Sequence> listing_;   ///< tree_lock
    u64 next_sequence_ = first_sequence;
};

}
