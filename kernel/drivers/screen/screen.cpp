// SPDX-License-Identifier: MIT
// Screen: finds the surface, and draws what has changed in the console in front. The drawing thread has a real-time class, so that a
// busy program cannot keep the screen from showing what happens. Interrupts are off only for a part of a row at a time.
#include "kernel/drivers/screen/screen.h"

#include <algorithm>

#include "mm/kernel_space.h"
#include "sched/clock.h"
#include "sched/scheduler.h"

namespace drivers {

namespace {

constexpr u64 frame_ns = 16 * ns_per_ms;
constexpr u8 drawing_priority = 20;
constexpr PhysAddr vga_text_memory{0xb8000};
constexpr u32 vga_columns = 80, vga_rows = 25;

constexpr Pen stamp_pen{8, 0, 0}, subsystem_pen{6, 0, Pen::bold}, text_pen{}, panic_pen{9, 0, Pen::bold};

/// The lengths of the stamp "[    0.123456] " and of the subsystem "memory:" with which a log line begins; 0: it has none.
struct LineParts {
    size_t stamp = 0, subsystem = 0;
};

LineParts parts_of(std::string_view line) {
    LineParts parts;
    size_t const bracket = line.find("] ");
    if (line.empty() || line[0] != '[' || bracket == line.npos) return parts;
    parts.stamp = bracket + 2;
    std::string_view const rest = line.substr(parts.stamp);
    size_t const colon = rest.find(": ");
    if (colon != rest.npos && rest.find(' ') > colon) parts.subsystem = colon + 1;
    return parts;
}

}

constinit Screen screen;

// ---------------------------------------------------------------- start

Result<Surface*> Screen::find_surface(boot::BootInfo const& info) {
    boot::Framebuffer const& found = info.framebuffer;
    if (found.kind == boot::Framebuffer::Kind::Linear) {
        TRY(pixels_.start(found));
        return &pixels_;
    }
    if (found.kind == boot::Framebuffer::Kind::Text) {
        TRY(text_.start(found.address, found.width, found.height, found.pitch));
        return &text_;
    }
    // A loader that says nothing of the screen leaves it as the BIOS has set it.
    if (info.uefi || !TextSurface::is_active()) return fail(ENODEV);
    TRY(text_.start(vga_text_memory, vga_columns, vga_rows, 2 * vga_columns));
    return &text_;
}

Result<> Screen::allocate_shown() {
    size_t const count = size_t{surface_->columns()} * surface_->rows();
    auto* const cells = static_cast<Cell*>(TRY(mm::kernel_space.allocate_pages(align_up(count * sizeof(Cell), page_size))));
    for (size_t i = 0; i < count; ++i) new (cells + i) Cell;
    Locked guard(screen_lock);
    shown_ = cells;
    return {};
}

Result<> Screen::register_terminals() {
    for (VirtualConsole& console : consoles_) {
        char const name[] = {'t', 't', 'y', static_cast<char>('0' + console.number())};
        console.terminal.attach(console);
        TRY(tty::register_terminal(console.terminal, {name, sizeof name}, console.terminal.number(), 0620));
    }
    return tty::register_current_terminal("tty0", [] -> tty::Terminal& { return screen.foreground().terminal; });
}

Result<> Screen::start(boot::BootInfo const& info) {
    Surface* const surface = TRY(find_surface(info));
    surface_ = surface;
    TRY(allocate_shown());
    TRY(consoles_[0].allocate(columns(), rows()));
    TRY(register_terminals());
    TRY(register_screen_memory());
    sched::Thread* const thread = TRY(sched::scheduler.create_kernel_thread("screen", draw_for_ever, this));
    sched::scheduler.set_class(*thread, sched::SchedulingClass::Fifo, drawing_priority);
    if (surface_ == &pixels_) {
        auto const& format = info.framebuffer;
        log_info("screen", "{}x{}, {} bits a pixel: {}x{} characters", format.width, format.height, format.bits_per_pixel,
                 surface_->columns(), surface_->rows());
    } else {
        log_info("screen", "VGA text, {}x{} characters", surface_->columns(), surface_->rows());
    }
    return {};
}

// ---------------------------------------------------------------- drawing

/// Draws those of the cells [from, to) of a row that differ from what is shown.
void Screen::draw_row(VirtualConsole& console, u16 row, u16 from, u16 to) {
    ScreenCells& cells = console.vt.cells();
    u16 const columns = cells.columns();
    bool const has_cursor = console.vt.is_cursor_visible() && cells.view() == 0 && cells.row() == row;
    u8 const inverted = console.vt.is_inverted() ? Pen::reverse : 0;
    Cell const* const line = cells.shown_line(row);
    Cell* const shown = shown_ + size_t{row} * columns;
    for (u16 column = from; column < to; ++column) {
        Cell wanted = line[column];
        wanted.pen.flags ^= inverted;
        if (has_cursor && cells.column() == column) wanted.pen.flags |= Pen::cursor;
        if (wanted == shown[column]) continue;
        shown[column] = wanted;
        surface_->draw(column, row, wanted);
    }
}

void Screen::draw_all(VirtualConsole& console) {
    draw_look(console);
    ScreenCells& cells = console.vt.cells();
    for (u16 row = 0; row < cells.rows(); ++row) {
        if (!cells.is_dirty(row)) continue;
        cells.clear_dirty(row);
        draw_row(console, row, 0, cells.columns());
    }
}

/// Sets the colours and the cursor's shape; if they have changed, everything is drawn again.
void Screen::draw_look(VirtualConsole& console) {
    if (!surface_->set_look(console.vt.look())) return;
    constexpr Cell nothing{0xffff, {0, 0, 0xff}};
    std::fill_n(shown_, size_t{columns()} * rows(), nothing);
    console.vt.cells().mark_all();
}

void Screen::repaint() {
    {
        Locked guard(screen_lock);
        constexpr Cell nothing{0xffff, {0, 0, 0xff}};
        std::fill_n(shown_, size_t{columns()} * rows(), nothing);
        foreground().vt.cells().mark_all();
    }
    wake();
}

/// Draws a part of a row at a time, because interrupts are off, and of whichever console is in front by then. A change to a row after
/// its first part marks the row dirty again.
void Screen::draw_changes() {
    constexpr u16 part = 64;
    for (u16 row = 0; row < surface_->rows(); ++row) {
        bool dirty = false;
        for (u16 from = 0; from < columns(); from = static_cast<u16>(from + part)) {
            Locked guard(screen_lock);
            VirtualConsole& console = foreground();
            if (console.shows_graphics) return;
            draw_look(console);
            ScreenCells& cells = console.vt.cells();
            if (from == 0) dirty = cells.is_dirty(row), cells.clear_dirty(row);
            if (!dirty) break;
            draw_row(console, row, from, std::min<u16>(static_cast<u16>(from + part), columns()));
        }
    }
    Locked guard(screen_lock);
    if (!foreground().vt.is_cursor_visible() || foreground().vt.cells().view() != 0) surface_->hide_cursor();
}

void Screen::send_replies() {
    for (VirtualConsole& console : consoles_) {
        char buffer[32];
        std::string_view reply;
        {
            Locked guard(screen_lock);
            if (!console.is_allocated() || !console.vt.has_reply()) continue;
            reply = console.vt.take_reply(buffer);
        }
        console.terminal.input(reply);
    }
}

void Screen::draw_for_ever(void* context) {
    auto& self = *static_cast<Screen*>(context);
    for (;;) {
        // Not interruptible and without a deadline: it can only end with the condition true.
        static_cast<void>(self.changes_.wait([&] { return self.changed_.exchange(false, std::memory_order_acquire); }, sched::Interruptible::No));
        self.obey();
        for (VirtualConsole& console : self.consoles_) console.settle();
        self.draw_changes();
        self.send_replies();
        static_cast<void>(sched::scheduler.sleep_until(sched::clock.monotonic_ns() + frame_ns, sched::Interruptible::No));
    }
}

void Screen::wake() {
    if (!changed_.exchange(true, std::memory_order_release)) changes_.wake_one();
}

// ---------------------------------------------------------------- output

void Screen::console_changed(VirtualConsole& console) {
    if (&console == &foreground()) {
        Locked guard(screen_lock);
        key_input.set_application_cursor(foreground().vt.application_cursor());
    }
    wake();
}

/// This must not wake a thread (the logger's caller may hold a run queue's lock), so the line is drawn at once.
void Screen::write(std::string_view text) {
    Locked guard(screen_lock);
    VirtualConsole& console = foreground();
    Vt& vt = console.vt;
    vt.begin_line();
    if (base::panicking()) {
        vt.write_aside(text, panic_pen);
    } else {
        LineParts const parts = parts_of(text);
        vt.write_aside(text.substr(0, parts.stamp), stamp_pen);
        vt.write_aside(text.substr(parts.stamp, parts.subsystem), subsystem_pen);
        vt.write_aside(text.substr(parts.stamp + parts.subsystem), text_pen);
    }
    if (!console.shows_graphics || base::panicking()) draw_all(console);
}

}
