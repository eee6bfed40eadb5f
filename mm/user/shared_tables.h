// SPDX-License-Identifier: MIT
// Leaf page tables that several programs share after a fork, so that its cost does not grow with the pages a
// program has touched (Zhao, Gong, Fonseca: On-demand-fork, EuroSys '21).
//
// A table that may be shared is one whose level 2 entries have no write right, so nothing below can be written,
// whatever its entries say. It has one reference for each level 2 entry that leads to it. It, not the programs, owns
// the references to the frames it shows, all of them private pages. Its entries are immutable, except that clearing a
// write bit is always safe. To change anything else a program first makes the table its own:
//
//   others share it    it copies the table: each frame gets one more reference, both tables' entries lose the write bit
//   no one else does   it restores the write bit of the level 2 entry: no flush, rights only grow
//
// The reference to the old table is dropped once every CPU has forgotten the way through it (INVLPG of any page does
// that: Intel SDM vol. 3, 4.10.4.1). From then on others may change what the table shows; until then it shows the
// same as the copy, or less.
#pragma once

#include "mm/page_table.h"

namespace mm {

/// True if other programs' tables may lead to the same leaf table.
inline bool is_shared(arch::PageEntry directory) { return directory.is_present() && !directory.is_writable(); }

/// Drops one reference to a leaf table; the last one also releases the pages it shows. No CPU may use it any more.
void release_leaf_table(Frame& table);

}
