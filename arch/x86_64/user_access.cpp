// SPDX-License-Identifier: MIT
// Range checks in front of user_access.S, the exception table, and the SMAP patches. Invariant: a range that reaches
// past user_space_end fails as a whole and is not touched.
#include <arch/user_access.h>

#include <algorithm>
#include <cstring>

#include <arch/context.h>
#include <arch/cpu.h>
#include <arch/paging.h>

#include "arch/x86_64/user_access.h"

extern "C" {
size_t user_copy(void* to, void const* from, size_t bytes);
size_t user_clear(void* to, size_t bytes);
i64 user_string(char* to, char const* from, size_t limit);
bool user_read32(u32 const* from, u32* value);
bool user_write32(u32* to, u32 value);
bool user_compare_exchange32(u32* at, u32 expected, u32 desired, u32* previous);

struct ExceptionTableRow { u64 rip, fix_up; };
extern ExceptionTableRow const exception_table_start[], exception_table_end[];
struct SmapSite { u8* code; u64 opens; };
extern SmapSite const smap_sites_start[], smap_sites_end[];
}

namespace arch {

namespace {

bool in_user_space(UserAddr start, size_t bytes) {
    return start.value() <= user_space_end && bytes <= user_space_end - start.value();
}

template <class T>
T* pointer(UserAddr address) { return reinterpret_cast<T*>(address.value()); }

ExceptionTableRow const* find_row(u64 rip) {
    for (auto const* row = exception_table_start; row != exception_table_end; ++row)
        if (row->rip == rip) return row;
    return nullptr;
}

}

size_t copy_from_user(void* to, UserAddr from, size_t bytes) {
    if (!in_user_space(from, bytes)) return bytes;
    return user_copy(to, pointer<void const>(from), bytes);
}

size_t copy_to_user(UserAddr to, void const* from, size_t bytes) {
    if (!in_user_space(to, bytes)) return bytes;
    return user_copy(pointer<void>(to), from, bytes);
}

size_t clear_user(UserAddr to, size_t bytes) {
    if (!in_user_space(to, bytes)) return bytes;
    return user_clear(pointer<void>(to), bytes);
}

i64 copy_string_from_user(char* to, UserAddr from, size_t limit) {
    if (from.value() >= user_space_end) return -1;
    size_t const room = std::min<size_t>(limit, user_space_end - from.value());
    i64 const length = user_string(to, pointer<char const>(from), room);
    if (length == static_cast<i64>(room) && room < limit) return -1;   // reached the end of user space
    return length;
}

bool read_user_u32(UserAddr from, u32& value) {
    return in_user_space(from, sizeof value) && user_read32(pointer<u32 const>(from), &value);
}

bool write_user_u32(UserAddr to, u32 value) {
    return in_user_space(to, sizeof value) && user_write32(pointer<u32>(to), value);
}

bool compare_exchange_user_u32(UserAddr at, u32 expected, u32 desired, u32& previous) {
    return in_user_space(at, sizeof previous) && user_compare_exchange32(pointer<u32>(at), expected, desired, &previous);
}

bool has_fix_up(u64 rip) { return find_row(rip) != nullptr; }

bool fix_up_exception(TrapFrame& frame) {
    auto const* row = find_row(frame.rip);
    if (!row) return false;
    frame.rip = row->fix_up;
    return true;
}

void patch_smap_sites() {
    static constexpr u8 stac[] = {0x0f, 0x01, 0xcb}, clac[] = {0x0f, 0x01, 0xca};
    for (auto const* site = smap_sites_start; site != smap_sites_end; ++site)
        std::memcpy(site->code, site->opens ? stac : clac, sizeof stac);
}

}
