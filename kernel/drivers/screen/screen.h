// SPDX-License-Identifier: MIT
// The screen: programs' output goes through a console's escape-sequence reader into its cells; a thread of the screen's own draws what
// has changed of the console in front, at most every 16 ms. Log lines go to that console and are drawn at once, except over graphics.
#pragma once

#include <base/log.h>

#include "kernel/drivers/keyboard/key_input.h"
#include "kernel/drivers/screen/surface.h"
#include "kernel/drivers/screen/virtual_console.h"

namespace drivers {

class Screen final : public KeyTarget, public base::LogSink {
public:
    static constexpr u32 console_count = 6;

    constexpr Screen() = default;
    /// Finds the surface and starts the thread. ENODEV: there is nothing to draw on. ENOMEM.
    Result<> start(boot::BootInfo const& info);
    bool is_present() const { return surface_ != nullptr; }
    u16 columns() const { return surface_->columns(); }
    u16 rows() const { return surface_->rows(); }
    void write(std::string_view text) override;   // base::LogSink

    /// The console of this number, 1 … console_count; null: there is none.
    VirtualConsole* console(u32 number) { return number - 1 < console_count ? &consoles_[number - 1] : nullptr; }
    /// The console in front. Any context.
    VirtualConsole& foreground() { return consoles_[foreground_.load(std::memory_order_relaxed)]; }
    /// Puts a console in front; does nothing if switching is forbidden. ENOMEM
    Result<> activate(VirtualConsole& console);
    /// Waits until a console is in front. restart_sys: a signal came first.
    Result<> wait_until_active(VirtualConsole& console);
    /// VT_LOCKSWITCH
    void forbid_switching(bool on) { may_switch_.store(!on, std::memory_order_relaxed); }
    /// Called when a console's cells have changed. Any context, under a terminal's lock.
    void console_changed(VirtualConsole& console);
    /// Called when a console has output queued. Any context, under a terminal's lock.
    void output_waits() { wake(); }
    /// Has everything drawn again, whatever shown_ says.
    void repaint();
    Result<i64> set_graphics(VirtualConsole& console, bool on);

    // KeyTarget
    void type(std::span<char const> bytes) override;
    void command(ScreenCommand const& command) override;

private:
    Result<Surface*> find_surface(boot::BootInfo const& info);
    Result<> allocate_shown();
    Result<> register_terminals();
    static void draw_for_ever(void* screen);
    void obey();
    u32 neighbour(i32 step);
    void wake();
    void draw_changes();
    void draw_row(VirtualConsole& console, u16 row, u16 from, u16 to) REQUIRES(screen_lock);
    void draw_all(VirtualConsole& console) REQUIRES(screen_lock);
    void draw_look(VirtualConsole& console) REQUIRES(screen_lock);
    void send_replies();

    Surface* surface_ = nullptr;                ///< set once by start()
    Cell* shown_ GUARDED_BY(screen_lock) = nullptr;   ///< what the surface shows now, row by row
    std::atomic<u32> foreground_{0};            ///< an index; changes under screen_lock
    u32 previous_ GUARDED_BY(screen_lock) = 0;  ///< the number of the console that was in front before; 0: none was
    std::atomic<bool> changed_{false};          ///< the drawing thread has work. Ordering: release by writers, acquire by that thread
    std::atomic<bool> may_switch_{true};        ///< Ordering: relaxed, guards nothing
    // What keys ask of the thread, since a switch may allocate memory. Ordering: relaxed, changed_ is set after them.
    std::atomic<u32> wanted_console_{0};        ///< 0: none
    std::atomic<i32> wanted_step_{0};
    std::atomic<bool> wanted_last_{false};
    sched::WaitQueue changes_;
    sched::WaitQueue switches_;                 ///< for another console to come to the front
    PixelSurface pixels_;
    TextSurface text_;
    VirtualConsole consoles_[console_count] = {VirtualConsole(1), VirtualConsole(2), VirtualConsole(3),
                                               VirtualConsole(4), VirtualConsole(5), VirtualConsole(6)};
};

extern constinit Screen screen;

/// Registers the nodes vcs…, vcsu… and vcsa…: what consoles show, vcs(4).
Result<> register_screen_memory();

}
