// SPDX-License-Identifier: MIT
// Screen: from bytes to drawn cells. The drawing thread has a real-time class, so that
// a busy program cannot keep the screen from showing what happens.
#include "kernel/drivers/screen.h"

#include <linux/kd.h>
#include <linux/vt.h>

#include "kernel/drivers/key_input.h"
#include "kernel/drivers/keyboard_ioctl.h"
#include "mm/kernel_space.h"
#include "mm/user/user_access.h"
#include "sched/clock.h"
#include "sched/scheduler.h"

namespace drivers {

namespace {

constexpr u64 frame_ns = 16 * ns_per_ms;
constexpr u8 drawing_priority = 20;
constexpr PhysAddr vga_text_memory{0xb8000};
constexpr u32 vga_columns = 80, vga_rows = 25;

constexpr Pen stamp_pen{8, 0, 0}, subsystem_pen{6, 0, Pen::bold}, text_pen{}, panic_pen{9, 0, Pen::bold};

/// Lengths of the stamp "[    0.123456] " and the subsystem "memory: " that a log line begins with; 0: has none.
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
    // Loaders that say nothing of the screen leave it as the BIOS set it.
    if (info.uefi || !TextSurface::is_active()) return fail(ENODEV);
    TRY(text_.start(vga_text_memory, vga_columns, vga_rows, 2 * vga_columns));
    return &text_;
}

Result<> Screen::allocate_cells() {
    size_t const count = size_t{surface_->columns()} * surface_->rows();
    auto* const cells = static_cast<Cell*>(TRY(mm::kernel_space.allocate_pages(align_up(2 * count * sizeof(Cell), page_size))));
    for (size_t i = 0; i < 2 * count; ++i) new (cells + i) Cell;
    Lock::Guard guard(lock_);
    shown_ = cells + count;
    vt_.attach({cells, count}, surface_->columns(), surface_->rows());
    return {};
}

Result<> Screen::start(boot::BootInfo const& info) {
    surface_ = TRY(find_surface(info));
    TRY(allocate_cells());
    terminal.attach(*this);
    TRY(tty::register_terminal(terminal, "tty1", terminal.number(), 0620));
    TRY(tty::register_terminal(terminal, "tty0", fs::make_device(4, 0), 0620));
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

void Screen::draw_row(u16 row, Lock::Guard const&) {
    ScreenCells& cells = vt_.cells();
    u16 const columns = cells.columns();
    bool const has_cursor = vt_.is_cursor_visible() && cells.row() == row;
    Cell* const shown = shown_ + size_t{row} * columns;
    for (u16 column = 0; column < columns; ++column) {
        Cell wanted = cells.at(column, row);
        if (has_cursor && cells.column() == column) wanted.pen.flags |= Pen::cursor;
        if (wanted == shown[column]) continue;
        shown[column] = wanted;
        surface_->draw(column, row, wanted);
    }
    cells.clear_dirty(row);
}

void Screen::draw_all(Lock::Guard const& guard) {
    for (u16 row = 0; row < vt_.cells().rows(); ++row)
        if (vt_.cells().is_dirty(row)) draw_row(row, guard);
}

/// Interrupts are off for one row at a time.
void Screen::draw_changes() {
    for (u16 row = 0; row < surface_->rows(); ++row) {
        Lock::Guard guard(lock_);
        if (vt_.cells().is_dirty(row)) draw_row(row, guard);
    }
    Lock::Guard guard(lock_);
    if (!vt_.is_cursor_visible()) surface_->hide_cursor();
}

void Screen::send_reply() {
    char buffer[32];
    std::string_view reply;
    {
        Lock::Guard guard(lock_);
        if (!vt_.has_reply()) return;
        reply = vt_.take_reply(buffer);
    }
    terminal.input(reply);
}

void Screen::draw_for_ever(void* context) {
    auto& self = *static_cast<Screen*>(context);
    for (;;) {
        // Not interruptible and without a deadline: it can only end with the condition true.
        static_cast<void>(self.changes_.wait([&] { return self.changed_.exchange(false, std::memory_order_acquire); }, sched::Interruptible::No));
        self.draw_changes();
        self.send_reply();
        static_cast<void>(sched::scheduler.sleep_until(sched::clock.monotonic_ns() + frame_ns, sched::Interruptible::No));
    }
}

// ---------------------------------------------------------------- output

void Screen::transmit(std::span<char const> bytes) {
    {
        Lock::Guard guard(lock_);
        vt_.write(bytes);
        key_input.set_application_cursor(vt_.application_cursor());
    }
    if (!changed_.exchange(true, std::memory_order_release)) changes_.wake_one();
}

/// Waking a thread is not allowed here (the logger may hold a run queue's lock): the line is drawn at once.
void Screen::write(std::string_view text) {
    Lock::Guard guard(lock_);
    vt_.begin_line();
    if (base::panicking()) {
        vt_.write_aside(text, panic_pen);
    } else {
        LineParts const parts = parts_of(text);
        vt_.write_aside(text.substr(0, parts.stamp), stamp_pen);
        vt_.write_aside(text.substr(parts.stamp, parts.subsystem), subsystem_pen);
        vt_.write_aside(text.substr(parts.stamp + parts.subsystem), text_pen);
    }
    draw_all(guard);
}

Result<i64> Screen::device_ioctl(u32 command, u64 argument) {
    switch (command) {
    case KDGETMODE: TRY(mm::UserPtr<i32>(argument).write(KD_TEXT)); return 0;
    case VT_GETSTATE: {
        ::vt_stat const state{1, 0, 1 << 1};
        TRY(mm::UserPtr<::vt_stat>(argument).write(state));
        return 0;
    }
    default: return keyboard_ioctl(terminal.number(), command, argument);
    }
}

}
