// SPDX-License-Identifier: MIT
// /proc/PID: what the provider has, and fd, mounts and mountinfo.
#include "kernel/fs/proc_process.h"

#include <array>
#include <charconv>

#include "kernel/fs/proc_text_file.h"

namespace fs {

namespace {

constexpr u64 first_process_offset = 1 << 16;
constexpr u64 first_entry_offset = 2;
constexpr u64 largest_number = 0x7fffffff;       // of a pid or descriptor
constexpr u64 pid_shift = 32;                    ///< inode numbers: pid, kind, descriptor
constexpr u64 descriptor_kind = u64{1} << 31;
constexpr u64 own_kind = u64{1} << 30;

using Entry = ProcessProvider::Entry;

/// The engine's own files of each process.
constexpr std::array<Entry, 3> own_entries = {{
    {"fd", FileType::Directory, 0500},
    {"mounts", FileType::Regular, 0444},
    {"mountinfo", FileType::Regular, 0444},
}};

u64 number_of(Pid pid, u64 part) { return (static_cast<u64>(pid.value) << pid_shift) + part + 1; }

Ownership owned_by(Pid pid, FileType type, u32 permissions) {
    auto const [uid, gid] = procfs.provider()->owner(pid, false);
    return {type, permissions, uid, gid};
}

/// PID itself always shows who runs, and so does fd to the process itself: it may always list its own.
Ownership owned_by_runner(Pid pid, u32 permissions) {
    auto const [uid, gid] = procfs.provider()->owner(pid, true);
    return {FileType::Directory, permissions, uid, gid};
}
Ownership owner_of_descriptors(Pid pid) {
    return procfs.provider()->is_own(pid) ? owned_by_runner(pid, 0500) : owned_by(pid, FileType::Directory, 0500);
}

class ProcessText final : public Inode, public TextSource {
public:
    ProcessText(Pid pid, u64 part, Entry const& entry) : Inode(procfs, number_of(pid, part), owned_by(pid, FileType::Regular, entry.permissions)), pid_(pid), name_(entry.name) {}
    Result<Ref<File>> open(Dentry& dentry, u32 flags) override { return open_text(dentry, flags, *this); }
    Result<> make_text(base::Writer& out) override {
        if (name_ == "mounts") return vfs.write_mounts(out), Result<>{};
        if (name_ == "mountinfo") return vfs.write_mount_info(out), Result<>{};
        return procfs.provider()->text(pid_, name_, out);
    }
private:
    Pid pid_;
    std::string_view name_;                      ///< the provider's literal
};

class ProcessLink final : public Inode {
public:
    ProcessLink(Pid pid, u64 part, Entry const& entry) : Inode(procfs, number_of(pid, part), owned_by(pid, FileType::Symlink, 0777)), pid_(pid), name_(entry.name) {}
    Result<Ref<Dentry>> magic_target() override {
        TRY(procfs.provider()->may_look_into(pid_));
        auto target = TRY(procfs.provider()->link(pid_, name_));
        return target ? Result<Ref<Dentry>>(std::move(target)) : fail(ENOENT);
    }
private:
    Pid pid_;
    std::string_view name_;
};

class DescriptorLink final : public Inode {
public:
    DescriptorLink(Pid pid, Fd fd, u32 permissions)
        : Inode(procfs, number_of(pid, descriptor_kind + static_cast<u32>(fd.value)), owned_by(pid, FileType::Symlink, permissions)), pid_(pid), fd_(fd) {}
    Result<Ref<Dentry>> magic_target() override {
        TRY(procfs.provider()->may_look_into(pid_));
        auto const file = procfs.provider()->file(pid_, fd_);
        if (!file || !(*file)->dentry()) return fail(ENOENT);
        return Ref<Dentry>::share((*file)->dentry());
    }
private:
    Pid pid_;
    Fd fd_;
};

class DescriptorDirectory final : public Inode {
public:
    DescriptorDirectory(Pid pid, u64 part) : Inode(procfs, number_of(pid, part), owner_of_descriptors(pid)), pid_(pid) { adjust_links(1); }
    Result<Ref<Inode>> lookup(std::string_view name) override;
    Result<> list(u64 offset, DirectorySink& sink) override;
private:
    Pid pid_;
};

Result<Ref<Inode>> DescriptorDirectory::lookup(std::string_view name) {
    auto const number = parse_number(name);
    if (!number) return fail(ENOENT);
    auto const file = procfs.provider()->file(pid_, Fd(*number));
    if (!file) return fail(ENOENT);
    u32 const permissions = ((*file)->is_readable() ? 0500 : 0) | ((*file)->is_writable() ? 0300 : 0);
    return TRY(mm::make_ref<DescriptorLink>(pid_, Fd(*number), permissions));
}

Result<> DescriptorDirectory::list(u64 offset, DirectorySink& sink) {
    auto& provider = *procfs.provider();
    if (offset > largest_number) return {};
    char text[16];
    for (auto fd = provider.next_descriptor(pid_, Fd(static_cast<i32>(offset - first_entry_offset))); fd; fd = provider.next_descriptor(pid_, Fd(fd->value + 1))) {
        auto const end = std::to_chars(text, text + sizeof text, fd->value).ptr;
        u64 const number = static_cast<u32>(fd->value);
        if (!sink.add({{text, end}, number_of(pid_, descriptor_kind + number), FileType::Symlink, number + first_entry_offset + 1})) break;
    }
    return {};
}

class ProcessDirectory final : public Inode {
public:
    explicit ProcessDirectory(Pid pid) : Inode(procfs, number_of(pid, 0), owned_by_runner(pid, 0555)), pid_(pid) { adjust_links(1); }
    Result<Ref<Inode>> lookup(std::string_view name) override;
    Result<> list(u64 offset, DirectorySink& sink) override;
private:
    static bool is_own(size_t index) { return index < own_entries.size(); }
    static size_t entry_count() { return own_entries.size() + procfs.provider()->entries().size(); }
    static Entry const& entry_at(size_t index) { return is_own(index) ? own_entries[index] : procfs.provider()->entries()[index - own_entries.size()]; }
    static u64 part_of(size_t index) { return own_kind + index; }
    Pid pid_;
};

Result<Ref<Inode>> ProcessDirectory::lookup(std::string_view name) {
    if (!procfs.provider()->exists(pid_)) return fail(ENOENT);
    for (size_t i = 0; i < entry_count(); ++i) {
        Entry const& entry = entry_at(i);
        if (entry.name != name) continue;
        switch (entry.type) {
        case FileType::Directory: return TRY(mm::make_ref<DescriptorDirectory>(pid_, part_of(i)));
        case FileType::Symlink: return TRY(mm::make_ref<ProcessLink>(pid_, part_of(i), entry));
        default: return TRY(mm::make_ref<ProcessText>(pid_, part_of(i), entry));
        }
    }
    return fail(ENOENT);
}

Result<> ProcessDirectory::list(u64 offset, DirectorySink& sink) {
    if (!procfs.provider()->exists(pid_)) return fail(ENOENT);
    for (size_t i = offset - first_entry_offset; i < entry_count(); ++i) {
        Entry const& entry = entry_at(i);
        if (!sink.add({entry.name, number_of(pid_, part_of(i)), entry.type, first_entry_offset + i + 1})) break;
    }
    return {};
}

}

std::optional<i32> parse_number(std::string_view text) {
    i32 value = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    bool const canonical = text == "0" || (!text.empty() && text[0] >= '1' && text[0] <= '9');
    if (error != std::errc{} || end != text.data() + text.size() || !canonical) return std::nullopt;
    return value;
}

Result<Ref<Inode>> lookup_process(std::string_view name) {
    auto* const provider = procfs.provider();
    auto const pid = parse_number(name);
    if (!provider || !pid || !provider->exists(Pid(*pid))) return fail(ENOENT);
    return TRY(mm::make_ref<ProcessDirectory>(Pid(*pid)));
}

bool list_processes(u64 offset, DirectorySink& sink) {
    auto* const provider = procfs.provider();
    if (!provider || offset > first_process_offset + largest_number) return true;
    i32 const previous = offset <= first_process_offset ? 0 : static_cast<i32>(offset - first_process_offset);
    char text[16];
    for (auto pid = provider->next(Pid(previous)); pid; pid = provider->next(*pid)) {
        auto const end = std::to_chars(text, text + sizeof text, pid->value).ptr;
        u64 const next_offset = first_process_offset + static_cast<u64>(pid->value);
        if (!sink.add({{text, end}, number_of(*pid, 0), FileType::Directory, next_offset})) return false;
    }
    return true;
}

}
