// SPDX-License-Identifier: MIT
// Names: the hash table and listing order of one directory. Every change holds tree_lock; the buckets change under the table's
// lock, too, which is all that a lookup takes.
#include <cstring>

#include "kernel/fs/dentry.h"

namespace fs {

namespace {

constexpr u32 entries_per_bucket = 2;
constexpr u32 largest_table = 256 * 1024;    ///< buckets: one 2 MiB block
constexpr u32 buckets_moved_at_once = 32;

}

Names::~Names() {
    ASSERT(count_ == 0);
    if (buckets_ != &single_) mm::heap_free(buckets_);
}

/// A rename between directories is in neither table for a moment, but it holds tree_lock.
Ref<Dentry> Names::find_settled(std::string_view name, u32 hash) const {
    Locked guard(tree_lock);
    return Ref<Dentry>::share(probe(name, hash));
}

void Names::link(Dentry& dentry) {
    Dentry** const bucket = bucket_of(dentry.hash_);
    dentry.next_in_bucket_ = *bucket;
    *bucket = &dentry;
    ++count_;
}

void Names::unlink(Dentry& dentry) {
    Dentry** link = bucket_of(dentry.hash_);
    while (*link != &dentry) link = &(*link)->next_in_bucket_;
    *link = dentry.next_in_bucket_;
    dentry.next_in_bucket_ = nullptr;
    --count_;
}

void Names::insert(Dentry& dentry) {
    dentry.sequence_ = next_sequence_++;
    listing_.insert(listing_.end(), dentry);
    dentry.leave_aliases();
    dentry.join_aliases(Dentry::AliasPlace::First);
    Locked guard(lock_);
    link(dentry);
}

Ref<Dentry> Names::remove(Dentry& dentry) {
    listing_.erase(listing_.iterator_to(dentry));
    Locked guard(lock_);
    unlink(dentry);
    return Ref<Dentry>::adopt(&dentry);
}

Ref<Dentry> Names::replace(Dentry& old, Dentry& with) {
    listing_.erase(listing_.iterator_to(old));
    with.sequence_ = next_sequence_++;
    listing_.insert(listing_.end(), with);
    Locked guard(lock_);
    unlink(old);
    link(with);
    return Ref<Dentry>::adopt(&old);
}

Dentry* Names::at_or_after(u64 sequence) const {
    auto const found = listing_.lower_bound(sequence);
    return found == listing_.end() ? nullptr : const_cast<Dentry*>(&*found);
}

void Names::copy(u64 first, u64 end, ListingBatch& batch) const {
    Locked guard(tree_lock);
    for (auto place = listing_.lower_bound(first); place != listing_.end() && place->sequence_ < end; ++place)
        if (!batch.add(*place)) return;
}

u64 Names::end_of_listing() const {
    Locked guard(tree_lock);
    return next_sequence_;
}

bool ListingBatch::add(Dentry const& dentry) {
    auto const name = dentry.name_.view();
    if (size_of(name.size()) > capacity - used_) return false;
    Header const header{dentry.inode_->number(), dentry.sequence_, dentry.inode_->type(), static_cast<u8>(name.size())};
    std::memcpy(bytes_ + used_, &header, sizeof header);
    std::memcpy(bytes_ + used_ + sizeof header, name.data(), name.size());
    used_ += size_of(name.size());
    return true;
}

bool ListingBatch::next(DirectoryEntry& entry) {
    if (taken_ == used_) return false;
    Header header;
    std::memcpy(&header, bytes_ + taken_, sizeof header);
    entry = {{reinterpret_cast<char const*>(bytes_ + taken_ + sizeof header), header.length}, header.inode, header.type, header.sequence + 1};
    taken_ += size_of(header.length);
    return true;
}

/// Moves the next old buckets over. The caller holds both locks.
void Names::migrate(u32 buckets) {
    for (; buckets > 0 && migrated_ <= old_mask_; --buckets) {
        Dentry* next = old_buckets_[migrated_++];
        while (Dentry* d = next) {
            next = d->next_in_bucket_;
            Dentry** const bucket = &buckets_[d->hash_ & mask_];
            d->next_in_bucket_ = *bucket;
            *bucket = d;
        }
    }
}

void Names::grow() {
    u32 const wanted = count_ / entries_per_bucket;
    if (wanted <= mask_ || mask_ + 1 >= largest_table) return;
    u32 const size = (mask_ + 1) * 4;
    auto* const table = static_cast<Dentry**>(mm::heap_allocate(size * sizeof(Dentry*)));
    if (!table) return;
    std::memset(table, 0, size * sizeof(Dentry*));
    {
        Locked tree(tree_lock);
        Locked guard(lock_);
        if (old_buckets_ || size <= mask_ + 1) {
            mm::heap_free(table);
            return;
        }
        old_buckets_ = buckets_;
        old_mask_ = mask_;
        migrated_ = 0;
        buckets_ = table;
        mask_ = size - 1;
    }
    for (;;) {
        Locked tree(tree_lock);
        Locked guard(lock_);
        migrate(buckets_moved_at_once);
        if (migrated_ > old_mask_) break;
    }
    Dentry** retired;
    {
        Locked tree(tree_lock);
        Locked guard(lock_);
        retired = std::exchange(old_buckets_, nullptr);
    }
    if (retired != &single_) mm::heap_free(retired);
}

}
