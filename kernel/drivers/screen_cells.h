// SPDX-License-Identifier: MIT
// ScreenCells: what a text screen shows, as an array of cells, with the movements and
// edits that terminals know. Rows are reached through an index, so that scrolling moves
// no cells. Pure; the owner locks it and draws the rows that are marked dirty.
#pragma once

#include <array>
#include <span>

#include <base/types.h>

namespace drivers {

/// How characters look. Colours are numbers of the 256-colour palette.
struct Pen {
    enum Flag : u8 { bold = 1, underline = 2, reverse = 4, cursor = 0x80 };
    u8 foreground = 7;
    u8 background = 0;
    u8 flags = 0;
    constexpr bool operator==(Pen const&) const = default;
};

struct Cell {
    u16 character = ' ';   ///< of the Basic Multilingual Plane
    Pen pen;
    constexpr bool operator==(Cell const&) const = default;
};

class ScreenCells {
public:
    static constexpr u16 most_columns = 512, most_rows = 256;
    enum class Shift : u8 { Up, Down };

    constexpr ScreenCells() = default;
    /// `cells`: columns × rows of them, which outlive this.
    void attach(std::span<Cell> cells, u16 columns, u16 rows);

    u16 columns() const { return columns_; }
    u16 rows() const { return rows_; }
    u16 column() const { return column_; }
    u16 row() const { return row_; }
    u16 region_top() const { return top_; }
    u16 region_bottom() const { return bottom_; }
    Cell const& at(u16 column, u16 row) const { return line(row)[column]; }
    bool is_dirty(u16 row) const { return dirty_[row]; }
    void clear_dirty(u16 row) { dirty_[row] = false; }
    void mark_all();

    // ---- the cursor; all of these stay on the screen
    void move_to(u32 column, u32 row);
    void move_column(u32 column);
    void move_by(i32 columns, i32 rows);
    void carriage_return() { move_column(0); }
    /// Down one row; scrolls at the bottom of the region.
    void line_feed(Pen const& pen);
    /// Up one row; scrolls at its top.
    void reverse_line_feed(Pen const& pen);

    // ---- characters; emptied cells get the pen's background
    enum class Wrap : u8 { No, Yes };
    enum class Insert : u8 { No, Yes };
    void put(u16 character, Pen const& pen, Wrap wrap = Wrap::Yes, Insert insert = Insert::No);
    void fill_row(u16 row, u32 from, u32 to, Pen const& pen);       ///< [from, to)
    void fill_rows(u32 from, u32 to, Pen const& pen);               ///< [from, to)
    void insert_cells(u32 count, Pen const& pen);
    void delete_cells(u32 count, Pen const& pen);
    /// From the cursor's row to the end of the region; nothing if the cursor is outside.
    void insert_lines(u32 count, Pen const& pen);
    void delete_lines(u32 count, Pen const& pen);
    void scroll(Shift shift, u32 count, Pen const& pen);
    /// Rows [top, bottom) scroll; ignored unless there are at least two.
    void set_region(u32 top, u32 bottom);

private:
    Cell* line(u16 row) const { return cells_.data() + size_t{order_[row]} * columns_; }
    void shift_rows(u16 from, u16 to, Shift shift, u32 count, Pen const& pen);
    void mark(u16 row) { dirty_[row] = true; }

    std::span<Cell> cells_;
    u16 columns_ = 0, rows_ = 0;
    u16 column_ = 0, row_ = 0;
    u16 top_ = 0, bottom_ = 0;
    bool wrap_pending_ = false;                     ///< the last column is filled; the next character wraps
    std::array<u16, most_rows> order_{};            ///< where each row lies in cells_
    std::array<bool, most_rows> dirty_{};
};

}
