// SPDX-License-Identifier: MIT
// KeyTables: what keys mean, which programs may change: tables of key symbols, function strings and accents. keymaps(5),
// <linux/keyboard.h>. Symbols are kept as in Linux's kernel: characters below f000, else f000 + (type << 8) + value.
// Pure: a caller that adds a table or string provides its memory and frees the one it gets back.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include <linux/kd.h>
#include <linux/keyboard.h>

#include "kernel/drivers/keyboard/key_layouts.h"

namespace drivers {

using KeySymbol = u16;

/// Converts a symbol to the form that programs use, or back.
constexpr KeySymbol exchange_symbol(u16 symbol) { return symbol ^ 0xf000; }
constexpr KeySymbol key_symbol(u8 type, u8 value) { return static_cast<u16>(0xf000 | K(type, value)); }

struct KeyTable {
    std::array<KeySymbol, NR_KEYS> symbols;
};

class KeyTables {
public:
    constexpr KeyTables() = default;
    KeyTables(KeyTables const&) = delete;

    /// Takes the layout's tables as numbers 0 to table_count - 1. Called before programs can add tables: those would be lost.
    void load(Layout const& layout);
    void load_accents(std::span<Accent const> accents);

    /// Null: there is no table of this number.
    KeyTable* table(u8 number) const { return tables_[number]; }
    /// What a key means in a table, which must exist.
    KeySymbol symbol(u8 table, u8 key) const { return tables_[table]->symbols[key]; }
    /// Makes `table` (null: none) number `number`. Returns the one that it replaces, for the caller to free; null: none, or a built-in one.
    KeyTable* replace_table(u8 number, KeyTable* table);

    std::string_view function(u8 number) const;
    /// `text`: NUL-terminated; null: as at boot. Returns the string that it replaces, for the caller to free, or null.
    char* replace_function(u8 number, char* text);

    std::span<::kbdiacruc const> accents() const { return {accents_.data(), accent_count_}; }
    /// Replaces the accents by these, at most MAX_DIACR.
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
