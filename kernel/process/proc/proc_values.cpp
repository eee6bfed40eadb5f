// SPDX-License-Identifier: MIT
// The small files of /proc/PID. Access to a program's memory is checked when the file is opened, and only for the program that then
// runs: after an exec, which may have given the process more rights, the file shows nothing.
#include <algorithm>
#include <charconv>

#include "kernel/process/life/oom.h"
#include "kernel/process/proc/proc_files.h"
#include "kernel/process/process_manager.h"
#include "kernel/process/rights.h"
#include "kernel/process/signal/signal.h"

namespace process {
namespace {

using base::format_to;
using base::Writer;

/// Copies a range of a program's memory to `out`.
Result<> copy_out(mm::AddressSpace& space, UserAddr from, UserAddr end, Writer& out) {
    std::array<std::byte, 512> piece;
    while (from < end) {
        if (fatal_signal_pending()) return fail(EINTR);
        size_t const wanted = std::min<u64>(piece.size(), end - from);
        size_t const got = TRY(space.read(from, {piece.data(), wanted}));
        if (got == 0) break;
        out.write({reinterpret_cast<char const*>(piece.data()), got});
        from += got;
    }
    return {};
}

/// The value of `opened` for the current program: its number plus 1, since 0 means none.
u64 opened_of(Process const& process, Process::StateGuard const&) { return u64{process.programs} + 1; }

/// Null: the process has ended, or runs another program.
Ref<mm::AddressSpace> memory_of(Process const& process, u64 opened) {
    Locked guard(process.state_lock);
    return opened_of(process, guard) == opened ? process.address_space : nullptr;
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = " \t\n\r\v\f";
    size_t const first = text.find_first_not_of(blanks);
    return first == text.npos ? std::string_view() : text.substr(first, text.find_last_not_of(blanks) + 1 - first);
}

/// As Linux's kstrtoint(): a sign, then decimal, 0x hexadecimal or 0 octal. EINVAL.
Result<int> parse_int(std::string_view text) {
    text = trimmed(text.substr(0, text.find('\0')));
    bool const negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    int base = 10;
    if (text.starts_with("0x") || text.starts_with("0X")) {
        base = 16;
        text.remove_prefix(2);
    } else if (text.size() > 1 && text.starts_with('0')) {
        base = 8;
    }
    u32 value = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size() || value > INT32_MAX) return fail(EINVAL);
    return negative ? -static_cast<int>(value) : static_cast<int>(value);
}

}

Result<u64> open_program(Shown const& shown) {
    Process const& process = *shown.process;
    Locked guard(process.state_lock);
    if (UserThread const* asker = current_user_thread_or_null()) TRY(may_look_into(asker->process(), process));   // a kernel thread may
    return opened_of(process, guard);
}

Result<> write_arguments(Shown const& shown, u64, Writer& out) {
    Ref<mm::AddressSpace> const space = shown.process->copy_address_space();
    if (!space) return {};
    mm::ImageLayout const layout = space->layout();
    return copy_out(*space, layout.arguments_start, layout.arguments_end, out);
}

Result<> write_environment(Shown const& shown, u64 opened, Writer& out) {
    Ref<mm::AddressSpace> const space = memory_of(*shown.process, opened);
    if (!space) return {};
    mm::ImageLayout const layout = space->layout();
    return copy_out(*space, layout.environment_start, layout.environment_end, out);
}

Result<> write_maps(Shown const& shown, u64 opened, Writer& out) {
    if (Ref<mm::AddressSpace> const space = memory_of(*shown.process, opened)) space->write_maps(out);
    return {};
}

Result<> write_auxiliary_vector(Shown const& shown, u64 opened, Writer& out) {
    decltype(Process::auxiliary_vector) words;
    {
        Locked guard(shown.process->state_lock);
        if (opened_of(*shown.process, guard) != opened || !shown.process->address_space) return {};
        words = shown.process->auxiliary_vector;
    }
    size_t used = 0;
    while (used + 2 < words.size() && words[used] != 0) used += 2;
    out.write({reinterpret_cast<char const*>(words.data()), (used + 2) * sizeof(u64)});
    return {};
}

Result<> write_personality(Shown const& shown, u64, Writer& out) {
    Locked guard(shown.process->signal_lock);
    UserThread const* const thread = shown.thread();
    if (thread) format_to(out, "{:08x}\n", thread->personality);
    return {};
}

Result<> write_command_name(Shown const& shown, u64, Writer& out) {
    if (!shown.is_thread()) return format_to(out, "{}\n", shown.process->name()), Result<>{};
    char name[sizeof UserThread::name];
    {
        Locked guard(shown.process->signal_lock);
        UserThread const* const thread = shown.thread();
        if (!thread) return fail(ESRCH);
        std::ranges::copy(thread->name, name);
    }
    format_to(out, "{}\n", std::string_view(name));
    return {};
}

Result<> change_command_name(Shown const& shown, std::string_view text) {
    if (&current_process() != shown.process.get()) return fail(EINVAL);
    text = text.substr(0, text.find('\0'));
    Locked guard(shown.process->signal_lock);
    UserThread* const thread = shown.thread();
    if (!thread) return fail(ESRCH);
    thread->set_name(text);
    if (thread->is_leader()) shown.process->set_name(text);
    return {};
}

Result<> write_limits(Shown const& shown, u64, Writer& out) {
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
        ResourceLimit const limit = shown.process->limit(static_cast<unsigned>(i));
        format_to(out, "{:<26}", rows[i].name);
        for (u64 value : {limit.soft, limit.hard}) {
            if (value == ~u64{0}) format_to(out, "{:<21}", "unlimited");
            else format_to(out, "{:<21}", value);
        }
        format_to(out, "{:<10}\n", rows[i].unit);
    }
    return {};
}

Result<> write_oom_score(Shown const& shown, u64, Writer& out) {
    format_to(out, "{}\n", shown_oom_score(*shown.process));
    return {};
}

Result<> write_oom_adjustment(Shown const& shown, u64, Writer& out) {
    format_to(out, "{}\n", shown.process->oom_score_adjustment.load());
    return {};
}

/// proc(5): only a privileged caller may go below the last value that a privileged caller set (Linux's CAP_SYS_RESOURCE).
Result<> change_oom_adjustment(Shown const& shown, std::string_view text) {
    constexpr int least = -1000, greatest = 1000;
    int const wanted = TRY(parse_int(text));
    if (wanted < least || wanted > greatest) return fail(EINVAL);
    Process& process = *shown.process;
    bool const privileged = current_process().credentials.is_privileged();
    Locked guard(tree_lock);
    if (wanted < process.least_oom_adjustment && !privileged) return fail(EACCES);
    process.oom_score_adjustment = wanted;
    if (privileged) process.least_oom_adjustment = wanted;
    return {};
}

}
