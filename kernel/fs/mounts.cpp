// SPDX-License-Identifier: MIT
// What is mounted where: mount(2), umount2(2), /proc/mounts. One list in the order of
// mounting, under mounts_lock.
#include <base/format.h>
#include <base/log.h>
#include <linux/poll.h>
#include <sys/stat.h>

#include "kernel/fs/device_number.h"
#include "kernel/fs/tree_edit.h"
#include "kernel/fs/vfs.h"

namespace fs {

namespace {

/// Who mounted it: a program that asks for the same mount takes over the kernel's.
enum class MountedBy : u8 { Kernel, Program };

struct Mount {
    Mount* next = nullptr;
    Ref<Dentry> root;
    FileSystem* file_system = nullptr;
    u32 id = 0;
    MountedBy mounted_by = MountedBy::Program;
    MountLifetime lifetime = MountLifetime::Permanent;
    NameText source;
};

constinit sync::Mutex<LockRank::sleeping_leaf> mounts_lock;
constinit Mount* first_mount GUARDED_BY(mounts_lock) = nullptr;
constinit u32 next_mount_id GUARDED_BY(mounts_lock) = 1;
constinit std::atomic<u32> next_device_minor{1};
constinit FileSystemType* registered_types = nullptr;  // in the order of their registration; changed at boot only

constinit std::atomic<u64> changes{0};                 // of the list; counted before `watchers` are woken
constinit sched::WaitQueue watchers;

using MountsGuard = decltype(mounts_lock)::Guard;

/// A reference that a plain pointer stands for.
Dentry* leaked(Ref<Dentry> reference) { return reference.leak(); }

/// The list has changed.
void tell_watchers() {
    changes.fetch_add(1, std::memory_order_release);
    watchers.wake_all(POLLERR | POLLPRI);
}

/// The link to the mount of `root`. With mounts_lock.
Mount** find_mount(Dentry const& root) {
    Mount** link = &first_mount;
    while (*link && (*link)->root.get() != &root) link = &(*link)->next;
    return link;
}

Result<Mount*> make_mount(FileSystem& file_system, std::string_view source) {
    mm::Owned<Mount> mount(TRY(mm::make<Mount>()));
    TRY(mount->source.assign(source.substr(0, name_max)));
    mount->file_system = &file_system;
    mount->root = file_system.root_dentry();
    if (!mount->root) {
        auto inode = file_system.root();
        if (!inode) return fail(ENOMEM);
        mount->root = TRY(Dentry::create_root(std::move(inode)));
    }
    return mount.leak();
}

void append_mount(Mount& mount) {
    Locked guard(mounts_lock);
    mount.id = next_mount_id++;
    Mount** link = &first_mount;
    while (*link) link = &(*link)->next;
    *link = &mount;
}

struct Attachment {
    std::string_view source, options;
    MountFlags flags{};
    MountedBy by = MountedBy::Program;
    MountLifetime lifetime = MountLifetime::Permanent;
};

Result<> set_up(FileSystem& file_system, Attachment const& how) {
    TRY(file_system.configure(how.options));
    file_system.set_flags(how.flags);
    return {};
}

/// True: the kernel had mounted the same there; now the mount is the program's, with its flags and options. EBUSY: a program
/// had. EINVAL.
Result<bool> adopt_mount(Dentry const& place, FileSystem& file_system, Attachment const& how) {
    Locked guard(mounts_lock);
    Mount* const there = *find_mount(place);
    if (!there || there->file_system != &file_system) return false;
    if (there->mounted_by == MountedBy::Program) return fail(EBUSY);
    TRY(set_up(file_system, how));
    there->mounted_by = MountedBy::Program;
    return true;
}

/// Prepares one more mount of `file_system`. EBUSY: it is mounted elsewhere with other flags. EINVAL.
Result<> prepare(FileSystem& file_system, Attachment const& how) {
    Locked guard(mounts_lock);
    for (Mount* mount = first_mount; mount; mount = mount->next)
        if (mount->file_system == &file_system && file_system.flags().bits != how.flags.bits) return fail(EBUSY);
    return set_up(file_system, how);
}

Result<> attach(FileSystem& file_system, Dentry& point, Attachment const& how) {
    if (!point.file().is_directory()) return fail(ENOTDIR);
    if (TRY(adopt_mount(point, file_system, how))) return tell_watchers(), Result<>();
    // A name that procfs makes at each lookup cannot be covered.
    if (!point.is_root() && !point.parent()->file().names()) return fail(EINVAL);
    TRY(prepare(file_system, how));
    mm::Owned<Mount> mount(TRY(make_mount(file_system, how.source)));
    mount->mounted_by = how.by;
    mount->lifetime = how.lifetime;
    TRY(TreeEdit::mount(point, *mount->root));
    append_mount(*mount.leak());
    tell_watchers();
    return {};
}

/// Spaces and the like as octal escapes, as in Linux's table: fstab(5).
void write_escaped(base::Writer& out, std::string_view text) {
    for (char const& c : text) {
        switch (c) {
        case ' ': out.write("\\040"); break;
        case '\t': out.write("\\011"); break;
        case '\n': out.write("\\012"); break;
        case '\\': out.write("\\134"); break;
        default: out.write({&c, 1});
        }
    }
}

/// In Linux's order.
void write_flags(base::Writer& out, MountFlags flags) {
    constexpr struct { MountFlags::Flag flag; std::string_view name; } names[] = {
        {MountFlags::nosuid, ",nosuid"},   {MountFlags::nodev, ",nodev"},           {MountFlags::noexec, ",noexec"},
        {MountFlags::noatime, ",noatime"}, {MountFlags::nodiratime, ",nodiratime"},
    };
    for (auto const& [flag, name] : names)
        if (flags.has(flag)) out.write(name);
    if (!flags.has(MountFlags::noatime)) out.write(",relatime");
}

void write_mount_path(base::Writer& out, Mount const& mount, Dentry const& root) {
    auto const buffer = mm::Buffer::allocate(path_max);
    if (!buffer) return out.write("?");
    auto const path = mount.root->path(root, {buffer->chars(), path_max}, false);
    write_escaped(out, path ? *path : std::string_view("?"));
}

}

u64 next_anonymous_device() { return make_device(0, next_device_minor.fetch_add(1, std::memory_order_relaxed)); }

Result<> Vfs::initialize(FileSystem& root) {
    NameSecret::initialize();
    auto* const mount = TRY(make_mount(root, root.type_name()));
    mount->mounted_by = MountedBy::Kernel;
    root_ = leaked(mount->root);
    append_mount(*mount);
    return {};
}

Result<> Vfs::set_root(Ref<Dentry> root) {
    Ref<Dentry> old;
    Locked guard(mounts_lock);
    if (first_mount->next || first_mount->root == root) return fail(EBUSY);
    auto* const old_file_system = first_mount->file_system;
    old = Ref<Dentry>::adopt(std::exchange(root_, leaked(root)));
    first_mount->file_system = &root->file().file_system();
    first_mount->root = std::move(root);
    old_file_system->unmounted();
    return {};
}

Result<> Vfs::mount(FileSystem& file_system, std::string_view source, Walk const& walk, std::string_view path) {
    auto const point = TRY(resolve(walk, path));
    return attach(file_system, *point, {.source = source, .options = {}, .by = MountedBy::Kernel});
}

namespace {

/// Null: there is no such type.
FileSystemType const* find_type(std::string_view name) {
    for (FileSystemType const* known = registered_types; known; known = known->next)
        if (name == known->name) return known;
    return nullptr;
}

}

Result<> Vfs::mount_type(MountRequest const& request, Walk const& walk, std::string_view path) {
    if (!walk.credentials.is_privileged()) return fail(EPERM);
    auto const point = TRY(resolve(walk, path));
    FileSystemType const* const type = find_type(request.type);
    if (!type) return fail(ENODEV);
    if (!type->instance) return fail(EINVAL);
    FileSystem* const file_system = TRY(type->instance());
    auto const done = attach(*file_system, *point, {request.source, request.options, request.flags, MountedBy::Program, type->lifetime});
    if (!done && type->lifetime == MountLifetime::UntilUnmounted) file_system->unmounted();
    return done;
}

Result<> Vfs::remount(MountFlags flags, std::string_view options, Walk const& walk, std::string_view path) {
    if (!walk.credentials.is_privileged()) return fail(EPERM);
    auto const root = TRY(resolve(walk, path));
    {
        Locked guard(mounts_lock);
        Mount* const mount = *find_mount(*root);
        if (!mount) return fail(EINVAL);
        TRY(mount->file_system->configure(options));
        mount->file_system->set_flags(flags);
    }
    tell_watchers();
    return {};
}

void Vfs::register_type(FileSystemType& type) {
    FileSystemType** link = &registered_types;
    while (*link) link = &(*link)->next;
    *link = &type;
}

void Vfs::write_types(base::Writer& out) const {
    for (FileSystemType const* known = registered_types; known; known = known->next) base::format_to(out, "nodev\t{}\n", known->name);
}

Result<> Vfs::unmount(Walk const& walk, std::string_view path) {
    if (!walk.credentials.is_privileged()) return fail(EPERM);
    auto const root = TRY(resolve(walk, path));
    mm::Owned<Mount> mount;
    {
        Locked guard(mounts_lock);
        Mount** const link = find_mount(*root);
        if (!*link || *link == first_mount) return fail(EINVAL);
        // Held by this function, the mount table and the mount point; a file system that keeps one root holds it, too.
        u32 const references = (*link)->file_system->root_dentry() ? 4 : 3;
        TRY(TreeEdit::unmount(*root, references));
        mount = mm::Owned<Mount>(std::exchange(*link, (*link)->next));
    }
    if (mount->lifetime == MountLifetime::UntilUnmounted) mount->file_system->unmounted();
    tell_watchers();
    return {};
}

u64 Vfs::mount_changes() const { return changes.load(std::memory_order_acquire); }

PollEvents Vfs::poll_mounts(std::atomic<u64>& seen, sched::WaitQueue*& queue) const {
    queue = &watchers;
    u64 const now = mount_changes();
    bool const is_new = seen.exchange(now, std::memory_order_relaxed) != now;
    return POLLIN | POLLRDNORM | (is_new ? POLLERR | POLLPRI : 0);
}

void Vfs::write_mounts(base::Writer& out) const {
    Locked guard(mounts_lock);
    for (Mount* mount = first_mount; mount; mount = mount->next) {
        write_escaped(out, mount->source.view());
        out.write(" ");
        write_mount_path(out, *mount, *root_);
        base::format_to(out, " {} rw", mount->file_system->type_name());
        write_flags(out, mount->file_system->flags());
        mount->file_system->write_options(out);
        out.write(" 0 0\n");
    }
}

void Vfs::write_mount_info(base::Writer& out) const {
    Locked guard(mounts_lock);
    for (Mount* mount = first_mount; mount; mount = mount->next) {
        u64 const device = mount->file_system->device();
        base::format_to(out, "{} {} {}:{} / ", mount->id, first_mount->id, device_major(device), device_minor(device));
        write_mount_path(out, *mount, *root_);
        out.write(" rw");
        write_flags(out, mount->file_system->flags());
        base::format_to(out, " - {} ", mount->file_system->type_name());
        write_escaped(out, mount->source.view());
        out.write(" rw");
        mount->file_system->write_options(out);
        out.write("\n");
    }
}

}
