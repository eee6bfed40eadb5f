// SPDX-License-Identifier: MIT
// Moves the cursor and edits the cells. Rows move only in the index: screen, alternate screen (if there is one) and history together
// always name every line of cells once.
#include "kernel/drivers/vt/screen_cells.h"

#include <algorithm>

namespace drivers {

void ScreenCells::attach(std::span<Cell> cells, u16 columns, u16 rows, std::span<u16> history) {
    cells_ = cells;
    columns_ = columns, rows_ = rows;
    top_ = 0, bottom_ = rows;
    column_ = row_ = 0;
    has_alternate_ = cells.size() >= (2uz * rows + history.size()) * columns;
    on_alternate_ = false;
    for (u16 i = 0; i < rows; ++i) order_[i] = i, other_order_[i] = static_cast<u16>(rows + i);
    history_ = history;
    for (size_t i = 0; i < history.size(); ++i) history_[i] = static_cast<u16>(rows * (has_alternate_ ? 2u : 1u) + i);
    history_next_ = history_count_ = view_ = 0;
    fill_rows(0, rows, Pen{});
    move_to(0, 0);
}

void ScreenCells::mark_all() {
    std::fill_n(dirty_.begin(), rows_, true);
    work_ += rows_;
}

// ---------------------------------------------------------------- history

/// Swaps the topmost `count` rows with the oldest lines of the history.
void ScreenCells::keep_rows(u32 count) {
    for (u32 i = 0; i < count && !history_.empty(); ++i) {
        std::swap(order_[i], history_[history_next_]);
        history_next_ = (history_next_ + 1) % static_cast<u32>(history_.size());
        history_count_ = std::min(history_count_ + 1, static_cast<u32>(history_.size()));
    }
}

Cell const* ScreenCells::shown_line(u16 row) const {
    if (row >= view_) return line(static_cast<u16>(row - view_));
    size_t const place = (history_next_ + history_.size() - view_ + row) % history_.size();
    return cells_.data() + size_t{history_[place]} * columns_;
}

void ScreenCells::move_view(i32 rows) {
    u32 const wanted = static_cast<u32>(std::clamp<i32>(static_cast<i32>(view_) + rows, 0, static_cast<i32>(history_count_)));
    if (wanted == view_) return;
    view_ = wanted;
    mark_all();
}

void ScreenCells::forget_history() {
    end_view();
    history_count_ = 0;
}

void ScreenCells::use_alternate(bool on) {
    if (!has_alternate_ || on == on_alternate_) return;
    on_alternate_ = on;
    std::swap_ranges(order_.begin(), order_.begin() + rows_, other_order_.begin());
    work_ += rows_;
    mark_all();
}

// ---------------------------------------------------------------- the cursor

void ScreenCells::move_to(u32 column, u32 row) {
    mark(row_);
    row_ = static_cast<u16>(std::min<u32>(row, rows_ - 1));
    move_column(column);
}

void ScreenCells::move_column(u32 column) {
    column_ = static_cast<u16>(std::min<u32>(column, columns_ - 1));
    wrap_pending_ = false;
    mark(row_);
}

void ScreenCells::move_by(i32 columns, i32 rows) {
    i32 const column = std::clamp<i32>(column_ + columns, 0, columns_ - 1);
    i32 const row = std::clamp<i32>(row_ + rows, 0, rows_ - 1);
    move_to(static_cast<u32>(column), static_cast<u32>(row));
}

void ScreenCells::line_feed(Pen const& pen) {
    if (row_ + 1 == bottom_) scroll(Shift::Up, 1, pen);
    else if (row_ + 1 < rows_) move_to(column_, row_ + 1u);
    wrap_pending_ = false;
}

void ScreenCells::reverse_line_feed(Pen const& pen) {
    if (row_ == top_) scroll(Shift::Down, 1, pen);
    else if (row_ > 0) move_to(column_, row_ - 1u);
    wrap_pending_ = false;
}

// ---------------------------------------------------------------- characters

void ScreenCells::put(u16 character, Pen const& pen, Wrap wrap, Insert insert) {
    if (wrap_pending_ && wrap == Wrap::Yes) {
        line_feed(pen);
        column_ = 0;
    }
    if (insert == Insert::Yes) insert_cells(1, pen);
    line(row_)[column_] = {character, pen};
    mark(row_);
    ++work_;
    if (column_ + 1 < columns_) ++column_;
    else wrap_pending_ = wrap == Wrap::Yes;
}

void ScreenCells::fill_row(u16 row, u32 from, u32 to, Pen const& pen) {
    Pen const empty{pen.foreground, pen.background, static_cast<u8>(pen.flags & Pen::blink)};   // as on Linux
    to = std::min<u32>(to, columns_);
    if (from < to) {
        std::fill(line(row) + from, line(row) + to, Cell{' ', empty});
        work_ += to - from;
    }
    mark(row);
}

void ScreenCells::fill_rows(u32 from, u32 to, Pen const& pen) {
    to = std::min<u32>(to, rows_);
    for (u32 row = from; row < to; ++row) fill_row(static_cast<u16>(row), 0, columns_, pen);
}

void ScreenCells::fill_all(u16 character, Pen const& pen) {
    for (u16 row = 0; row < rows_; ++row) std::fill_n(line(row), columns_, Cell{character, pen});
    work_ += u64{rows_} * columns_;
    mark_all();
}

void ScreenCells::insert_cells(u32 count, Pen const& pen) {
    Cell* const cells = line(row_);
    count = std::min<u32>(count, columns_ - column_);
    std::copy_backward(cells + column_, cells + columns_ - count, cells + columns_);
    fill_row(row_, column_, column_ + count, pen);
    work_ += columns_;
    wrap_pending_ = false;
}

void ScreenCells::delete_cells(u32 count, Pen const& pen) {
    Cell* const cells = line(row_);
    count = std::min<u32>(count, columns_ - column_);
    std::copy(cells + column_ + count, cells + columns_, cells + column_);
    fill_row(row_, columns_ - count, columns_, pen);
    work_ += columns_;
    wrap_pending_ = false;
}

// ---------------------------------------------------------------- rows

/// Moves rows [from, to) by `count`; rows that leave at one end come back empty at the other.
void ScreenCells::shift_rows(u16 from, u16 to, Shift shift, u32 count, Pen const& pen) {
    count = std::min<u32>(count, to - from);
    auto const first = order_.begin() + from, last = order_.begin() + to;
    if (shift == Shift::Up) {
        std::rotate(first, first + count, last);
        fill_rows(to - count, to, pen);
    } else {
        std::rotate(first, last - count, last);
        fill_rows(from, from + count, pen);
    }
    std::fill(dirty_.begin() + from, dirty_.begin() + to, true);
    work_ += to - from;
}

void ScreenCells::scroll(Shift shift, u32 count, Pen const& pen) {
    if (shift == Shift::Up && top_ == 0 && !on_alternate_) keep_rows(std::min<u32>(count, bottom_));
    shift_rows(top_, bottom_, shift, count, pen);
}

void ScreenCells::insert_lines(u32 count, Pen const& pen) {
    if (row_ < top_ || row_ >= bottom_) return;
    shift_rows(row_, bottom_, Shift::Down, count, pen);
    wrap_pending_ = false;   // the column stays, as on Linux
}

void ScreenCells::delete_lines(u32 count, Pen const& pen) {
    if (row_ < top_ || row_ >= bottom_) return;
    shift_rows(row_, bottom_, Shift::Up, count, pen);
    wrap_pending_ = false;
}

void ScreenCells::set_region(u32 top, u32 bottom) {
    bottom = std::min<u32>(bottom, rows_);
    if (top + 1 >= bottom) return;
    top_ = static_cast<u16>(top), bottom_ = static_cast<u16>(bottom);
}

}
