// SPDX-License-Identifier: MIT
// ScreenCells: what a text screen shows, as an array of cells, with the movements and edits of a terminal. Rows are reached through an
// index, so scrolling moves no cells. The cursor never leaves the screen. Pure; the owner locks it and draws the rows marked dirty.
#pragma once

#include <array>
#include <span>

#include <base/types.h>

namespace drivers {

/// How characters look. Colours are numbers of the 256-colour palette.
struct Pen {
    enum Flag : u8 { bold = 1, underline = 2, reverse = 4, dim = 8, italic = 16, blink = 32, cursor = 0x80 };
    u8 foreground = 7;
    u8 background = 0;
    u8 flags = 0;
    constexpr bool operator==(Pen const&) const = default;
};

struct Cell {
    u16 character = ' ';   ///< from the Basic Multilingual Plane
    Pen pen;
    constexpr bool operator==(Cell const&) const = default;
};

class ScreenCells {
public:
    static constexpr u16 most_columns = 512, most_rows = 256;
    enum class Shift : u8 { Up, Down };

    constexpr ScreenCells() = default;
    /// `cells`: columns × rows of them; as many again for an alternate screen, if there is to be one; and a line of columns for each
    /// element of `history`, to keep what scrolls off the top. Both outlive this.
    void attach(std::span<Cell> cells, u16 columns, u16 rows, std::span<u16> history = {});

    u16 columns() const { return columns_; }
    u16 rows() const { return rows_; }
    u16 column() const { return column_; }
    u16 row() const { return row_; }
    bool is_wrap_pending() const { return wrap_pending_; }
    u16 region_top() const { return top_; }
    u16 region_bottom() const { return bottom_; }
    Cell const& at(u16 column, u16 row) const { return line(row)[column]; }
    /// The line that is seen at `row`; while looking back, that may be one of the history.
    Cell const* shown_line(u16 row) const;
    bool is_dirty(u16 row) const { return dirty_[row]; }
    void clear_dirty(u16 row) { dirty_[row] = false; }
    void mark_all();
    void mark_row() { mark(row_); }
    /// Roughly how many cells all calls so far have written: their cost.
    u64 work() const { return work_; }

    // ---- looking back
    u32 view() const { return view_; }                ///< by how many rows the view is moved back
    void move_view(i32 rows);                         ///< positive: further back, as far as there is history
    void end_view() { if (view_ != 0) move_view(-static_cast<i32>(view_)); }
    void forget_history();

    /// Programs that use the whole screen draw on the alternate one and so leave the main one as it was. What scrolls off it is not kept.
    void use_alternate(bool on);
    bool is_alternate() const { return on_alternate_; }

    // ---- the cursor; all of these stay on the screen
    void move_to(u32 column, u32 row);
    void move_column(u32 column);
    void move_by(i32 columns, i32 rows);
    void carriage_return() { move_column(0); }
    void end_wrap() { wrap_pending_ = false; }   ///< the next character goes where the cursor is
    /// Down one row; scrolls at the bottom of the region.
    void line_feed(Pen const& pen);
    /// Up one row; scrolls at the top of the region.
    void reverse_line_feed(Pen const& pen);

    // ---- characters; an emptied cell gets the pen's colours, and blinks if the pen does
    enum class Wrap : u8 { No, Yes };
    enum class Insert : u8 { No, Yes };
    void put(u16 character, Pen const& pen, Wrap wrap = Wrap::Yes, Insert insert = Insert::No);
    void fill_row(u16 row, u32 from, u32 to, Pen const& pen);       ///< [from, to)
    void fill_rows(u32 from, u32 to, Pen const& pen);               ///< [from, to)
    void fill_all(u16 character, Pen const& pen);
    void insert_cells(u32 count, Pen const& pen);
    void delete_cells(u32 count, Pen const& pen);
    /// From the cursor's row to the end of the region; they do nothing if the cursor is outside.
    void insert_lines(u32 count, Pen const& pen);
    void delete_lines(u32 count, Pen const& pen);
    void scroll(Shift shift, u32 count, Pen const& pen);
    /// Rows [top, bottom) scroll; ignored unless there are at least two.
    void set_region(u32 top, u32 bottom);

private:
    Cell* line(u16 row) const { return cells_.data() + size_t{order_[row]} * columns_; }
    void shift_rows(u16 from, u16 to, Shift shift, u32 count, Pen const& pen);
    void mark(u16 row) { dirty_[row] = true; }
    void keep_rows(u32 count);

    std::span<Cell> cells_;
    u16 columns_ = 0, rows_ = 0;
    u16 column_ = 0, row_ = 0;
    u16 top_ = 0, bottom_ = 0;
    bool wrap_pending_ = false;                     ///< the last column is full; the next character wraps
    std::array<u16, most_rows> order_{};            ///< the line of cells_ where each row is
    std::array<u16, most_rows> other_order_{};      ///< the same for the screen that is not shown
    std::array<bool, most_rows> dirty_{};
    bool has_alternate_ = false, on_alternate_ = false;
    u64 work_ = 0;
    std::span<u16> history_;                        ///< a ring of line numbers
    u32 history_next_ = 0, history_count_ = 0;      ///< where the next line goes; how many are kept
    u32 view_ = 0;
};

}
