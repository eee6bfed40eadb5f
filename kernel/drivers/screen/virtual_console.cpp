// SPDX-License-Identifier: MIT
// A console's memory and output. While a console is open or in front, its memory stays; output keeps the order of the queue,
// whichever thread reads it.
#include "kernel/drivers/screen/virtual_console.h"

#include <algorithm>

#include "kernel/drivers/screen/screen.h"
#include "mm/frame_allocator.h"
#include "mm/kernel_space.h"

namespace drivers {

namespace {

/// A console's history has most_lines, or fewer if they would take more than most_bytes or than 1/part_of_memory of the machine's memory.
constexpr size_t most_lines = 3000, most_bytes = 4 * mib;
constexpr u64 part_of_memory = 64;

/// How many cells are written and bytes read in one piece, with interrupts off; one sequence may write more, such as a whole screen.
constexpr u64 most_work = 512;
constexpr u32 most_bytes_at_once = 64;

size_t history_lines(u16 columns) {
    size_t const bytes = std::min<u64>(mm::frame_allocator.total_bytes() / part_of_memory, most_bytes);
    return std::min(bytes / (columns * sizeof(Cell)), most_lines);
}

}

constinit ScreenLock screen_lock;

Result<> VirtualConsole::allocate(u16 columns, u16 rows) {
    {
        Locked guard(screen_lock);
        if (is_allocated()) return {};
    }
    size_t const history = history_lines(columns);
    size_t const cells = (2uz * rows + history) * columns;   // with the alternate screen
    void* memory = TRY(mm::kernel_space.allocate_pages(align_up(cells * sizeof(Cell) + history * sizeof(u16), page_size)));
    auto* const first = static_cast<Cell*>(memory);
    for (size_t i = 0; i < cells; ++i) new (first + i) Cell;
    {
        Locked guard(screen_lock);
        if (!is_allocated()) {
            vt.attach({first, cells}, columns, rows, {reinterpret_cast<u16*>(first + cells), history});
            shows_graphics = false;
            memory_ = std::exchange(memory, nullptr);
        }
    }
    if (memory) mm::kernel_space.free_pages(memory);   // another thread was first
    return {};
}

Result<> VirtualConsole::deallocate() {
    void* memory;
    {
        Locked guard(screen_lock);
        if (is_open() || this == &screen.foreground()) return fail(EBUSY);
        memory = std::exchange(memory_, nullptr);
    }
    if (memory) mm::kernel_space.free_pages(memory);
    return {};
}

Result<> VirtualConsole::opened() {
    {
        Locked guard(screen_lock);
        ++open_files_;   // from here on nobody frees its memory
    }
    Result<> const provided = allocate(screen.columns(), screen.rows());
    if (!provided) closed();
    return provided;
}

void VirtualConsole::closed() {
    Locked guard(screen_lock);
    --open_files_;
}

void VirtualConsole::size(u16& columns, u16& rows) { columns = screen.columns(), rows = screen.rows(); }

size_t VirtualConsole::room() {
    Locked guard(screen_lock);
    size_t const room = queue_size - (queue_head_ - queue_tail_);
    // A writer that finds too little room sleeps, and is woken once the whole queue is free.
    if (room < queue_size / 2) was_full_.store(true, std::memory_order_relaxed);
    return room;
}

void VirtualConsole::transmit(std::span<char const> bytes) {
    {
        Locked guard(screen_lock);
        for (char const byte : bytes) queue_[queue_head_++ % queue_size] = byte;
    }
    screen.output_waits();   // nobody else would read an echo from the queue
}

/// Reads a piece of what is queued. False: nothing is.
bool VirtualConsole::settle_some() {
    Locked guard(screen_lock);
    if (!is_allocated()) queue_tail_ = queue_head_;
    u32 const start = queue_tail_ % queue_size;
    u32 const length = std::min({queue_head_ - queue_tail_, queue_size - start, most_bytes_at_once});
    if (length == 0) return false;
    queue_tail_ += static_cast<u32>(vt.write({&queue_[start], length}, most_work));
    return true;
}

/// Several threads may do this at once: each piece is taken and read under the lock, so output keeps the queue's order.
void VirtualConsole::settle() {
    bool changed = false;
    while (settle_some()) changed = true;
    if (changed) screen.console_changed(*this);
    if (was_full_.exchange(false, std::memory_order_relaxed)) terminal.output_ready();
}

}
