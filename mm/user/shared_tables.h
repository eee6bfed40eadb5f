// SPDX-License-Identifier: MIT
// Leaf page tables that several programs share after a fork, so that its cost does not grow with the pages a
// program has touched (Zhao, Gong, Fonseca: On-demand-fork, EuroSys '21).
//
// A table that may be shared is one whose level 2 entries have no write right, so nothing below can be written,
// whatever its entries say. It has one reference for each level 2 entry that leads to it; it, not the programs,
// has the references to the frames it shows, all of them private pages. Nobody changes it, but for taking write
// rights out of entries, which is right at any time. Who wants to change it makes it its own first:
//
//   others share it     copy it: each frame gets a reference more, entries lose the write right in both
//   nobody else does    give the level 2 entry its write right back: no flush, rights only grow
//
// The reference to the old table is given up when every CPU has forgotten the way through it (INVLPG of any page
// does that: Intel SDM vol. 3, 4.10.4.1): from then on others may change what it shows, and until then it shows the
// same as the copy, or less.
#pragma once

#include "mm/page_table.h"

namespace mm {

/// May other programs' tables lead to the same leaf table?
inline bool is_shared(arch::PageEntry directory) { return directory.is_present() && !directory.is_writable(); }

/// Gives one reference to a leaf table back; with the last one go the pages it shows. No CPU uses it any more.
void release_leaf_table(Frame& table);

}
