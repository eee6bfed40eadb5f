// SPDX-License-Identifier: MIT
// The path walk. path_resolution(7).
#include "kernel/fs/path_walk.h"

#include "kernel/fs/protections.h"

namespace fs {

/// A symbolic link that is being followed: its text, and the rest of the path after the link's name.
struct PathWalker::Pending {
    Pending* below = nullptr;
    Ref<Inode> link;            ///< keeps a stored text alive
    mm::Buffer text;            ///< a text made for this walk
    std::string_view behind;
};

namespace {

bool only_slashes(std::string_view text) { return text.find_first_not_of('/') == text.npos; }

}

/// From a name to the root visible there: the topmost of those mounted on it, if any.
void PathWalker::cross_mounts(Ref<Dentry>& dentry) {
    Locked guard(tree_lock);
    Dentry* top = dentry.get();
    while (Dentry* const above = top->mounted_.load(std::memory_order_relaxed)) top = above;
    dentry = Ref<Dentry>::share(top);
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
    char const* next = rest_.data();
    char const* end = next + rest_.size();
    for (;;) {
        while (next != end && *next == '/') ++next;
        if (next != end) [[likely]] break;
        if (!pop()) return false;
        next = rest_.data();
        end = next + rest_.size();
    }
    char const* const start = next;
    while (next != end && *next != '/') ++next;
    name_ = {start, next};
    hash_ = hash_of_name(name_);
    rest_ = {next, end};
    return true;
}

PathWalker::Last PathWalker::kind_of_component() const {
    if (name_[0] != '.' || name_.size() > 2) [[likely]] return Last::Name;
    if (name_.size() == 1) return Last::Dot;
    return name_[1] == '.' ? Last::DotDot : Last::Name;
}

/// Sets trailing_slash_ if nothing but slashes follows; else false.
bool PathWalker::at_last() {
    if (rest_.empty() && !pending_) return trailing_slash_ = false, true;
    if (rest_.size() > 1 && rest_[1] != '/') return false;
    return at_last_of_links();
}

bool PathWalker::at_last_of_links() {
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
    while (next_component()) {
        Inode const& directory = place_->file();
        if (!directory.is_directory()) return fail(ENOTDIR);
        if (!walk_.credentials.is_superuser()) TRY(permission(directory, walk_.credentials, may_execute));
        if (name_.size() > name_max) return fail(ENAMETOOLONG);
        last_ = kind_of_component();
        if (at_last()) return {};
        if (last_ == Last::Name) [[likely]] TRY(step());
        else if (last_ == Last::DotDot) place_ = parent();
    }
    last_ = Last::Root;
    return {};
}

/// Takes one component that is not the last: a directory, or a link to follow.
Result<> PathWalker::step() {
    TRY(look_up());
    if (found_->file().type() != FileType::Symlink) [[likely]] {
        place_ = std::move(found_);
        return {};
    }
    auto const link = std::move(found_);
    TRY(follow(*link));
    return {};
}

Ref<Dentry> PathWalker::parent() const {
    if (place_ == walk_.context.root) return place_;
    auto up = place_->parent();
    if (up->mounted_.load(std::memory_order_relaxed)) cross_mounts(up);
    return up;
}

Result<> PathWalker::look_up() {
    Inode& directory = place_->file();
    if (Names* const names = directory.names()) [[likely]] {
        found_ = names->find(name_, hash_);
        if (!found_) return fail(ENOENT);
        if (found_->mounted_.load(std::memory_order_relaxed)) [[unlikely]] cross_mounts(found_);
        return {};
    }
    found_ = TRY(Dentry::create(*place_, name_, TRY(directory.lookup(name_))));
    return {};
}

Result<Ref<Dentry>> PathWalker::follow(Dentry& link) {
    if (++links_ > most_links) return fail(ELOOP);
    Inode& inode = link.file();
    auto magic = TRY(inode.magic_target());
    if (magic) {
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

Result<Ref<Dentry>> PathWalker::follow_last(Dentry& link) {
    TRY(may_follow(link.file(), place_->file().ownership(), walk_.credentials));
    return follow(link);
}

Result<Ref<Dentry>> PathWalker::to_end(FollowLast wanted) {
    for (;;) {
        TRY(to_last());
        switch (last_) {
        [[likely]] case Last::Name: TRY(look_up()); break;
        case Last::Root:
        case Last::Dot: found_ = place_; break;
        case Last::DotDot: found_ = parent(); break;
        }
        bool const must_be_directory = trailing_slash_ || walk_.directory_only;
        if (found_->file().type() == FileType::Symlink && (wanted == FollowLast::Yes || trailing_slash_)) {
            auto const link = std::move(found_);
            found_ = TRY(follow_last(*link));
            if (!found_) continue;
        }
        if (must_be_directory && !found_->file().is_directory()) return fail(ENOTDIR);
        return std::move(found_);
    }
}

}
