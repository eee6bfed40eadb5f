// SPDX-License-Identifier: MIT
// Changes of the name tree. See tree_edit.h; locks: dentry.h.
#include "kernel/fs/tree_edit.h"

namespace fs {

Result<Ref<Dentry>> TreeEdit::enter(Dentry& directory, std::string_view name, Ref<Inode> inode) {
    auto dentry = TRY(Dentry::create(directory, name, std::move(inode)));
    Names& names = *directory.file().names();
    {
        TreeLock::Guard guard(tree_lock);
        if (names.is_dead()) return fail(ENOENT);
        if (names.peek(name, dentry->hash_)) return fail(EEXIST);
        dentry->acquire_ref();
        names.insert(*dentry);
        if (dentry->inode_->is_directory()) directory.file().adjust_links(1);
    }
    names.grow();
    directory.file().touch_modified();
    return dentry;
}

Result<Ref<Dentry>> TreeEdit::enter_nowhere(Dentry& directory, Ref<Inode> inode, std::string_view name) {
    auto dentry = TRY(Dentry::create(directory, name, std::move(inode)));
    dentry->unlinked_.store(true, std::memory_order_relaxed);
    dentry->inode_->adjust_links(-1);
    return dentry;
}

namespace {

/// The last link of a removed file or directory. A directory's own "." counts too.
void drop_links(Inode& directory, Inode& victim) {
    if (victim.is_directory()) {
        victim.adjust_links(-2);
        directory.adjust_links(-1);
    } else {
        victim.adjust_links(-1);
    }
}

bool has_names(Inode& inode) { return inode.names() && !inode.names()->is_empty(); }

}

Result<> TreeEdit::remove(Dentry& directory, Dentry& victim) {
    Ref<Dentry> entry;
    Inode& inode = victim.file();
    {
        TreeLock::Guard guard(tree_lock);
        if (victim.is_unlinked() || victim.parent_ != &directory) return fail(ENOENT);
        if (victim.mounted_.load(std::memory_order_relaxed)) return fail(EBUSY);
        if (has_names(inode)) return fail(ENOTEMPTY);
        if (inode.names()) inode.names()->retire();
        entry = directory.file().names()->remove(victim);
        victim.unlinked_.store(true, std::memory_order_relaxed);
        drop_links(directory.file(), inode);
    }
    directory.file().touch_modified();
    inode.touch_changed();
    return {};
}

/// Gives `dentry`, which is in no table, a new name and parent. The old name comes back in `name`.
void TreeEdit::place(Dentry& dentry, Dentry& directory, NameText& name) {
    dentry.name_.swap(name);
    dentry.hash_ = hash_of_name(dentry.name_.view());
    if (dentry.parent_ == &directory) return;
    directory.acquire_ref();
    bool const last = dentry.parent_->drop_ref();
    ASSERT(!last);   // the caller of rename holds both directories
    dentry.parent_ = &directory;
}

/// With tree_lock: may this move be done as things stand now?
Result<> TreeEdit::check(Move const& move, NameText& name) {
    Dentry& source = move.source;
    Names& to_names = *move.to_directory.file().names();
    if (source.is_unlinked() || source.parent_ != &move.from_directory) return fail(ESTALE);
    if (to_names.is_dead()) return fail(ENOENT);
    if (to_names.peek(name.view(), hash_of_name(name.view())) != move.target) return fail(ESTALE);
    if (source.mounted_.load(std::memory_order_relaxed)) return fail(EBUSY);
    if (move.target && move.target->mounted_.load(std::memory_order_relaxed)) return fail(EBUSY);
    for (Dentry* up = &move.to_directory; up; up = up->parent_)
        if (up == &source) return fail(EINVAL);
    if (!move.target) return {};
    for (Dentry* up = &move.from_directory; up; up = up->parent_)
        if (up == move.target) return fail(move.kind == RenameKind::Exchange ? EINVAL : ENOTEMPTY);
    if (move.kind == RenameKind::Replace && has_names(move.target->file())) return fail(ENOTEMPTY);
    return {};
}

Result<> TreeEdit::exchange(Move const& move, NameText& name) {
    Dentry& one = move.source;
    Dentry& other = *move.target;
    NameText other_name;
    TRY(other_name.assign(one.name()));
    {
        TreeLock::Guard guard(tree_lock);
        TRY(check(move, name));
        if (one.name_.view() != other_name.view()) return fail(ESTALE);
        Inode& from = move.from_directory.file();
        Inode& to = move.to_directory.file();
        auto one_entry = from.names()->remove(one);
        auto other_entry = to.names()->remove(other);
        place(one, move.to_directory, name);
        place(other, move.from_directory, other_name);
        to.names()->insert(*one_entry.leak());
        from.names()->insert(*other_entry.leak());
        int const difference = int(one.file().is_directory()) - int(other.file().is_directory());
        from.adjust_links(-difference);
        to.adjust_links(difference);
    }
    return {};
}

Result<> TreeEdit::move(Move const& move) {
    NameText name;
    TRY(name.assign(move.to_name));
    Inode& from = move.from_directory.file();
    Inode& to = move.to_directory.file();
    Ref<Dentry> replaced;
    if (move.kind == RenameKind::Exchange) {
        TRY(exchange(move, name));
        move.target->file().touch_changed();
    } else {
        TreeLock::Guard guard(tree_lock);
        TRY(check(move, name));
        auto entry = from.names()->remove(move.source);
        place(move.source, move.to_directory, name);
        if (move.source.file().is_directory()) {
            from.adjust_links(-1);
            to.adjust_links(1);
        }
        if (Dentry* const target = move.target) {
            if (target->file().names()) target->file().names()->retire();
            replaced = to.names()->replace(*target, *entry.leak());
            target->unlinked_.store(true, std::memory_order_relaxed);
            drop_links(to, target->file());
        } else {
            to.names()->insert(*entry.leak());
        }
    }
    to.names()->grow();
    from.touch_modified();
    to.touch_modified();
    move.source.file().touch_changed();
    if (replaced) replaced->file().touch_changed();
    return {};
}

Result<> TreeEdit::mount(Dentry& point, Dentry& root) {
    TreeLock::Guard guard(tree_lock);
    if (point.is_unlinked()) return fail(ENOENT);
    if (root.covered_ || point.mounted_.load(std::memory_order_relaxed)) return fail(EBUSY);
    point.acquire_ref();
    root.acquire_ref();
    root.covered_ = &point;
    point.mounted_.store(&root, std::memory_order_relaxed);
    return {};
}

void TreeEdit::unmount(Dentry& root) {
    Ref<Dentry> root_mount, point;   // given back after the lock
    TreeLock::Guard guard(tree_lock);
    point = Ref<Dentry>::adopt(std::exchange(root.covered_, nullptr));
    root_mount = Ref<Dentry>::adopt(point->mounted_.exchange(nullptr, std::memory_order_relaxed));
}

bool TreeEdit::is_mounted(Dentry const& root) {
    TreeLock::Guard guard(tree_lock);
    return root.covered_ != nullptr;
}

Ref<Dentry> TreeEdit::mount_point(Dentry const& root) {
    TreeLock::Guard guard(tree_lock);
    return Ref<Dentry>::share(root.covered_);
}

void TreeEdit::demolish(Dentry& root) {
    auto place = Ref<Dentry>::share(&root);
    for (;;) {
        Ref<Dentry> entry, next;
        {
            TreeLock::Guard guard(tree_lock);
            Names* const names = place->file().names();
            Dentry* const child = names ? names->at_or_after(0) : nullptr;
            if (child) {
                next = Ref<Dentry>::share(child);
            } else {
                if (names) names->retire();
                if (place.get() == &root) return;
                next = Ref<Dentry>::share(place->parent_);
                entry = next->file().names()->remove(*place);
                place->unlinked_.store(true, std::memory_order_relaxed);
                place->file().adjust_links(-1);
            }
        }
        place = std::move(next);
    }
}

bool TreeEdit::is_busy(Dentry& root, u32 root_references) {
    TreeLock::Guard guard(tree_lock);
    Dentry* place = &root;
    for (;;) {
        Names* const names = place->file().names();
        u32 const own = place == &root ? root_references : 1;
        u32 const children = names ? names->count() : 0;
        if (place->reference_count() != own + children || place->mounted_.load(std::memory_order_relaxed)) return true;
        if (Dentry* const child = names ? names->at_or_after(0) : nullptr) {
            place = child;
            continue;
        }
        u64 after = place->sequence_ + 1;
        for (;;) {
            if (place == &root) return false;
            place = place->parent_;
            if (Dentry* const sibling = place->file().names()->at_or_after(after)) {
                place = sibling;
                break;
            }
            after = place->sequence_ + 1;
        }
    }
}

}
