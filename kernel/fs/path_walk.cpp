// SPDX-License-Identifier: MIT
// The path walk. path_resolution(7).
#include "kernel/fs/path_walk.h"

namespace fs {

/// A symbolic link that is being followed: its text, and what came behind the link's name.
struct PathWalker::Pending {
    Pending* below = nullptr;
    Ref<Inode> link;            ///< keeps a stored text alive
    mm::Buffer text;            ///< a made one
    std::string_view behind;
};

namespace {

bool only_slashes(std::string_view text) { return text.find_first_not_of('/') == text.npos; }

}

/// The root that shows at this name: the topmost of those mounted there, if any.
Ref<Dentry> PathWalker::cross_mounts(Ref<Dentry> dentry) {
    if (!dentry->mounted_.load(std::memory_order_relaxed)) [[likely]] return dentry;
    TreeLock::Guard guard(tree_lock);
    Dentry* top = dentry.get();
    while (Dentry* const above = top->mounted_.load(std::memory_order_relaxed)) top = above;
    return Ref<Dentry>::share(top);
}

PathWalker::~PathWalker() {
    while (pending_) pop();
}

bool PathWalker::pop() {
    mm::Owned<Pending> top(pending_);
    if (!top) return false;
    pending_ = top->below;
    rest_ = top->behind;
    return true;
}

Result<> PathWalker::start() {
    started_ = true;
    if (rest_.empty()) return fail(ENOENT);
    if (rest_.size() >= path_max) return fail(ENAMETOOLONG);
    if (rest_[0] == '/') place_ = walk_.context.root;
    else if (walk_.base) place_ = Ref<Dentry>::share(walk_.base);
    else place_ = walk_.context.working_directory;
    if (!place_) return fail(ENOENT);
    return {};
}

bool PathWalker::next_component() {
    for (;;) {
        size_t start = 0;
        while (start < rest_.size() && rest_[start] == '/') ++start;
        rest_.remove_prefix(start);
        if (!rest_.empty()) break;
        if (!pop()) return false;
    }
    size_t const end = std::min(rest_.find('/'), rest_.size());
    name_ = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return true;
}

/// Sets last_ and trailing_slash_ if nothing but slashes follows; else false.
bool PathWalker::at_last() {
    if (!only_slashes(rest_)) return false;
    trailing_slash_ = !rest_.empty();
    for (Pending* p = pending_; p; p = p->below) {
        if (!only_slashes(p->behind)) return false;
        trailing_slash_ |= !p->behind.empty();
    }
    return true;
}

Result<> PathWalker::to_last() {
    if (!started_) TRY(start());
    for (;;) {
        if (!next_component()) {
            last_ = Last::Root;
            return {};
        }
        Inode const& directory = place_->file();
        if (!directory.is_directory()) return fail(ENOTDIR);
        if (!walk_.credentials.is_superuser()) TRY(permission(directory, walk_.credentials, may_execute));
        if (name_.size() > name_max) return fail(ENAMETOOLONG);
        last_ = name_ == "." ? Last::Dot : name_ == ".." ? Last::DotDot : Last::Name;
        if (at_last()) return {};
        if (last_ == Last::Dot) continue;
        if (last_ == Last::DotDot) place_ = parent();
        else TRY(step());
    }
}

/// One component that is not the last: a directory, or a link to go along.
Result<> PathWalker::step() {
    auto next = TRY(find());
    if (next->file().type() != FileType::Symlink) {
        place_ = std::move(next);
        return {};
    }
    TRY(follow(*next));
    return {};
}

Ref<Dentry> PathWalker::parent() const {
    if (place_ == walk_.context.root) return place_;
    return cross_mounts(place_->parent());
}

Result<Ref<Dentry>> PathWalker::find() {
    Inode& directory = place_->file();
    hash_ = hash_of_name(name_);
    if (Names* const names = directory.names()) [[likely]] {
        auto child = names->find(name_, hash_);
        if (!child) return fail(ENOENT);
        return cross_mounts(std::move(child));
    }
    return Dentry::create(*place_, name_, TRY(directory.lookup(name_)));
}

Result<Ref<Dentry>> PathWalker::follow(Dentry& link) {
    if (++links_ > most_links) return fail(ELOOP);
    Inode& inode = link.file();
    auto magic = TRY(inode.magic_target());
    if (magic) {
        if (!may_follow_magic(inode, walk_.credentials)) return fail(EACCES);
        place_ = magic;
        return magic;
    }
    mm::Owned<Pending> pending(TRY(mm::make<Pending>()));
    pending->link = link.inode();
    std::string_view text = inode.stored_link();
    if (text.empty()) {
        pending->text = TRY(mm::Buffer::allocate(path_max));
        text = {pending->text.chars(), TRY(inode.read_link({pending->text.chars(), path_max}))};
    }
    if (text.empty()) return fail(ENOENT);
    if (text.size() >= path_max) return fail(ENAMETOOLONG);
    inode.touch_accessed();
    if (text[0] == '/') place_ = walk_.context.root;
    pending->behind = rest_;
    pending->below = pending_;
    rest_ = text;
    pending_ = pending.leak();
    return Ref<Dentry>();
}

Result<Ref<Dentry>> PathWalker::to_end(FollowLast follow_last) {
    for (;;) {
        TRY(to_last());
        Ref<Dentry> found;
        switch (last_) {
        case Last::Root:
        case Last::Dot: found = place_; break;
        case Last::DotDot: found = parent(); break;
        case Last::Name: found = TRY(find()); break;
        }
        bool const must_be_directory = trailing_slash_ || walk_.directory_only;
        if (found->file().type() == FileType::Symlink && (follow_last == FollowLast::Yes || trailing_slash_)) {
            found = TRY(follow(*found));
            if (!found) continue;
        }
        if (must_be_directory && !found->file().is_directory()) return fail(ENOTDIR);
        return found;
    }
}

}
