// SPDX-License-Identifier: MIT
// The kernel log: one line per call, stamped with the time since boot, kept in a ring (which dmesg reads) and written
// to every console whose level allows it.
// Any context, under any lock. Defined in kernel/base/log.cpp.
#pragma once

#include <base/format.h>

namespace base {

/// Linux's levels (syslog(2)); `loglevel=N` prints those below N.
enum class LogLevel : u8 { Emergency, Alert, Critical, Error, Warning, Notice, Info, Debug };

/// A device that shows log text: the serial port, the screen.
class LogSink {
public:
    /// Called with interrupts off and the console lock held; must not sleep or log.
    virtual void write(std::string_view text) = 0;
    LogSink* next = nullptr;   ///< owned by the log
    u64 shown_until = 0;       ///< owned by the log: it has received everything before this position
protected:
    ~LogSink() = default;
};

class Log {
public:
    constexpr Log() = default;
    /// Adds a console, which first receives the lines already in the ring.
    void add_sink(LogSink& sink);
    void remove_sink(LogSink& sink);
    /// `now` takes over from `old`, which has shown everything up to here (both drive the same device).
    void replace_sink(LogSink& old, LogSink& now);
    bool has_sink() const;
    /// Lines of this level and above are kept in the ring but not shown.
    void set_console_level(u8 level);
    /// Copies the ring's text from byte `position` on; returns the number of bytes (0: no more). Each line starts
    /// with "<level>". Text older than start_position() has been overwritten: a read from before it starts there.
    size_t read(u64 position, std::span<char> out) const;
    u64 start_position() const;
    u64 end_position() const;
    void vlog(LogLevel level, std::string_view subsystem, std::string_view format, std::span<FormatArgument const> arguments);
};

extern constinit Log kernel_log;

template <class... Arguments>
void log(LogLevel level, std::string_view subsystem, FormatString<std::type_identity_t<Arguments>...> format, Arguments const&... arguments) {
    FormatArgument const list[sizeof...(Arguments) + 1] = {FormatArgument(arguments)..., FormatArgument(0u)};
    kernel_log.vlog(level, subsystem, format.text(), {list, sizeof...(Arguments)});
}
template <class... A>
void log_error(std::string_view subsystem, FormatString<std::type_identity_t<A>...> f, A const&... a) { log(LogLevel::Error, subsystem, f, a...); }
template <class... A>
void log_warning(std::string_view subsystem, FormatString<std::type_identity_t<A>...> f, A const&... a) { log(LogLevel::Warning, subsystem, f, a...); }
template <class... A>
void log_info(std::string_view subsystem, FormatString<std::type_identity_t<A>...> f, A const&... a) { log(LogLevel::Info, subsystem, f, a...); }
template <class... A>
void log_debug(std::string_view subsystem, FormatString<std::type_identity_t<A>...> f, A const&... a) { log(LogLevel::Debug, subsystem, f, a...); }

}

using base::log_debug;
using base::log_error;
using base::log_info;
using base::log_warning;
