// SPDX-License-Identifier: MIT
// The screen: programs' output and log lines go through the escape-sequence reader into
// cells; a thread of its own draws what changed, at most 60 times a second. Log lines are
// drawn at once. lock_ guards cells, what is shown, and the surface.
#pragma once

#include <base/log.h>

#include "kernel/drivers/surface.h"
#include "kernel/drivers/vt.h"
#include "kernel/tty/terminal.h"

namespace drivers {

class Screen final : public tty::TerminalDevice, public base::LogSink {
public:
    constexpr Screen() : terminal(fs::make_device(4, 1), settings()) {}

    /// ENODEV: there is nothing to draw on. ENOMEM.
    Result<> start(boot::BootInfo const& info);
    bool is_present() const { return surface_ != nullptr; }
    void write(std::string_view text) override;   // base::LogSink

    tty::Terminal terminal;

private:
    using Lock = SpinLock<LockRank::console_device, InterruptsOff>;

    static constexpr ::termios settings() {
        ::termios t = tty::initial_settings();
        t.c_iflag |= IUTF8;
        return t;
    }

    // tty::TerminalDevice
    size_t room() override { return page_size; }
    void transmit(std::span<char const> bytes) override;
    size_t pending() override { return 0; }
    void discard() override {}
    void size(u16& columns, u16& rows) override { columns = surface_->columns(), rows = surface_->rows(); }
    Result<i64> device_ioctl(u32 command, u64 argument) override;

    Result<Surface*> find_surface(boot::BootInfo const& info);
    Result<> allocate_cells();
    static void draw_for_ever(void* screen);
    void draw_changes();
    void draw_row(u16 row, Lock::Guard const& guard) REQUIRES(lock_);
    void draw_all(Lock::Guard const& guard) REQUIRES(lock_);
    void send_reply();

    Surface* surface_ = nullptr;                ///< set once by start()
    Lock lock_;
    Vt vt_ GUARDED_BY(lock_);
    Cell* shown_ GUARDED_BY(lock_) = nullptr;   ///< what the surface shows now, row by row
    std::atomic<bool> changed_{false};          ///< something is to be drawn. Ordering: release by writers, acquire by the drawing thread
    sched::WaitQueue changes_;
    PixelSurface pixels_;
    TextSurface text_;
};

extern constinit Screen screen;

}
