// SPDX-License-Identifier: MIT
// The object cache of VMAs. Separate from vma.cpp so that host tests can substitute an allocator that fails on
// demand.
#include "mm/user/vma.h"

MM_OBJECT_CACHE_DEFINE(mm::Vma)
