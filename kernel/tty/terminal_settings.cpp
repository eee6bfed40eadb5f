// SPDX-License-Identifier: MIT
// A terminal's settings in the three forms of ioctl_tty(2): termios, termios2 (with speeds in baud), termio (System V's). All
// are converted to and from termios2; what a form does not contain stays as it is.
#include <algorithm>
#include <array>

#include <asm/ioctls.h>

#include "kernel/tty/terminal.h"
#include "mm/user/user_access.h"

namespace tty {

namespace {

/// B0 … B38400, then from CBAUDEX on B57600 … B4000000.
constexpr std::array<u32, 16> low_speeds = {0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400};
constexpr std::array<u32, 16> high_speeds = {0,      57600,  115200,  230400,  460800,  500000,  576000,  921600,
                                             1000000, 1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000};

/// The speed that the bits of c_cflag mean; `other`: the speed for BOTHER.
constexpr u32 speed_of(tcflag_t bits, u32 other) {
    if ((bits & CBAUD) == BOTHER) return other;
    return (bits & CBAUDEX) ? high_speeds[bits & CBAUD & 15] : low_speeds[bits & CBAUD & 15];
}

void set_speeds(::termios2& settings) {
    settings.c_ospeed = speed_of(settings.c_cflag, settings.c_ospeed);
    tcflag_t const input = settings.c_cflag >> IBSHIFT;
    settings.c_ispeed = (input & CBAUD) == B0 ? settings.c_ospeed : speed_of(input, settings.c_ispeed);
}

::termios without_speeds(::termios2 const& from) {
    ::termios to{};
    to.c_iflag = from.c_iflag, to.c_oflag = from.c_oflag, to.c_cflag = from.c_cflag, to.c_lflag = from.c_lflag, to.c_line = from.c_line;
    std::copy(std::begin(from.c_cc), std::end(from.c_cc), to.c_cc);
    return to;
}

/// Sets the part of `settings` that a termios contains.
void take(::termios2& settings, ::termios const& from) {
    settings.c_iflag = from.c_iflag, settings.c_oflag = from.c_oflag, settings.c_cflag = from.c_cflag, settings.c_lflag = from.c_lflag;
    settings.c_line = from.c_line;
    std::copy(std::begin(from.c_cc), std::end(from.c_cc), settings.c_cc);
}

/// Sets the part of `settings` that a termio contains: the low halves of the flags, and eight characters.
void take(::termios2& settings, ::termio const& from) {
    constexpr tcflag_t high = 0xffff0000;
    settings.c_iflag = (settings.c_iflag & high) | from.c_iflag;
    settings.c_oflag = (settings.c_oflag & high) | from.c_oflag;
    settings.c_cflag = (settings.c_cflag & high) | from.c_cflag;
    settings.c_lflag = (settings.c_lflag & high) | from.c_lflag;
    settings.c_line = from.c_line;
    std::copy(std::begin(from.c_cc), std::end(from.c_cc), settings.c_cc);
}

::termio as_termio(::termios2 const& from) {
    ::termio to{};
    to.c_iflag = static_cast<unsigned short>(from.c_iflag), to.c_oflag = static_cast<unsigned short>(from.c_oflag);
    to.c_cflag = static_cast<unsigned short>(from.c_cflag), to.c_lflag = static_cast<unsigned short>(from.c_lflag);
    to.c_line = from.c_line;
    std::copy_n(from.c_cc, sizeof to.c_cc, to.c_cc);
    return to;
}

Result<> read_settings(u32 command, u64 argument, ::termios2& settings) {
    switch (command) {
    case TCSETS2:
    case TCSETSW2:
    case TCSETSF2: settings = TRY(mm::UserPtr<::termios2>(argument).read()); break;
    case TCSETA:
    case TCSETAW:
    case TCSETAF: take(settings, TRY(mm::UserPtr<::termio>(argument).read())); break;
    case TIOCSSOFTCAR: {
        bool const local = TRY(mm::UserPtr<i32>(argument).read()) != 0;
        settings.c_cflag = local ? settings.c_cflag | CLOCAL : settings.c_cflag & ~static_cast<tcflag_t>(CLOCAL);
        break;
    }
    default: take(settings, TRY(mm::UserPtr<::termios>(argument).read()));
    }
    return {};
}

constexpr bool drains(u32 command) { return command != TCSETS && command != TCSETS2 && command != TCSETA && command != TIOCSSOFTCAR; }
constexpr bool discards(u32 command) { return command == TCSETSF || command == TCSETSF2 || command == TCSETAF; }

}

::termios2 Terminal::current_settings() {
    ::termios2 settings{};
    Locked guard(lock_);
    take(settings, discipline_.settings());
    settings.c_ispeed = input_speed_, settings.c_ospeed = output_speed_;
    return settings;
}

Result<i64> Terminal::get_settings(u32 command, u64 argument) {
    auto const settings = current_settings();
    switch (command) {
    case TCGETS2: TRY(mm::UserPtr<::termios2>(argument).write(settings)); break;
    case TCGETA: TRY(mm::UserPtr<::termio>(argument).write(as_termio(settings))); break;
    case TIOCGSOFTCAR: TRY(mm::UserPtr<i32>(argument).write((settings.c_cflag & CLOCAL) ? 1 : 0)); break;
    default: TRY(mm::UserPtr<::termios>(argument).write(without_speeds(settings)));
    }
    return 0;
}

Result<i64> Terminal::set_settings(u32 command, u64 argument, Use use) {
    auto settings = current_settings();
    TRY(read_settings(command, argument, settings));
    set_speeds(settings);
    if (drains(command)) TRY(wait_for_drain(use));
    apply(settings, discards(command));
    changes_.wake_all();
    return 0;
}

void Terminal::apply(::termios2 const& settings, bool discard_input) {
    auto next = without_speeds(settings);
    device_->fit(next);
    Locked guard(lock_);
    if (discard_input) {
        discipline_.discard_input();
        device_->input_discarded();
    }
    ::termios const old = discipline_.settings();
    discipline_.configure(next, *this);
    input_speed_ = settings.c_ispeed, output_speed_ = settings.c_ospeed;
    device_->settings_changed(old, next);
    after_reading(guard);
}

}
