// SPDX-License-Identifier: MIT
// /proc/PID and /proc/PID/task/TID: which files there are, and who may see a process's descriptors and directories. proc(5).
// Whatever is taken from a process is taken in the same hold of its state_lock in which the right to it is checked.
#include <algorithm>

#include "kernel/fs/procfs/procfs.h"
#include "kernel/process/pid_file.h"
#include "kernel/process/proc/proc_files.h"
#include "kernel/process/process_manager.h"
#include "kernel/process/rights.h"

namespace process {
namespace {

using base::Writer;
using fs::FileType;
using fs::ProcessSubject;

struct TextFile {
    ProcessSubject::Entry entry;
    Result<> (*show)(Shown const& shown, u64 opened, Writer& out);
    bool is_private = false;                     ///< shows its memory: may_look_into() decides at open
    bool is_of_memory = false;                   ///< shows only its memory: empty, not an error, after the process has ended
    Result<> (*change)(Shown const& shown, std::string_view text) = nullptr;
};

constexpr TextFile text_files[] = {
    {{"stat", FileType::Regular, 0444}, write_process_stat},
    {{"status", FileType::Regular, 0444}, write_process_status},
    {{"statm", FileType::Regular, 0444}, write_process_statm},
    {{"cmdline", FileType::Regular, 0444}, write_arguments},
    {{"comm", FileType::Regular, 0644}, write_command_name, false, false, change_command_name},
    {{"environ", FileType::Regular, 0400}, write_environment, true, true},
    {{"auxv", FileType::Regular, 0400}, write_auxiliary_vector, true, true},
    {{"maps", FileType::Regular, 0444}, write_maps, true},
    {{"personality", FileType::Regular, 0400}, write_personality, true},
    {{"limits", FileType::Regular, 0444}, write_limits},
    {{"oom_score", FileType::Regular, 0444}, write_oom_score},
    {{"oom_score_adj", FileType::Regular, 0644}, write_oom_adjustment, false, false, change_oom_adjustment},
};
constexpr ProcessSubject::Entry links[] = {
    {"exe", FileType::Symlink, 0777}, {"cwd", FileType::Symlink, 0777}, {"root", FileType::Symlink, 0777}
};

constexpr auto all_entries = [] {
    std::array<ProcessSubject::Entry, std::size(text_files) + std::size(links)> all{};
    size_t used = 0;
    for (TextFile const& file : text_files) all[used++] = file.entry;
    for (ProcessSubject::Entry const& link : links) all[used++] = link;
    return all;
}();

TextFile const* text_file(std::string_view name) {
    auto const* const found = std::find_if(std::begin(text_files), std::end(text_files), [&](TextFile const& file) { return file.entry.name == name; });
    return found == std::end(text_files) ? nullptr : found;
}

using StateGuard = Process::StateGuard;
using SignalGuard = decltype(Process::signal_lock)::Guard;

class Subject final : public ProcessSubject {
public:
    explicit Subject(Shown shown) : shown_(std::move(shown)) {}
    Shown const& shown() const { return shown_; }

    Pid id() const override { return shown_.id(); }
    bool is_thread() const override { return shown_.is_thread(); }
    bool exists() const override { return shown_.exists(); }
    std::span<Entry const> entries() const override { return all_entries; }

    Result<u64> open(std::string_view name) const override {
        TextFile const* const file = text_file(name);
        return file && file->is_private ? open_program(shown_) : Result<u64>(0);
    }
    Result<> text(std::string_view name, u64 opened, Writer& out) const override {
        TextFile const* const file = text_file(name);
        if (!file) return fail(ENOENT);
        return file->is_of_memory || exists() ? file->show(shown_, opened, out) : fail(ESRCH);
    }
    Result<> write(std::string_view name, std::string_view text) override {
        TextFile const* const file = text_file(name);
        if (!file || !file->change) return fail(EINVAL);
        return exists() ? file->change(shown_, text) : fail(ESRCH);
    }

    Result<Ref<fs::Dentry>> link(std::string_view name) const override {
        if (!exists()) return fail(ESRCH);
        Process const& process = *shown_.process;
        Ref<fs::Dentry> target;
        Locked guard(process.state_lock);
        TRY(look_into(guard));
        if (name == "exe") target = process.executable.file();
        else if (auto const names = shared(&UserThread::names, guard)) {
            fs::FsContext context = names->copy();
            target = std::move(name == "cwd" ? context.working_directory : context.root);
        }
        return target ? Result<Ref<fs::Dentry>>(std::move(target)) : fail(ENOENT);
    }

