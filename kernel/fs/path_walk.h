// SPDX-License-Identifier: MIT
// PathWalker: one walk along a path, component by component. path_resolution(7). It stops
// before the last component, so that each operation decides what the last one means.
// Symbolic links are texts stacked in front of the rest: no recursion, at most 40.
#pragma once

#include "kernel/fs/vfs.h"

namespace fs {

class PathWalker {
public:
    enum class Last : u8 { Name, Dot, DotDot, Root };   ///< Root: nothing is left, the place itself is meant

    PathWalker(Walk const& walk, std::string_view path) : walk_(walk), rest_(path) {}
    ~PathWalker();
    PathWalker(PathWalker const&) = delete;

    /// Walks to the last component. ENOENT ENOTDIR EACCES ELOOP ENAMETOOLONG.
    Result<> to_last();
    /// The last component as a file; symbolic links are followed if wanted (or if a slash follows).
    Result<Ref<Dentry>> to_end(FollowLast follow);

    // ---- after to_last()
    Dentry& directory() const { return *place_; }        ///< search permission was checked if last() is a Name
    Ref<Dentry> directory_reference() const { return place_; }
    Last last() const { return last_; }
    std::string_view name() const { return name_; }
    u32 name_hash() const { return hash_; }
    bool has_trailing_slash() const { return trailing_slash_; }
    /// The file of the last component, or ENOENT.
    Result<Ref<Dentry>> find() {
        TRY(look_up());
        return std::move(found_);
    }
    /// `link` was found as the last component: continues with its text, if the caller may; then call to_last() again. Not null:
    /// it was a magic link, and this is the result. EACCES ELOOP.
    Result<Ref<Dentry>> follow_last(Dentry& link);

private:
    static constexpr u32 most_links = 40;
    struct Pending;                                     ///< the rest of a path behind a link

    Result<Ref<Dentry>> follow(Dentry& link);           ///< anywhere in a path

    Result<> start();
    bool next_component();                              ///< splits the first component off rest_; false: none is left
    Last kind_of_component() const;
    bool at_last();
    bool at_last_of_links();
    Result<> look_up();                                 ///< name_ in place_, into found_
    Result<> step();
    Ref<Dentry> parent() const;
    static void cross_mounts(Ref<Dentry>& dentry);
    bool pop();                                         ///< the rest behind the current link's text

    Walk const& walk_;
    Ref<Dentry> place_, found_;
    std::string_view rest_;
    std::string_view name_;
    u32 hash_ = 0;
    u32 links_ = 0;
    Last last_ = Last::Root;
    bool trailing_slash_ = false;
    bool started_ = false;
    Pending* pending_ = nullptr;                        ///< owned, a stack
};

}
