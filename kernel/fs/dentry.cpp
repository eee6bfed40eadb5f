// SPDX-License-Identifier: MIT
// Dentries: creation and destruction, the ring of an inode's names, parents, and the path of a name.
// A dentry owns references to its parent and its inode; all links between dentries are guarded by tree_lock.
#include "kernel/fs/dentry.h"

#include <cstring>

#include "kernel/base/random.h"

namespace fs {

constinit TreeLock tree_lock;

constinit NameSecret name_secret{};

void NameSecret::initialize() { name_secret = {base::random_u64(), base::random_u64() | 1, base::random_u64() | 1}; }

MM_OBJECT_CACHE_DEFINE(Dentry)

void NameCopy::assign(std::string_view from) {
    from.copy(text, from.size());
    text[from.size()] = 0;
    length = static_cast<u8>(from.size());
}

Result<> NameText::assign(std::string_view text) {
    if (text.size() > name_max) return fail(ENAMETOOLONG);
    char* to = inline_;
    if (text.size() > inline_capacity) {
        to = static_cast<char*>(mm::heap_allocate(text.size()));
        if (!to) return fail(ENOMEM);
        heap_ = to;
    }
    text.copy(to, text.size());
    length_ = static_cast<u8>(text.size());
    return {};
}

void NameText::swap(NameText& other) {
    char bytes[inline_capacity];
    std::memcpy(bytes, inline_, sizeof bytes);
    std::memcpy(inline_, other.inline_, sizeof bytes);
    std::memcpy(other.inline_, bytes, sizeof bytes);
    std::swap(length_, other.length_);
}

Result<Ref<Dentry>> Dentry::create_root(Ref<Inode> inode, std::string_view name) {
    auto* dentry = new (std::nothrow) Dentry();
    if (!dentry) return fail(ENOMEM);
    auto result = Ref<Dentry>::adopt(dentry);
    dentry->inode_ = std::move(inode);
    TRY(dentry->name_.assign(name));
    return result;
}

Result<Ref<Dentry>> Dentry::create(Dentry& parent, std::string_view name, Ref<Inode> inode) {
    auto dentry = TRY(create_root(std::move(inode), name));
    dentry->hash_ = hash_of_name(name);
    parent.acquire_ref();
    dentry->parent_ = &parent;
    Locked guard(tree_lock);
    dentry->join_aliases(AliasPlace::Last);   // Names::insert() puts it first
    return dentry;
}

void Dentry::join_aliases(AliasPlace place) {
    Dentry*& first = inode_->aliases_;
    if (!first) {
        first = next_alias_ = previous_alias_ = this;
        return;
    }
    next_alias_ = first;
    previous_alias_ = first->previous_alias_;
    previous_alias_->next_alias_ = first->previous_alias_ = this;
    if (place == AliasPlace::First) first = this;
}

void Dentry::leave_aliases() {
    Dentry*& first = inode_->aliases_;
    if (first == this) first = next_alias_ == this ? nullptr : next_alias_;
    next_alias_->previous_alias_ = previous_alias_;
    previous_alias_->next_alias_ = next_alias_;
    next_alias_ = previous_alias_ = nullptr;
}

void Dentry::set_unlinked() {
    unlinked_.store(true, std::memory_order_relaxed);
    leave_aliases();
    join_aliases(AliasPlace::Last);
}

/// Frees a chain of removed directories, each kept alive only by its child, without recursion.
void Dentry::destroy() {
    Dentry* current = this;
    do {
        {
            Locked guard(tree_lock);
            if (current->next_alias_) current->leave_aliases();
        }
        Dentry* const parent = current->parent_;
        if (current->covered_) current->covered_->release_ref();
        delete current;
        current = parent;
    } while (current && current->drop_ref());
}

NameCopy Dentry::name() const {
    NameCopy copy;
    Locked guard(tree_lock);
    copy.assign(name_.view());
    return copy;
}

Ref<Dentry> Dentry::parent() const {
    Locked guard(tree_lock);
    Dentry const* place = this;
    while (!place->parent_ && place->covered_) place = place->covered_;
    return Ref<Dentry>::share(place->parent_ ? place->parent_ : const_cast<Dentry*>(place));
}

Ref<Dentry> Dentry::alias_of(Inode& inode) {
    Locked guard(tree_lock);
    Dentry* const first = inode.aliases_;
    if (!first) return nullptr;
    // An alias whose last reference is gone waits in destroy() for this lock; one in a directory is referenced by the table.
    for (Dentry* alias = first;;) {
        if (alias->try_acquire_ref()) return Ref<Dentry>::adopt(alias);
        alias = alias->next_alias_;
        if (alias == first) return nullptr;
    }
}

namespace {

/// Fills a buffer from its end towards its start.
class PathBuilder {
public:
    explicit PathBuilder(std::span<char> buffer) : buffer_(buffer), start_(buffer.size()) {}
    bool prepend(std::string_view text) {
        if (text.size() > start_) return false;
        start_ -= text.size();
        text.copy(buffer_.data() + start_, text.size());
        return true;
    }
    bool is_empty() const { return start_ == buffer_.size(); }
    std::string_view text() const { return {buffer_.data() + start_, buffer_.size() - start_}; }
private:
    std::span<char> buffer_;
    size_t start_;
};

}

Result<std::string_view> Dentry::path(Dentry const& root, std::span<char> buffer, bool mark_deleted, bool mark_unreachable) const {
    constexpr std::string_view deleted = " (deleted)", unreachable = "(unreachable)";
    PathBuilder builder(buffer);
    Locked guard(tree_lock);
    if (mark_deleted && is_unlinked() && !builder.prepend(deleted)) return fail(ENAMETOOLONG);
    bool any = false, reached = true;
    for (Dentry const* place = this; place != &root;) {
        if (!place->parent_) {
            if (!place->covered_) {
                reached = false;
                if (any || place->name_.view().empty()) break;
                if (!builder.prepend(place->name_.view())) return fail(ENAMETOOLONG);
                return builder.text();
            }
            place = place->covered_;
            continue;
        }
        if (!builder.prepend(place->name_.view()) || !builder.prepend("/")) return fail(ENAMETOOLONG);
        any = true;
        place = place->parent_;
    }
    if (!any && !builder.prepend("/")) return fail(ENAMETOOLONG);
    if (!reached && mark_unreachable && !builder.prepend(unreachable)) return fail(ENAMETOOLONG);
    return builder.text();
}

}
