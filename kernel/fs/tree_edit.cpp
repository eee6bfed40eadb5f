// SPDX-License-Identifier: MIT
// Changes of the name tree: each is checked and made in one hold of tree_lock (dentry.h). A directory gets another parent
// only under moving_lock, too, so that no directory comes below itself.
#include "kernel/fs/tree_edit.h"

#include <charconv>

#include "kernel/fs/vfs.h"
#include "kernel/sync/mutex.h"

namespace fs {

/// With tree_lock.
Result<> TreeEdit::enter_locked(Dentry& directory, Dentry& dentry, Credentials const& who) {
    Names& names = *directory.file().names();
    if (names.is_dead()) return fail(ENOENT);
    if (names.peek(dentry.name_.view(), dentry.hash_)) return fail(EEXIST);
    TRY(permission(directory.file(), who, may_write | may_execute));
    dentry.acquire_ref();
    names.insert(dentry);
    return {};
}

Result<Ref<Dentry>> TreeEdit::enter(Dentry& directory, std::string_view name, Ref<Inode> inode, Credentials const& who) {
    auto dentry = TRY(Dentry::create(directory, name, std::move(inode)));
    {
        Locked guard(tree_lock);
        TRY(enter_locked(directory, *dentry, who));
        if (dentry->inode_->is_directory()) directory.file().adjust_links(1);
    }
    directory.file().names()->grow();
    directory.file().touch_modified();
    return dentry;
}

Result<> TreeEdit::link(Dentry& directory, std::string_view name, Ref<Inode> inode, Credentials const& who) {
    auto const dentry = TRY(Dentry::create(directory, name, std::move(inode)));
    Inode& file = dentry->file();
    {
        Locked guard(tree_lock);
        if (file.links() == 0 && !file.may_get_first_name_) return fail(ENOENT);
        TRY(enter_locked(directory, *dentry, who));
        file.may_get_first_name_ = false;
        file.adjust_links(1);
    }
    directory.file().names()->grow();
    directory.file().touch_modified();
    file.touch_changed();
    return {};
}

Result<Ref<Dentry>> TreeEdit::enter_nowhere(Dentry& directory, Ref<Inode> inode, std::string_view name) {
    char number[24] = "#";
    if (name.empty()) name = {number, std::to_chars(number + 1, std::end(number), inode->number()).ptr};
    auto dentry = TRY(Dentry::create(directory, name, std::move(inode)));
    dentry->unlinked_.store(true, std::memory_order_relaxed);
    dentry->inode_->adjust_links(-1);
    return dentry;
}

void TreeEdit::allow_first_name(Inode& inode) {
    Locked guard(tree_lock);
    inode.may_get_first_name_ = true;
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

Result<> TreeEdit::remove(Dentry& directory, Dentry& victim, Credentials const& who) {
    Ref<Dentry> entry;
    Inode& inode = victim.file();
    {
        Locked guard(tree_lock);
        if (victim.is_unlinked() || victim.parent_ != &directory) return fail(ENOENT);
        TRY(may_remove(directory.file(), inode, who));
        if (victim.mounted_.load(std::memory_order_relaxed)) return fail(EBUSY);
        if (has_names(inode)) return fail(ENOTEMPTY);
        if (inode.names()) inode.names()->retire();
        entry = directory.file().names()->remove(victim);
        victim.set_unlinked();
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

namespace {

/// Held while a directory gets another parent: under it the way from any directory up to its root does not change and may be
/// walked, however long it is, without tree_lock.
constinit sync::Mutex<LockRank::rename> moving_lock;

Result<> may_change(Inode const& directory, Inode const* victim, Credentials const& who) {
    return victim ? may_remove(directory, *victim, who) : permission(directory, who, may_write | may_execute);
}

}

Result<> TreeEdit::may_move(Move const& move) {
    Inode const& from = move.from_directory.file();
    Inode const& to = move.to_directory.file();
    TRY(may_change(from, &move.source.file(), move.who));
    TRY(may_change(to, move.target ? &move.target->file() : nullptr, move.who));
    if (&from == &to) return {};
    // A directory's ".." changes with its parent: that is a write to it.
    if (move.source.file().is_directory()) TRY(permission(move.source.file(), move.who, may_write));
    bool const target_moves = move.kind == RenameKind::Exchange && move.target->file().is_directory();
    return target_moves ? permission(move.target->file(), move.who, may_write) : Result<>();
}

/// A directory cannot come below itself. With moving_lock.
Result<> TreeEdit::check_circles(Move const& move) {
    for (Dentry* up = &move.to_directory; up; up = up->parent_)
        if (up == &move.source) return fail(EINVAL);
    if (!move.target) return {};
    for (Dentry* up = &move.from_directory; up; up = up->parent_)
        if (up == move.target) return fail(move.kind == RenameKind::Exchange ? EINVAL : ENOTEMPTY);
    return {};
}

/// With tree_lock: may this move be done as things stand now?
Result<> TreeEdit::check(Move const& move, NameText& name) {
    Dentry& source = move.source;
    Names& to_names = *move.to_directory.file().names();
    if (source.is_unlinked() || source.parent_ != &move.from_directory) return fail(ESTALE);
    if (to_names.is_dead()) return fail(ENOENT);
    if (to_names.peek(name.view(), hash_of_name(name.view())) != move.target) return fail(ESTALE);
    TRY(may_move(move));
    if (source.mounted_.load(std::memory_order_relaxed)) return fail(EBUSY);
    if (move.target && move.target->mounted_.load(std::memory_order_relaxed)) return fail(EBUSY);
    if (move.kind == RenameKind::Replace && move.target && has_names(move.target->file())) return fail(ENOTEMPTY);
    return {};
}

Result<> TreeEdit::exchange(Move const& move, NameText& name) {
    Dentry& one = move.source;
    Dentry& other = *move.target;
    NameText other_name;
    TRY(other_name.assign(one.name()));
    {
        Locked guard(tree_lock);
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

/// Removes what has the name now and puts the source there.
Result<> TreeEdit::move_names(Move const& move, NameText& name, Ref<Dentry>& replaced) {
    Inode& from = move.from_directory.file();
    Inode& to = move.to_directory.file();
    Locked guard(tree_lock);
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
        target->set_unlinked();
        drop_links(to, target->file());
    } else {
        to.names()->insert(*entry.leak());
    }
    return {};
}

Result<> TreeEdit::move(Move const& move) {
    NameText name;
    TRY(name.assign(move.to_name));
    Ref<Dentry> replaced;
    auto const carry_out = [&] { return move.kind == RenameKind::Exchange ? exchange(move, name) : move_names(move, name, replaced); };
    bool const moves_directory = move.source.file().is_directory() || (move.target && move.target->file().is_directory());
    if (moves_directory && &move.from_directory != &move.to_directory) {
        Locked guard(moving_lock);
        TRY(check_circles(move));
        TRY(carry_out());
    } else {
        // In one directory nothing comes below itself.
        TRY(carry_out());
    }
    Inode& from = move.from_directory.file();
    Inode& to = move.to_directory.file();
    to.names()->grow();
    from.touch_modified();
    to.touch_modified();
    move.source.file().touch_changed();
    if (move.kind == RenameKind::Exchange) move.target->file().touch_changed();
    if (replaced) replaced->file().touch_changed();
    return {};
}

Result<> TreeEdit::mount(Dentry& point, Dentry& root) {
    Locked guard(tree_lock);
    if (point.is_unlinked()) return fail(ENOENT);
    if (root.covered_ || point.mounted_.load(std::memory_order_relaxed)) return fail(EBUSY);
    point.acquire_ref();
    root.acquire_ref();
    root.covered_ = &point;
    point.mounted_.store(&root, std::memory_order_relaxed);
    return {};
}

/// A walk enters a mounted tree from outside, and goes up in it, only with tree_lock held (PathWalker::cross_mounts). A walk that goes
/// down holds a reference to where it stands, and is_busy() looks at each directory before what is in it: so it meets that reference.
Result<> TreeEdit::unmount(Dentry& root, u32 root_references) {
    Ref<Dentry> root_mount, point;   // given back after the lock
    Locked guard(tree_lock);
    if (is_busy(root, root_references)) return fail(EBUSY);
    point = Ref<Dentry>::adopt(std::exchange(root.covered_, nullptr));
    root_mount = Ref<Dentry>::adopt(point->mounted_.exchange(nullptr, std::memory_order_relaxed));
    return {};
}

bool TreeEdit::is_mounted(Dentry const& root) {
    Locked guard(tree_lock);
    return root.covered_ != nullptr;
}

Ref<Dentry> TreeEdit::mount_point(Dentry const& root) {
    Locked guard(tree_lock);
    return Ref<Dentry>::share(root.covered_);
}

void TreeEdit::demolish(Dentry& root) {
    auto place = Ref<Dentry>::share(&root);
    for (;;) {
        Ref<Dentry> entry, next;
        {
            Locked guard(tree_lock);
            Names* const names = place->file().names();
            Dentry* const child = names ? names->at_or_after(0) : nullptr;
            if (child) {
                next = Ref<Dentry>::share(child);
            } else {
                if (names) names->retire();
                if (place.get() == &root) return;
                next = Ref<Dentry>::share(place->parent_);
                entry = next->file().names()->remove(*place);
                place->set_unlinked();
                place->file().adjust_links(-1);
            }
        }
        place = std::move(next);
    }
}

bool TreeEdit::is_busy(Dentry& root, u32 root_references) {
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
