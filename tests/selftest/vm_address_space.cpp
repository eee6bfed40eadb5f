// SPDX-License-Identifier: MIT
// Address spaces on the real page tables: frames come back to the last one, fork copies what is
// written and nothing else, and the CPU's own view (rights, stale translations) agrees with the VMAs.
#include <arch/user_access.h>

#include "mm/kernel_space.h"
#include "mm/user/address_space.h"
#include "tests/selftest/self_test.h"

namespace {

using mm::AddressSpace;
using mm::FaultKind;
using mm::FaultResult;
using mm::Protection;

constexpr Protection read_write{.read = true, .write = true};
constexpr Protection read_only{.read = true};

Result<> write_word(AddressSpace& space, UserAddr to, u64 value) { return space.write(to, std::as_bytes(std::span(&value, 1))); }

u64 read_word(AddressSpace& space, UserAddr from) {
    u64 value = 0;
    auto const count = space.read(from, std::as_writable_bytes(std::span(&value, 1)));
    return count && *count == sizeof value ? value : ~u64{0};
}

Result<UserAddr> map_pages(AddressSpace& space, u64 pages) { return space.map({.size = pages * page_size, .protection = read_write}); }

/// The CPU's own access, with the space loaded. A kernel thread's faults are not resolved, so what is not in
/// the tables and allowed there fails.
bool cpu_can_write(AddressSpace& space, UserAddr to, u64 value) {
    arch::PreemptGuard const with_this_space_loaded;
    space.activate();
    bool const copied = arch::copy_to_user(to, &value, sizeof value) == 0;
    AddressSpace::deactivate();
    return copied;
}

bool cpu_reads(AddressSpace& space, UserAddr from, u64 expected) {
    arch::PreemptGuard const with_this_space_loaded;
    u64 value = ~expected;
    space.activate();
    bool const copied = arch::copy_from_user(&value, from, sizeof value) == 0;
    AddressSpace::deactivate();
    return copied && value == expected;
}

}

SELF_TEST(vm_gives_back_every_frame) {
    u64 const before = mm::free_frames();
    {
        auto space = AddressSpace::create();
        REQUIRE(space);
        auto const start = map_pages(**space, 1024);
        REQUIRE(start);
        for (u64 i = 0; i < 1024; i += 3) CHECK(write_word(**space, *start + i * page_size, i));
        for (u64 i = 0; i < 1024; i += 3) CHECK(read_word(**space, *start + i * page_size) == i);
        CHECK((*space)->statistics().resident_pages == 342);
        CHECK((*space)->unmap(*start + 100 * page_size, 824 * page_size));
        CHECK((*space)->statistics().resident_pages == 34 + 34);
        CHECK((*space)->unmap(*start, 1024 * page_size));
        CHECK((*space)->statistics().resident_pages == 0);
        CHECK((*space)->statistics().table_frames == 1);
    }
    CHECK(mm::free_frames() == before);
}

SELF_TEST(vm_fork_copies_only_what_is_written) {
    u64 const before = mm::free_frames();
    {
        auto parent = AddressSpace::create();
        REQUIRE(parent);
        auto const start = map_pages(**parent, 600);
        REQUIRE(start);
        for (u64 i = 0; i < 600; ++i) CHECK(write_word(**parent, *start + i * page_size, i));
        auto const counters = mm::vm_counters();
        auto child = (*parent)->fork();
        REQUIRE(child);
        for (u64 i = 0; i < 100; ++i) CHECK(write_word(**child, *start + i * page_size, 1000 + i));
        CHECK(mm::vm_counters().cow_copies - counters.cow_copies == 100);
        for (u64 i = 0; i < 600; ++i) {
            CHECK(read_word(**parent, *start + i * page_size) == i);
            CHECK(read_word(**child, *start + i * page_size) == (i < 100 ? 1000 + i : i));
        }
        for (u64 i = 0; i < 100; ++i) CHECK(write_word(**parent, *start + i * page_size, i));
        CHECK(mm::vm_counters().cow_reuses - counters.cow_reuses == 100);
        child->reset();
        for (u64 i = 0; i < 600; ++i) CHECK(write_word(**parent, *start + i * page_size, i));
        CHECK(mm::vm_counters().cow_copies - counters.cow_copies == 100);
        CHECK(mm::vm_counters().cow_reuses - counters.cow_reuses == 600);
    }
    CHECK(mm::free_frames() == before);
}

