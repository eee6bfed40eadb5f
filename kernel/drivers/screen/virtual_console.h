// SPDX-License-Identifier: MIT
// VirtualConsole: one of tty1 … tty6: a terminal, the reader of its escape sequences, and its cells, which it gets when it is first
// opened or switched to. Screen decides which console is seen. ioctl_console(2).
// Output is queued with interrupts off, and threads read it (settle()) a piece at a time, since three bytes may write the whole screen.
#pragma once

#include <atomic>

#include "kernel/drivers/vt/vt.h"
#include "kernel/tty/terminal.h"

namespace drivers {

using ScreenLock = SpinLock<LockRank::console_device, InterruptsOff>;
/// Guards the cells of every console, which console is shown, and the surface that shows it.
extern constinit ScreenLock screen_lock;

class VirtualConsole final : public tty::TerminalDevice {
public:
    constexpr explicit VirtualConsole(u32 number) : terminal(fs::make_device(4, number), settings()), number_(number) {}

    /// Gives the console its cells, unless it has them. ENOMEM
    Result<> allocate(u16 columns, u16 rows);
    /// Frees its cells. EBUSY: the console is open or in front.
    Result<> deallocate();
    u32 number() const { return number_; }
    bool is_allocated() const REQUIRES(screen_lock) { return memory_ != nullptr; }
    bool is_open() const REQUIRES(screen_lock) { return open_files_ != 0; }

    // tty::TerminalDevice
    size_t room() override;
    void transmit(std::span<char const> bytes) override;
    void settle() override;
    size_t pending() override { return 0; }
    void discard() override {}
    void size(u16& columns, u16& rows) override;
    Result<> opened() override;
    void closed() override;
    Result<i64> device_ioctl(u32 command, u64 argument) override;

    tty::Terminal terminal;
    Vt vt GUARDED_BY(screen_lock);
    bool shows_graphics GUARDED_BY(screen_lock) = false;   ///< KD_GRAPHICS: a program draws on the screen itself

private:
    static constexpr ::termios settings() {
        ::termios t = tty::initial_settings();
        t.c_iflag |= IUTF8;
        return t;
    }
    Result<i64> change(u32 command, u64 argument);
    bool settle_some();

    u32 const number_;
    static constexpr u32 queue_size = 1024;
    std::array<char, queue_size> queue_ GUARDED_BY(screen_lock){};
    u32 queue_head_ GUARDED_BY(screen_lock) = 0, queue_tail_ GUARDED_BY(screen_lock) = 0;   ///< bytes ever put in, taken out
    std::atomic<bool> was_full_{false};                ///< the terminal waits to be told of room. Ordering: relaxed, after screen_lock
    u32 open_files_ GUARDED_BY(screen_lock) = 0;
    void* memory_ GUARDED_BY(screen_lock) = nullptr;   ///< cells, then the history's line numbers
};

}
