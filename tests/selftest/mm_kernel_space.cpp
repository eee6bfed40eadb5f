// SPDX-License-Identifier: MIT
// The kernel's own page tables: no page is both writable and executable, stacks have guards, and
// nothing is lost when memory is out.
#include <array>
#include <cstring>

#include <arch/image.h>

#include "mm/heap.h"
#include "mm/kernel_space.h"
#include "tests/selftest/self_test.h"

namespace {

using mm::free_frames;
using mm::kernel_space;

bool is_mapped(u64 address) { return kernel_space.page_table().is_mapped(address); }

}

SELF_TEST(image_has_exact_rights) {
    auto const& table = kernel_space.page_table();
    for (auto const& segment : arch::image_segments()) {
        for (u64 address = segment.start; address < segment.end; address += page_size) {
            arch::PageEntry const entry = table.leaf_of(address);
            REQUIRE(entry.is_present() && !entry.is_user());
            CHECK(entry.is_writable() == segment.flags.writable);
            CHECK(!arch::cpu_features.nx || entry.is_executable() == segment.flags.executable);
            CHECK(!(entry.is_writable() && segment.flags.executable));
            u64 const alias = arch::direct_map_base + (segment.physical() + (address - segment.start)).value();
            CHECK(table.leaf_of(alias).is_writable() == segment.flags.writable);
        }
    }
    CHECK(!is_mapped(0) && !is_mapped(1 * mib));
}

SELF_TEST(direct_map_shows_ram_and_nothing_else) {
    for (auto const& range : mm::frame_allocator.ram().ranges()) {
        CHECK(kernel_space.page_table().leaf_of(arch::direct_map_base + range.start).is_present());
        CHECK(is_mapped(arch::direct_map_base + range.end - 1));
        CHECK(!is_mapped(arch::direct_map_base + range.end));
        CHECK(!arch::cpu_features.nx || !kernel_space.page_table().leaf_of(arch::direct_map_base + range.start).is_executable());
    }
}

SELF_TEST(kernel_stacks_have_guards_and_come_back) {
    struct Stacks { std::array<mm::KernelStack, 300> all; };
    mm::Owned<Stacks> const owner(new (std::nothrow) Stacks);
    REQUIRE(owner);
    auto& stacks = owner->all;
    u64 const before = free_frames(), in_use = kernel_space.stack_frames();
    for (int round = 0; round < 2; ++round) {
        for (auto& stack : stacks) {
            auto made = kernel_space.allocate_stack();
            REQUIRE(made);
            stack = std::move(*made);
            CHECK(is_mapped(stack.bottom()) && is_mapped(stack.top() - 1));
            CHECK(!is_mapped(stack.bottom() - 1) && !is_mapped(stack.bottom() - mm::kernel_stack_size));
            CHECK(kernel_space.is_stack_guard(stack.bottom() - 8));
            CHECK(!kernel_space.is_stack_guard(stack.bottom()) && !kernel_space.is_stack_guard(stack.top() - 8));
            std::memset(reinterpret_cast<void*>(stack.bottom()), 0xcc, mm::kernel_stack_size);
        }
        CHECK(kernel_space.stack_frames() == in_use + stacks.size() * mm::kernel_stack_size / page_size);
        for (size_t i = 0; i < stacks.size(); ++i) stacks[(i * 7) % stacks.size()] = mm::KernelStack();
        CHECK(kernel_space.stack_frames() == in_use);
        CHECK(free_frames() == before);
    }
}

SELF_TEST(scattered_pages_are_contiguous_and_come_back) {
    u64 const before = free_frames();
    constexpr size_t size = 3 * mib + 5;
    auto first = kernel_space.allocate_pages(size), second = kernel_space.allocate_pages(page_size);
    REQUIRE(first && second);
    auto* const words = static_cast<u64*>(*first);
    for (size_t i = 0; i < size / sizeof(u64); ++i) words[i] = i;
    bool whole = true;
    for (size_t i = 0; i < size / sizeof(u64); ++i) whole = whole && words[i] == i;
    CHECK(whole);
    CHECK(!is_mapped(reinterpret_cast<u64>(*first) + align_up(size, page_size)));
    CHECK(!is_mapped(reinterpret_cast<u64>(*second) + page_size));
    kernel_space.free_pages(*first);
    kernel_space.free_pages(*second);
    CHECK(!is_mapped(reinterpret_cast<u64>(*first)));
    CHECK(free_frames() == before);
    CHECK(!kernel_space.allocate_pages(mm::frame_allocator.total_bytes()));
    CHECK(free_frames() == before);
}

SELF_TEST(user_page_tables_come_back) {
    u64 const before = free_frames();
    auto table = mm::PageTable::create_user();
    REQUIRE(table);
    for (u64 address : {u64{0}, 4 * mib, 7 * gib, arch::user_space_end - page_size}) CHECK(table->find_or_create(address));
    u64 const text = arch::image_segments()[0].start;
    CHECK(table->leaf_of(text).is_present() && table->leaf_of(text).raw() == kernel_space.page_table().leaf_of(text).raw());
    CHECK(before - free_frames() == table->table_frames());
    table->free_empty_tables(0, 8 * mib, &mm::FrameTables::free);
    CHECK(before - free_frames() == table->table_frames());
    table->destroy_user();
    CHECK(free_frames() == before);
}

SELF_TEST(mmio_windows_refuse_what_is_no_address) {
    CHECK(!kernel_space.map_mmio(PhysAddr(0), 0));
    CHECK(!kernel_space.map_mmio(PhysAddr(~u64{0} - 10), 100));
    CHECK(!kernel_space.map_mmio(PhysAddr(page_size), ~u64{0}));
    auto window = kernel_space.map_mmio(PhysAddr(0xb8010), 16, arch::CacheMode::Uncached);
    REQUIRE(window);
    u64 const address = reinterpret_cast<u64>(*window);
    CHECK(address % page_size == 0x10);
    CHECK(kernel_space.page_table().leaf_of(address).address() == PhysAddr(0xb8000));
}
