// SPDX-License-Identifier: MIT
// Looks up addresses in the table that tools/embed-symbols writes into .ksymtab, the last section: a header, rows
// sorted by address, then the names. Panics use it, so it checks what it reads.
#include "kernel/base/symbols.h"

#include <cstring>

extern "C" char const kernel_image_base[];

namespace base {

namespace {

// The layout must match tools/embed-symbols.
struct Header {
    u32 magic, size, rows, names;   ///< size of everything in bytes; offset of the names
};
struct Row {
    u32 address;                    ///< relative to kernel_image_base
    u32 name;                       ///< offset behind Header::names, NUL-terminated
};
constexpr u32 table_magic = 0x4d59534b;

[[gnu::section(".ksymtab"), gnu::used, gnu::retain]] constinit Header const table = {table_magic, sizeof(Header), 0, sizeof(Header)};

/// The table's address, hidden from the compiler, which would otherwise assume the contents it compiled.
char const* table_bytes() {
    auto const* bytes = reinterpret_cast<char const*>(&table);
    asm("" : "+r"(bytes));
    return bytes;
}
Header const& header() { return *reinterpret_cast<Header const*>(table_bytes()); }

}

Symbol find_symbol(u64 address) {
    Header const& header = base::header();
    u64 const base = reinterpret_cast<u64>(kernel_image_base);
    if (header.magic != table_magic || header.rows == 0 || address < base) return {};
    auto const* bytes = table_bytes();
    auto const* rows = reinterpret_cast<Row const*>(bytes + sizeof(Header));
    u64 const wanted = address - base;
    u32 low = 0, high = header.rows;
    while (low < high) {
        u32 const middle = low + (high - low) / 2;
        if (rows[middle].address <= wanted) low = middle + 1;
        else high = middle;
    }
    if (low == 0) return {};
    Row const& row = rows[low - 1];
    if (header.names + row.name >= header.size) return {};
    return {bytes + header.names + row.name, wanted - row.address};
}

}
