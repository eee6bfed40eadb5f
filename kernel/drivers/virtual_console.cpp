// SPDX-License-Identifier: MIT
// A console's memory and output.
#include "kernel/drivers/virtual_console.h"

#include <algorithm>

#include "kernel/drivers/screen.h"
#include "mm/frame_allocator.h"
#include "mm/kernel_space.h"

namespace drivers {

namespace {

/// A console's history: so many lines, if that is not more than this part of the machine's memory or this many bytes.
constexpr size_t most_lines = 3000, most_bytes = 4 * mib;
constexpr u64 part_of_memory = 64;

size_t history_lines(u16 columns) {
    size_t const bytes = std::min<u64>(mm::frame_allocator.total_bytes() / part_of_memory, most_bytes);
    return std::min(bytes / (columns * sizeof(Cell)), most_lines);
}

}

constinit ScreenLock screen_lock;

Result<> VirtualConsole::allocate(u16 columns, u16 rows) {
    {
        ScreenLock::Guard guard(screen_lock);
        if (is_allocated()) return {};
    }
    size_t const history = history_lines(columns);
    size_t const cells = (2uz * rows + history) * columns;   // with the alternate screen
    void* memory = TRY(mm::kernel_space.allocate_pages(align_up(cells * sizeof(Cell) + history * sizeof(u16), page_size)));
    auto* const first = static_cast<Cell*>(memory);
    for (size_t i = 0; i < cells; ++i) new (first + i) Cell;
    {
        ScreenLock::Guard guard(screen_lock);
        if (!is_allocated()) {
            vt.attach({first, cells}, columns, rows, {reinterpret_cast<u16*>(first + cells), history});
            shows_graphics = false;
            memory_ = std::exchange(memory, nullptr);
        }
    }
    if (memory) mm::kernel_space.free_pages(memory);   // another was first
    return {};
}

Result<> VirtualConsole::deallocate() {
    void* memory;
    {
        ScreenLock::Guard guard(screen_lock);
        if (is_open() || this == &screen.foreground()) return fail(EBUSY);
        memory = std::exchange(memory_, nullptr);
    }
    if (memory) mm::kernel_space.free_pages(memory);
    return {};
}

Result<> VirtualConsole::opened() {
    {
        ScreenLock::Guard guard(screen_lock);
        ++open_files_;   // from here on nobody takes its memory away
    }
    Result<> const provided = allocate(screen.columns(), screen.rows());
    if (!provided) closed();
    return provided;
}

void VirtualConsole::closed() {
    ScreenLock::Guard guard(screen_lock);
    --open_files_;
}

void VirtualConsole::size(u16& columns, u16& rows) { columns = screen.columns(), rows = screen.rows(); }

void VirtualConsole::transmit(std::span<char const> bytes) {
    {
        ScreenLock::Guard guard(screen_lock);
        if (!is_allocated()) return;
        vt.write(bytes);
    }
    screen.console_changed(*this);
}

}
