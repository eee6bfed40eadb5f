// SPDX-License-Identifier: MIT
// The log ring: 64 KiB of text, each line prefixed with Linux's "<level>" (dmesg strips it). Lock `log` guards the
// ring; lock `console` guards the sinks and the bytes being output, so a slow console never delays code that only
// logs into the ring. The oldest text is overwritten.
#include <base/log.h>

#include <algorithm>
#include <cstring>

#include <arch/spin_lock.h>
#include <arch/time.h>

namespace base {

constinit Log kernel_log;

namespace {

constexpr size_t ring_size = 64 * kib;
constexpr size_t line_capacity = 512;
constexpr size_t level_prefix = 3;           // "<6>"

constinit SpinLock<LockRank::log, InterruptsOff> ring_lock;
constinit SpinLock<LockRank::console, InterruptsOff> console_lock;
using RingGuard = decltype(ring_lock)::Guard;
using ConsoleGuard = decltype(console_lock)::Guard;

constinit char ring[ring_size] GUARDED_BY(ring_lock);
constinit u64 ring_end GUARDED_BY(ring_lock) = 0;   // bytes ever written
constinit LogSink* sinks GUARDED_BY(console_lock) = nullptr;
constinit u8 console_level = static_cast<u8>(LogLevel::Debug);   // read without a lock: at worst one line more or less

u64 oldest() REQUIRES(ring_lock) { return ring_end > ring_size ? ring_end - ring_size : 0; }

void append(std::string_view text) REQUIRES(ring_lock) {
    size_t const at = ring_end % ring_size;
    size_t const first = std::min(text.size(), ring_size - at);
    std::memcpy(ring + at, text.data(), first);
    std::memcpy(ring, text.data() + first, text.size() - first);
    ring_end += text.size();
}

size_t copy_from_ring(u64 position, std::span<char> out) {
    Locked guard(ring_lock);
    position = std::max(position, oldest());
    size_t const size = position >= ring_end ? 0 : static_cast<size_t>(std::min<u64>(out.size(), ring_end - position));
    size_t const at = position % ring_size, first = std::min(size, ring_size - at);
    std::memcpy(out.data(), ring + at, first);
    std::memcpy(out.data() + first, ring, size - first);
    return size;
}

/// Shows lines that are already in the ring, each only if its level allows it.
class Replay {
public:
    explicit Replay(LogSink& sink) : sink_(sink) {}
    void text(std::string_view part) {
        while (!part.empty()) {
            if (column_ < level_prefix) {
                if (column_ == 1) shown_ = part[0] - '0' < console_level;
                part.remove_prefix(1);
                ++column_;
                continue;
            }
            size_t const newline = part.find('\n');
            size_t const length = newline == std::string_view::npos ? part.size() : newline + 1;
            if (shown_) sink_.write(part.substr(0, length));
            if (newline != std::string_view::npos) column_ = 0;
            part.remove_prefix(length);
        }
    }
private:
    LogSink& sink_;
    size_t column_ = 0;
    bool shown_ = true;
};

/// Start of the oldest whole line: the oldest text may begin in the middle of a line.
u64 first_whole_line() REQUIRES(ring_lock) {
    u64 position = oldest();
    if (position == 0) return 0;
    while (position < ring_end && ring[position % ring_size] != '\n') ++position;
    return std::min(position + 1, ring_end);
}

void replay_from(u64 position, LogSink& sink) REQUIRES(ring_lock) {
    Replay replay(sink);
    size_t const size = ring_end - position, at = position % ring_size, first = std::min(size, ring_size - at);
    replay.text({ring + at, first});
    replay.text({ring, size - first});
    sink.shown_until = ring_end;
}

size_t format_line(std::span<char> line, LogLevel level, std::string_view subsystem, std::string_view format,
                   std::span<FormatArgument const> arguments) {
    BufferWriter out(line.first(line.size() - 1));
    u64 const microseconds = arch::clock_ns() / ns_per_us;
    format_to(out, "<{}>[{:>5}.{:06}] ", static_cast<u8>(level), microseconds / 1'000'000, microseconds % 1'000'000);
    if (!subsystem.empty()) format_to(out, "{}: ", subsystem);
    size_t const message = out.text().size();
    format_arguments(out, format, arguments);
    size_t const length = out.text().size();
    // The text may contain a user's names: no second line, and no escape sequences.
    for (char& character : line.subspan(message, length - message))
        if ((static_cast<u8>(character) < ' ' && character != '\t') || character == '\x7f') character = '?';
    line[length] = '\n';
    return length + 1;
}

}

void Log::add_sink(LogSink& sink) {
    Locked ring_guard(ring_lock);   // nothing may be logged between the replay and the first new line
    Locked console_guard(console_lock);
    replay_from(std::max(first_whole_line(), sink.shown_until), sink);
    sink.next = sinks;
    sinks = &sink;
}

void Log::remove_sink(LogSink& sink) {
    Locked ring_guard(ring_lock);
    Locked console_guard(console_lock);
    for (LogSink** link = &sinks; *link; link = &(*link)->next) {
        if (*link != &sink) continue;
        *link = sink.next;
        sink.shown_until = ring_end;
        return;
    }
}

void Log::replace_sink(LogSink& old, LogSink& now) {
    remove_sink(old);
    now.shown_until = old.shown_until;
    add_sink(now);
}

void Log::set_console_level(u8 level) { console_level = level; }

size_t Log::read(u64 position, std::span<char> out) const { return copy_from_ring(position, out); }

u64 Log::start_position() const {
    Locked guard(ring_lock);
    return oldest();
}

u64 Log::end_position() const {
    Locked guard(ring_lock);
    return ring_end;
}

void Log::vlog(LogLevel level, std::string_view subsystem, std::string_view format, std::span<FormatArgument const> arguments) {
    char line[line_capacity];
    std::string_view const text(line, format_line(line, level, subsystem, format, arguments));
    {
        Locked guard(ring_lock);
        append(text);
    }
    if (static_cast<u8>(level) >= console_level) return;
    Locked guard(console_lock);
    for (LogSink* sink = sinks; sink; sink = sink->next) sink->write(text.substr(level_prefix));
}

bool Log::has_sink() const {
    Locked guard(console_lock);
    return sinks != nullptr;
}

}
