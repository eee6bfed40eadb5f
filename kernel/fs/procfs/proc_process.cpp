// SPDX-License-Identifier: MIT
// /proc/PID and /proc/PID/task/TID: what the subject has, and fd, task, mounts and mountinfo. Every inode here holds its subject: an open
// directory or file speaks of this process and, when that has been reaped, of none.
#include "kernel/fs/procfs/proc_process.h"

#include <array>
#include <charconv>

#include "kernel/fs/procfs/proc_text_file.h"

namespace fs {

namespace {

constexpr u64 first_process_offset = 1 << 16;
constexpr u64 first_entry_offset = 2;
constexpr u64 largest_number = 0x7fffffff;       // of a pid or descriptor
constexpr u64 pid_shift = 32;                    ///< inode numbers: pid or tid, kind, descriptor
constexpr u64 descriptor_kind = u64{1} << 31;
constexpr u64 own_kind = u64{1} << 30;
constexpr u64 thread_kind = u64{1} << 29;

using Subject = Ref<ProcessSubject>;
using Entry = ProcessSubject::Entry;

/// The engine's own files of each process; only processes have the first, threads do not.
constexpr std::array<Entry, 4> own_entries = {{
    {"task", FileType::Directory, 0555},
    {"fd", FileType::Directory, 0500},
    {"mounts", FileType::Regular, 0444},
    {"mountinfo", FileType::Regular, 0444},
}};

u64 number_of(ProcessSubject const& subject, u64 part) {
    return (static_cast<u64>(subject.id().value) << pid_shift) + (subject.is_thread() ? thread_kind : 0) + part + 1;
}
bool is_directory_of_process(u64 number) { return number >> pid_shift != 0 && static_cast<u32>(number) == 1; }

Ownership owned_by(ProcessSubject const& subject, FileType type, u32 permissions) {
    auto const [uid, gid] = subject.owner(false);
    return {type, permissions, uid, gid};
}

/// The directory PID always belongs to the user that the process runs as, and so does fd for the process itself, which may
/// always list its own.
Ownership owned_by_runner(ProcessSubject const& subject, u32 permissions) {
    auto const [uid, gid] = subject.owner(true);
    return {FileType::Directory, permissions, uid, gid};
}
Ownership owner_of_descriptors(ProcessSubject const& subject) {
    return subject.is_own() ? owned_by_runner(subject, 0500) : owned_by(subject, FileType::Directory, 0500);
}

class ProcessText final : public Inode, public TextSource {
public:
    ProcessText(Subject subject, u64 part, Entry const& entry)
        : Inode(procfs, number_of(*subject, part), owned_by(*subject, FileType::Regular, entry.permissions)), subject_(std::move(subject)),
          name_(entry.name) {}
    Result<Ref<File>> open(Dentry& dentry, u32 flags) override { return open_text(dentry, flags, *this); }
    Result<> truncate(u64) override { return {}; }     // the shell's `>` opens with O_TRUNC
    Result<u64> open() override { return is_of_mounts() ? vfs.mount_changes() : subject_->open(name_); }
    Result<> make_text(u64 opened, base::Writer& out) override {
        if (!is_of_mounts()) return subject_->text(name_, opened, out);
        if (!subject_->exists()) return fail(ESRCH);
        name_ == "mounts" ? vfs.write_mounts(out) : vfs.write_mount_info(out);
        return {};
    }
    PollEvents poll(std::atomic<u64>& seen, sched::WaitQueue*& queue) override {
        return is_of_mounts() ? vfs.poll_mounts(seen, queue) : TextSource::poll(seen, queue);
    }
    Result<> take_text(std::string_view text, Credentials const&) override { return is_of_mounts() ? fail(EIO) : subject_->write(name_, text); }
private:
    bool is_of_mounts() const { return name_.starts_with("mount"); }
    Subject const subject_;
    std::string_view const name_;                ///< a literal
};

class ProcessLink final : public Inode {
public:
    ProcessLink(Subject subject, u64 part, Entry const& entry)
        : Inode(procfs, number_of(*subject, part), owned_by(*subject, FileType::Symlink, 0777)), subject_(std::move(subject)), name_(entry.name) {}
    Result<Ref<Dentry>> magic_target() override { return subject_->link(name_); }
private:
    Subject const subject_;
    std::string_view const name_;
};

class DescriptorLink final : public Inode {
public:
    DescriptorLink(Subject subject, Fd fd, u32 permissions)
        : Inode(procfs, number_of(*subject, descriptor_kind + static_cast<u32>(fd.value)), owned_by(*subject, FileType::Symlink, permissions)),
          subject_(std::move(subject)), fd_(fd) {}
    Result<Ref<Dentry>> magic_target() override {
        auto const file = TRY(subject_->file(fd_));
        return file->dentry() ? Result<Ref<Dentry>>(Ref<Dentry>::share(file->dentry())) : fail(ENOENT);
    }
private:
    Subject const subject_;
    Fd const fd_;
};

class DescriptorDirectory final : public Inode {
public:
    DescriptorDirectory(Subject subject, u64 part)
        : Inode(procfs, number_of(*subject, part), owner_of_descriptors(*subject)), subject_(std::move(subject)) { adjust_links(1); }
    Result<Ref<Inode>> lookup(std::string_view name) override {
        auto const number = parse_number(name);
        if (!number) return fail(ENOENT);
        return TRY(mm::make_ref<DescriptorLink>(subject_, Fd(*number), TRY(subject_->modes_of(Fd(*number)))));
    }
    Result<> list(u64 offset, DirectorySink& sink) override;
private:
    Subject const subject_;
};

Result<> DescriptorDirectory::list(u64 offset, DirectorySink& sink) {
    if (!subject_->exists()) return fail(ENOENT);
    if (offset > largest_number) return {};
    char text[16];
    for (auto fd = subject_->next_descriptor(Fd(static_cast<i32>(offset - first_entry_offset))); fd; fd = subject_->next_descriptor(Fd(fd->value + 1))) {
        auto const end = std::to_chars(text, text + sizeof text, fd->value).ptr;
        u64 const number = static_cast<u32>(fd->value);
        if (!sink.add({{text, end}, number_of(*subject_, descriptor_kind + number), FileType::Symlink, number + first_entry_offset + 1})) break;
    }
    return {};
}

/// task/
class ThreadsDirectory final : public Inode {
public:
    ThreadsDirectory(Subject subject, u64 part) : Inode(procfs, number_of(*subject, part), owned_by_runner(*subject, 0555)), subject_(std::move(subject)) {
        adjust_links(1);
    }
    Result<Ref<Inode>> lookup(std::string_view name) override;
    Result<> list(u64 offset, DirectorySink& sink) override;
private:
    Subject const subject_;
};

class ProcessDirectory final : public Inode {
public:
    explicit ProcessDirectory(Subject subject) : Inode(procfs, number_of(*subject, 0), owned_by_runner(*subject, 0555)), subject_(std::move(subject)) {
        adjust_links(1);
    }
    Result<Ref<Inode>> lookup(std::string_view name) override;
    Result<> list(u64 offset, DirectorySink& sink) override;
    Subject const& subject() const { return subject_; }
private:
    size_t own_count() const { return own_entries.size() - first_own(); }
    size_t first_own() const { return subject_->is_thread() ? 1 : 0; }
    size_t entry_count() const { return own_count() + subject_->entries().size(); }
    Entry const& entry_at(size_t index) const {
        return index < own_count() ? own_entries[first_own() + index] : subject_->entries()[index - own_count()];
    }
    static u64 part_of(size_t index) { return own_kind + index; }
    Subject const subject_;
};

Result<Ref<Inode>> ProcessDirectory::lookup(std::string_view name) {
    if (!subject_->exists()) return fail(subject_->is_thread() ? ENOENT : ESRCH);
    for (size_t i = 0; i < entry_count(); ++i) {
        Entry const& entry = entry_at(i);
        if (entry.name != name) continue;
        if (entry.type == FileType::Symlink) return TRY(mm::make_ref<ProcessLink>(subject_, part_of(i), entry));
        if (entry.type == FileType::Regular) return TRY(mm::make_ref<ProcessText>(subject_, part_of(i), entry));
        if (name == "task") return TRY(mm::make_ref<ThreadsDirectory>(subject_, part_of(i)));
        return TRY(mm::make_ref<DescriptorDirectory>(subject_, part_of(i)));
    }
    return fail(ENOENT);
}

Result<> ProcessDirectory::list(u64 offset, DirectorySink& sink) {
    if (!subject_->exists()) return fail(ENOENT);
    for (size_t i = offset - first_entry_offset; i < entry_count(); ++i) {
        Entry const& entry = entry_at(i);
        if (!sink.add({entry.name, number_of(*subject_, part_of(i)), entry.type, first_entry_offset + i + 1})) break;
    }
    return {};
}

Result<Ref<Inode>> ThreadsDirectory::lookup(std::string_view name) {
    if (!subject_->exists()) return fail(ESRCH);
    auto const tid = parse_number(name);
    if (!tid) return fail(ENOENT);
    return TRY(mm::make_ref<ProcessDirectory>(TRY(subject_->thread(Pid(*tid)))));
}

Result<> ThreadsDirectory::list(u64 offset, DirectorySink& sink) {
    if (!subject_->exists()) return fail(ENOENT);
    if (offset > largest_number) return {};
    char text[16];
    for (auto tid = subject_->next_thread(Pid(static_cast<i32>(offset - first_entry_offset))); tid; tid = subject_->next_thread(*tid)) {
        auto const end = std::to_chars(text, text + sizeof text, tid->value).ptr;
        u64 const number = static_cast<u32>(tid->value);
        if (!sink.add({{text, end}, (number << pid_shift) + thread_kind + 1, FileType::Directory, number + first_entry_offset})) break;
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
    auto* const provider = procfs.processes.get();
    auto const pid = parse_number(name);
    if (!provider || !pid) return fail(ENOENT);
    return TRY(mm::make_ref<ProcessDirectory>(TRY(provider->find(Pid(*pid)))));
}

Ref<ProcessSubject> ProcFs::subject_of(File const& file) {
    Inode* const inode = file.inode();
    bool const is_ours = inode && &inode->file_system() == &procfs && is_directory_of_process(inode->number());
    return is_ours ? static_cast<ProcessDirectory*>(inode)->subject() : nullptr;
}

bool list_processes(u64 offset, DirectorySink& sink) {
    auto* const provider = procfs.processes.get();
    if (!provider || offset > first_process_offset + largest_number) return true;
    i32 const previous = offset <= first_process_offset ? 0 : static_cast<i32>(offset - first_process_offset);
    char text[16];
    for (auto pid = provider->next(Pid(previous)); pid; pid = provider->next(*pid)) {
        auto const end = std::to_chars(text, text + sizeof text, pid->value).ptr;
        u64 const number = static_cast<u32>(pid->value);
        if (!sink.add({{text, end}, (number << pid_shift) + 1, FileType::Directory, first_process_offset + number})) return false;
    }
    return true;
}

}
