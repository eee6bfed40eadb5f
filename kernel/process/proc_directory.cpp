// SPDX-License-Identifier: MIT
// /proc/PID: which files a process has, and the small ones among them. proc(5). A process
// may end at any time: what is asked of it then is ESRCH.
#include <algorithm>

#include "kernel/fs/procfs.h"
#include "kernel/process/proc_files.h"
#include "kernel/process/process_manager.h"
#include "kernel/process/rights.h"

namespace process {
namespace {

using base::format_to;
using base::Writer;

/// Copies a part of a program's memory to the text.
Result<> copy_out(mm::AddressSpace& space, UserAddr from, UserAddr end, Writer& out) {
    std::array<std::byte, 512> piece;
    while (from < end) {
        size_t const wanted = std::min<u64>(piece.size(), end - from);
        size_t const got = TRY(space.read(from, {piece.data(), wanted}));
        if (got == 0) break;
        out.write({reinterpret_cast<char const*>(piece.data()), got});
        from += got;
    }
    return {};
}

Result<> write_arguments(Process const& process, Writer& out) {
    Ref<mm::AddressSpace> const space = process.copy_address_space();
    if (!space) return {};
    mm::ImageLayout const layout = space->layout();
    return copy_out(*space, layout.arguments_start, layout.arguments_end, out);
}

Result<> write_environment(Process const& process, Writer& out) {
    Ref<mm::AddressSpace> const space = process.copy_address_space();
    if (!space) return {};
    mm::ImageLayout const layout = space->layout();
    return copy_out(*space, layout.environment_start, layout.environment_end, out);
}

Result<> write_command_name(Process const& process, Writer& out) {
    format_to(out, "{}\n", process.name());
    return {};
}

Result<> write_maps(Process const& process, Writer& out) {
    if (Ref<mm::AddressSpace> const space = process.copy_address_space()) space->write_maps(out);
    return {};
}

Result<> write_auxiliary_vector(Process const& process, Writer& out) {
    auto const& words = process.auxiliary_vector;
    size_t used = 0;
    while (used + 2 < words.size() && words[used] != 0) used += 2;
    out.write({reinterpret_cast<char const*>(words.data()), (used + 2) * sizeof(u64)});
    return {};
}

Result<> write_limits(Process const& process, Writer& out) {
    struct Row { std::string_view name, unit; };
    static constexpr Row rows[] = {
        {"Max cpu time", "seconds"},      {"Max file size", "bytes"},      {"Max data size", "bytes"},
        {"Max stack size", "bytes"},      {"Max core file size", "bytes"}, {"Max resident set", "bytes"},
        {"Max processes", "processes"},   {"Max open files", "files"},     {"Max locked memory", "bytes"},
        {"Max address space", "bytes"},   {"Max file locks", "locks"},     {"Max pending signals", "signals"},
        {"Max msgqueue size", "bytes"},   {"Max nice priority", ""},       {"Max realtime priority", ""},
        {"Max realtime timeout", "us"},
    };
    format_to(out, "{:<26}{:<21}{:<21}{:<10}\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    for (size_t i = 0; i < std::size(rows); ++i) {
        ResourceLimit const limit = process.limit(static_cast<unsigned>(i));
        format_to(out, "{:<26}", rows[i].name);
        for (u64 value : {limit.soft, limit.hard}) {
            if (value == ~u64{0}) format_to(out, "{:<21}", "unlimited");
            else format_to(out, "{:<21}", value);
        }
        format_to(out, "{:<10}\n", rows[i].unit);
    }
    return {};
}

Result<> write_oom_adjustment(Process const& process, Writer& out) {
    format_to(out, "{}\n", process.oom_score_adjustment);
    return {};
}

using Provider = fs::ProcessProvider;
using fs::FileType;

struct TextFile {
    Provider::Entry entry;
    Result<> (*write)(Process const& process, Writer& out);
    bool is_private = false;                     ///< shows of its memory: may_look_into() decides at open
};

constexpr TextFile text_files[] = {
    {{"stat", FileType::Regular, 0444}, write_process_stat},
    {{"status", FileType::Regular, 0444}, write_process_status},
    {{"statm", FileType::Regular, 0444}, write_process_statm},
    {{"cmdline", FileType::Regular, 0444}, write_arguments},
    {{"comm", FileType::Regular, 0444}, write_command_name},
    {{"environ", FileType::Regular, 0400}, write_environment, true},
    {{"auxv", FileType::Regular, 0400}, write_auxiliary_vector, true},
    {{"maps", FileType::Regular, 0444}, write_maps, true},
    {{"limits", FileType::Regular, 0444}, write_limits},
    {{"oom_score_adj", FileType::Regular, 0444}, write_oom_adjustment},
};
constexpr Provider::Entry links[] = {
    {"exe", FileType::Symlink, 0777}, {"cwd", FileType::Symlink, 0777}, {"root", FileType::Symlink, 0777}
};

constexpr auto all_entries = [] {
    std::array<Provider::Entry, std::size(text_files) + std::size(links)> all{};
    size_t used = 0;
    for (TextFile const& file : text_files) all[used++] = file.entry;
    for (Provider::Entry const& link : links) all[used++] = link;
    return all;
}();

class Directories final : public Provider {
public:
    bool exists(Pid pid) override { return static_cast<bool>(process_manager.find(pid)); }
    std::optional<Pid> next(Pid previous) override {
        Ref<Process> const process = process_manager.find_after(previous);
        if (!process) return std::nullopt;
        return process->pid();
    }
    std::optional<Pid> current() override {
        UserThread const* thread = current_user_thread_or_null();
        if (!thread) return std::nullopt;
        return thread->process().pid();
    }
    std::span<Entry const> entries() override { return all_entries; }