    Result<Ref<fs::File>> file(Fd fd) const override {
        Locked guard(shown_.process->state_lock);
        TRY(look_into(guard));
        return file_under(fd, guard);
    }
    Result<u32> modes_of(Fd fd) const override {
        auto const file = TRY([&] {
            Locked guard(shown_.process->state_lock);
            return file_under(fd, guard);
        }());
        return (file->is_readable() ? 0500u : 0u) | (file->is_writable() ? 0300u : 0u);
    }
    std::optional<Fd> next_descriptor(Fd from) const override {
        Ref<fs::DescriptorTable> table;
        {
            Locked guard(shown_.process->state_lock);
            table = shared(&UserThread::descriptors, guard);
        }
        return table ? table->next_used(from) : std::nullopt;
    }

    Result<Ref<ProcessSubject>> thread(Pid tid) const override;
    std::optional<Pid> next_thread(Pid previous) const override {
        Locked guard(shown_.process->signal_lock);
        i32 next = INT32_MAX;
        for (UserThread const& one : shown_.process->threads)
            if (one.tid.value > previous.value) next = std::min(next, one.tid.value);
        return next == INT32_MAX ? std::nullopt : std::optional(Pid(next));
    }

    std::pair<UserId, GroupId> owner(bool of_directory) const override {
        Process const& process = *shown_.process;
        Locked guard(process.state_lock);
        if (!exists() || (!of_directory && !process.dumpable)) return {UserId(0), GroupId(0)};
        fs::Credentials const who = process.copy_credentials();
        return {who.effective_uid, who.effective_gid};
    }
    bool is_own() const override {
        UserThread const* const caller = current_user_thread_or_null();
        return caller && &caller->process() == shown_.process.get();
    }

private:
    /// A kernel thread may look into any process.
    Result<> look_into(StateGuard const&) const {
        UserThread const* const caller = current_user_thread_or_null();
        return caller ? may_look_into(caller->process(), *shown_.process) : Result<>{};
    }
    /// The shown thread's table, or that of the first thread that has one.
    template <class Thing> Ref<Thing> shared(Ref<Thing> UserThread::* member, StateGuard const& guard) const {
        if (!is_thread()) return shown_.process->first_threads(member, guard);
        Locked signal_guard(shown_.process->signal_lock);
        UserThread const* const thread = shown_.thread();
        return thread ? thread->*member : nullptr;
    }
    Result<Ref<fs::File>> file_under(Fd fd, StateGuard const& guard) const {
        Ref<fs::DescriptorTable> const table = shared(&UserThread::descriptors, guard);
        auto file = table ? table->get(fd) : fail(ENOENT);
        return file ? std::move(file) : fail(ENOENT);
    }
    Shown const shown_;
};

Result<Ref<ProcessSubject>> make_subject(Shown shown) { return TRY(mm::make_ref<Subject>(std::move(shown))); }

Result<Ref<ProcessSubject>> Subject::thread(Pid tid) const {
    Shown found{shown_.process, tid, 0};
    {
        Locked guard(shown_.process->signal_lock);
        for (UserThread const& one : shown_.process->threads)
            if (one.tid == tid) found.start_time_ns = one.start_time_ns;
    }
    return found.start_time_ns != 0 ? make_subject(std::move(found)) : fail(ENOENT);
}

class Directories final : public fs::ProcessProvider {
public:
    Result<Ref<ProcessSubject>> find(Pid pid) override {
        Ref<Process> process = process_manager.find(pid);
        return process ? make_subject({std::move(process), Pid(0), 0}) : fail(ENOENT);
    }
    std::optional<Pid> next(Pid previous) override {
        Ref<Process> const process = process_manager.find_after(previous);
        if (!process) return std::nullopt;
        return process->pid();
    }
    std::optional<Self> current() override {
        UserThread const* const thread = current_user_thread_or_null();
        if (!thread) return std::nullopt;
        return Self{thread->process().pid(), thread->tid};
    }
};

constinit Directories directories;

}

bool Shown::exists() const {
    if (process->state.load(std::memory_order_acquire) == ProcessState::Reaped) return false;
    if (!is_thread()) return true;
    Locked guard(process->signal_lock);
    return thread() != nullptr;
}

void register_process_directories() { fs::procfs.processes.provide(directories); }

Ref<Process> process_of_directory(fs::File const& file) {
    Ref<ProcessSubject> const subject = fs::ProcFs::subject_of(file);
    return subject ? static_cast<Subject const&>(*subject).shown().process : nullptr;
}

}
