// SPDX-License-Identifier: MIT
// KeyTables: what keys mean, as programs may change it: tables of key symbols, function strings and accents. keymaps(5),
// <linux/keyboard.h>. Symbols are kept as Linux's kernel has them: below f000 characters, else f000 + type << 8 + value.
// Pure: the caller that adds tables and strings gives the memory and frees what comes back.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include <linux/kd.h>
#include <linux/keyboard.h>

#include "kernel/drivers/keyboard/key_layouts.h"

namespace drivers {

using KeySymbol = u16;

/// A symbol as programs write it, and back.
constexpr KeySymbol exchange_symbol(u16 symbol) { return symbol ^ 0xf000; }
constexpr KeySymbol key_symbol(u8 type, u8 value) { return static_cast<u16>(0xf000 | K(type, value)); }

struct KeyTable {
    std::array<KeySymbol, NR_KEYS> symbols;
};

class KeyTables {
public:
    constexpr KeyTables() = default;
    KeyTables(KeyTables const&) = delete;

    /// Takes this layout for all of its tables; the others, of which there must be none, stay.
    void load(Layout const& layout);
    void load_accents(std::span<Accent const> accents);

    /// Null: there is no such table.
    KeyTable* table(u8 number) const { return tables_[number]; }
    /// What a key means in a table that is there.
    KeySymbol symbol(u8 table, u8 key) const { return tables_[table]->symbols[key]; }
    /// `table` (null: none) becomes number `number`; the one that was there, for its owner to free, or null.
    KeyTable* replace_table(u8 number, KeyTable* table);

    std::string_view function(u8 number) const;
    /// `text`: NUL-terminated, null: as at boot. What was there before, to be freed, or null.
    char* replace_function(u8 number, char* text);

    std::span<::kbdiacruc const> accents() const { return {accents_.data(), accent_count_}; }
    /// At most MAX_DIACR.
    void set_accents(std::span<::kbdiacruc const> accents);

private:
    bool is_built_in(KeyTable const* table) const { return table >= built_in_.begin() && table < built_in_.end(); }

    std::array<KeyTable*, MAX_NR_KEYMAPS> tables_{};
    std::array<KeyTable, Layout::table_count> built_in_{};
    std::array<char*, MAX_NR_FUNC> functions_{};
    std::array<::kbdiacruc, MAX_DIACR> accents_{};
    u32 accent_count_ = 0;
};

}