SELF_TEST(vm_rights_reach_the_cpu) {
    auto space = AddressSpace::create();
    REQUIRE(space);
    auto const start = map_pages(**space, 4);
    REQUIRE(start);
    CHECK(!cpu_can_write(**space, *start, 1));
    CHECK(write_word(**space, *start, 7));
    CHECK(cpu_reads(**space, *start, 7));
    CHECK(cpu_can_write(**space, *start, 8));
    CHECK(read_word(**space, *start) == 8);
    CHECK((*space)->protect(*start, page_size, read_only));
    CHECK(!cpu_can_write(**space, *start, 9));
    CHECK(cpu_reads(**space, *start, 8));
    CHECK((*space)->handle_fault(*start, FaultKind::Write) == FaultResult::NotPermitted);
    CHECK((*space)->protect(*start, page_size, {}));
    CHECK(!cpu_reads(**space, *start, 8));
    CHECK((*space)->handle_fault(*start, FaultKind::Read) == FaultResult::NotPermitted);
    CHECK((*space)->protect(*start, page_size, read_write));
    CHECK((*space)->handle_fault(*start, FaultKind::Write) == FaultResult::Handled);
    CHECK(cpu_can_write(**space, *start, 10));
    CHECK((*space)->handle_fault(*start + page_size, FaultKind::Read) == FaultResult::Handled);
    CHECK(cpu_reads(**space, *start + page_size, 0));
    CHECK(!cpu_can_write(**space, *start + page_size, 1));
}

/// The space stays loaded while its entries change, so a missing flush shows.
SELF_TEST(vm_flushes_what_loses_rights) {
    auto space = AddressSpace::create();
    REQUIRE(space);
    auto const start = map_pages(**space, 64);
    REQUIRE(start);
    for (u64 i = 0; i < 64; ++i) CHECK(write_word(**space, *start + i * page_size, i));
    arch::PreemptGuard const with_this_space_loaded;
    auto const can_write = [&](u64 page) {
        u64 const value = 5;
        return arch::copy_to_user(*start + page * page_size, &value, sizeof value) == 0;
    };
    (*space)->activate();
    for (u64 i = 0; i < 64; ++i) CHECK(can_write(i));
    CHECK((*space)->protect(*start, page_size, read_only));
    CHECK(!can_write(0) && can_write(1));
    CHECK((*space)->advise(*start + page_size, page_size, mm::Advice::DontNeed));
    CHECK(!can_write(1) && can_write(2));
    CHECK((*space)->unmap(*start + 2 * page_size, page_size));
    CHECK(!can_write(2) && can_write(3));
    auto const moved = (*space)->remap(*start + 3 * page_size, page_size, 2 * page_size, AddressSpace::Move::Maybe, UserAddr());
    CHECK(moved && *moved != *start + 3 * page_size);
    CHECK(!can_write(3) && can_write(4));
    auto child = (*space)->fork();
    CHECK(child);
    for (u64 i = 4; i < 64; ++i) CHECK(!can_write(i));
    AddressSpace::deactivate();
}

SELF_TEST(vm_shared_memory_is_shared_across_fork) {
    u64 const before = mm::free_frames();
    {
        auto parent = AddressSpace::create();
        REQUIRE(parent);
        auto const start = (*parent)->map({.size = 3000 * page_size, .protection = read_write, .sharing = mm::Sharing::Shared});
        REQUIRE(start);
        auto child = (*parent)->fork();
        REQUIRE(child);
        CHECK(write_word(**parent, *start + 2999 * page_size, 1));
        CHECK(read_word(**child, *start + 2999 * page_size) == 1);
        CHECK(write_word(**child, *start, 2));
        CHECK(read_word(**parent, *start) == 2);
        CHECK((*parent)->statistics().shared_pages == 2);
    }
    CHECK(mm::free_frames() == before);
}

SELF_TEST(vm_grows_the_stack_to_its_limit) {
    auto space = AddressSpace::create();
    REQUIRE(space);
    u64 const top = arch::user_space_end - page_size;
    CHECK((*space)->map({.address = UserAddr(top - 2 * page_size), .size = 2 * page_size, .placement = mm::MapRequest::Placement::Fixed,
                         .protection = read_write, .kind = mm::VmaKind::Stack}));
    CHECK(write_word(**space, UserAddr(top - 8 * mib), 1));
    CHECK(!write_word(**space, UserAddr(top - 8 * mib - 8), 1));
    CHECK((*space)->statistics().stack_pages == 8 * mib / page_size);
}