    Result<> text(Pid pid, std::string_view name, Writer& out) override {
        Ref<Process> const process = TRY(get(pid));
        for (TextFile const& file : text_files) {
            if (file.entry.name != name) continue;
            if (file.is_private) TRY(look_into(*process));
            return file.write(*process, out);
        }
        return fail(ENOENT);
    }

    Result<Ref<fs::Dentry>> link(Pid pid, std::string_view name) override {
        Ref<Process> const process = TRY(get(pid));
        Ref<fs::Dentry> target = name == "exe" ? process->copy_executable() : name == "cwd" ? directory(*process).working_directory
                                                                                           : directory(*process).root;
        if (!target) return fail(ENOENT);
        return target;
    }

    Result<Ref<fs::File>> file(Pid pid, Fd fd) override {
        Ref<fs::DescriptorTable> const table = TRY(get(pid))->copy_descriptors();
        if (!table) return fail(ENOENT);
        return table->get(fd);
    }
    std::optional<Fd> next_descriptor(Pid pid, Fd from) override {
        Ref<Process> const process = process_manager.find(pid);
        Ref<fs::DescriptorTable> const table = process ? process->copy_descriptors() : nullptr;
        if (!table) return std::nullopt;
        return table->next_used(from);
    }
    std::pair<UserId, GroupId> owner(Pid pid, bool of_directory) override {
        Ref<Process> const process = process_manager.find(pid);
        if (!process || (!of_directory && !process->dumpable)) return {UserId(0), GroupId(0)};
        fs::Credentials const who = process->copy_credentials();
        return {who.effective_uid, who.effective_gid};
    }
    Result<> may_look_into(Pid pid) override { return look_into(*TRY(get(pid))); }
    bool is_own(Pid pid) override { return current() == pid; }

private:
    /// The kernel itself may.
    static Result<> look_into(Process const& process) {
        UserThread const* thread = current_user_thread_or_null();
        return thread ? process::may_look_into(thread->process(), process) : Result<>{};
    }
    static Result<Ref<Process>> get(Pid pid) {
        Ref<Process> process = process_manager.find(pid);
        if (!process) return fail(ESRCH);
        return process;
    }
    static fs::FsContext directory(Process const& process) {
        decltype(process.fs_lock)::Guard guard(process.fs_lock);
        return process.fs_context;
    }
};

constinit Directories directories;

}

void register_process_directories() { fs::procfs.set_process_provider(directories); }

}
