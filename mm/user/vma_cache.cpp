// SPDX-License-Identifier: MIT
// VMAs come from an object cache of their own. Apart from vma.cpp so that host tests
// can put an allocator that fails on demand in its place.
#include "mm/user/vma.h"

MM_OBJECT_CACHE_DEFINE(mm::Vma)
