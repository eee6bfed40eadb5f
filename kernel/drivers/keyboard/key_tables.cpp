// SPDX-License-Identifier: MIT
// Changes the key tables: symbols, function strings and accents. Pure: the caller owns the memory of what it adds; the layout's own
// tables are built in and never freed.
#include "kernel/drivers/keyboard/key_tables.h"

#include <algorithm>

namespace drivers {

namespace {

/// F1 to F20, then Find, Insert, Remove, Select, Prior and Next: terminfo's "linux".
constexpr std::string_view initial_functions[] = {
    "\x1b[[A", "\x1b[[B", "\x1b[[C", "\x1b[[D", "\x1b[[E", "\x1b[17~", "\x1b[18~", "\x1b[19~", "\x1b[20~", "\x1b[21~", "\x1b[23~", "\x1b[24~",
    "\x1b[25~", "\x1b[26~", "\x1b[28~", "\x1b[29~", "\x1b[31~", "\x1b[32~", "\x1b[33~", "\x1b[34~",
    "\x1b[1~", "\x1b[2~", "\x1b[3~", "\x1b[4~", "\x1b[5~", "\x1b[6~",
};

}

void KeyTables::load(Layout const& layout) {
    for (size_t number = 0; number < Layout::table_count; ++number) {
        auto& symbols = built_in_[number].symbols;
        std::ranges::fill(symbols, exchange_symbol(K_HOLE));
        std::ranges::copy(layout.tables[number], symbols.begin());
        tables_[number] = &built_in_[number];
    }
}

void KeyTables::load_accents(std::span<Accent const> accents) {
    accent_count_ = static_cast<u32>(std::min(accents.size(), accents_.size()));
    for (u32 i = 0; i < accent_count_; ++i) accents_[i] = {accents[i].mark, accents[i].base, accents[i].result};
}

KeyTable* KeyTables::replace_table(u8 number, KeyTable* table) {
    KeyTable* const before = std::exchange(tables_[number], table);
    return is_built_in(before) ? nullptr : before;
}

std::string_view KeyTables::function(u8 number) const {
    if (functions_[number]) return functions_[number];
    return number < std::size(initial_functions) ? initial_functions[number] : std::string_view();
}

char* KeyTables::replace_function(u8 number, char* text) { return std::exchange(functions_[number], text); }

void KeyTables::set_accents(std::span<::kbdiacruc const> accents) {
    std::ranges::copy(accents, accents_.begin());
    accent_count_ = static_cast<u32>(accents.size());
}

}
