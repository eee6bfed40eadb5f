// SPDX-License-Identifier: MIT
// Multiboot2 and PVH information, good and damaged. It lies at the very end of 4 GiB of
// simulated memory with an unmapped page behind: one byte read too many ends the test.
// sources: boot/boot_info.cpp
#include <boot/boot_info.h>

#include <cstring>
#include <random>
#include <string>
#include <sys/mman.h>
#include <vector>

#include <arch/image.h>
#include <arch/paging.h>
#include <xen/arch-x86/hvm/start_info.h>

#include "boot/multiboot2.h"

namespace arch {
u64 image_physical_start_address() { return 16 * mib; }
u64 boot_code_end_address() { return 1 * mib + page_size; }
u64 image_end() { return kernel_image_base + 18 * mib; }
}

namespace {

using boot::boot_info;
using Bytes = std::vector<u8>;

struct BootInfoTest : testing::Test {
    static void SetUpTestSuite() {
        void* const memory = mmap(nullptr, 4 * gib + page_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        ASSERT_NE(memory, MAP_FAILED);
        ASSERT_EQ(mprotect(memory, 4 * gib, PROT_READ | PROT_WRITE), 0);
        arch::host_memory = static_cast<std::byte*>(memory);
    }
    void SetUp() override { new (&boot_info) boot::BootInfo(); }

    /// Places bytes so that they end where memory ends; multiples of 8.
    static PhysAddr place(Bytes const& bytes) {
        PhysAddr const address(4 * gib - bytes.size());
        std::memcpy(arch::direct_map(address), bytes.data(), bytes.size());
        return address;
    }
};

template <class T>
void append(Bytes& bytes, T value) {
    auto const* raw = reinterpret_cast<u8 const*>(&value);
    bytes.insert(bytes.end(), raw, raw + sizeof value);
}

void add_tag(Bytes& bytes, u32 type, Bytes const& content) {
    append<u32>(bytes, type);
    append<u32>(bytes, static_cast<u32>(8 + content.size()));
    bytes.insert(bytes.end(), content.begin(), content.end());
    bytes.resize((bytes.size() + 7) & ~size_t{7});
}

Bytes text(char const* words) { return Bytes(words, words + std::strlen(words) + 1); }

Bytes memory_map() {
    Bytes map;
    append<u32>(map, 24), append<u32>(map, 0);
    append<u64>(map, 0), append<u64>(map, 0x9f000), append<u32>(map, 1), append<u32>(map, 0);
    append<u64>(map, 0x100000), append<u64>(map, 0x7f00000), append<u32>(map, 1), append<u32>(map, 0);
    append<u64>(map, 0xf0000000), append<u64>(map, 0x1000), append<u32>(map, 20), append<u32>(map, 0);
    return map;
}

Bytes multiboot2_information() {
    Bytes bytes(8);
    add_tag(bytes, 1, text("console=ttyS0 quiet"));
    add_tag(bytes, 2, text("GRUB"));
    Bytes module;
    append<u32>(module, 0x200000), append<u32>(module, 0x300000);
    add_tag(bytes, 3, module);
    add_tag(bytes, 6, memory_map());
    Bytes rsdp(20, 0x11);
    add_tag(bytes, 14, rsdp);
    add_tag(bytes, 0, {});
    u32 const size = static_cast<u32>(bytes.size());
    std::memcpy(bytes.data(), &size, 4);
    return bytes;
}

TEST_F(BootInfoTest, Multiboot2) {
    boot::read_boot_info(boot::multiboot2::loader_magic, place(multiboot2_information()));
    EXPECT_EQ(boot_info.command(), "console=ttyS0 quiet");
    EXPECT_STREQ(boot_info.loader_name, "GRUB");
    EXPECT_EQ(boot_info.initramfs, PhysAddr(0x200000));
    EXPECT_EQ(boot_info.initramfs_size, 0x100000u);
    ASSERT_EQ(boot_info.memory_count, 3u);
    EXPECT_TRUE(boot_info.memory[1].usable);
    EXPECT_FALSE(boot_info.memory[2].usable);
    EXPECT_TRUE(boot_info.has_rsdp_copy);
    EXPECT_EQ(boot_info.rsdp_copy[19], 0x11);
}

TEST_F(BootInfoTest, LongCommandLineIsCut) {
    Bytes bytes(8);
    add_tag(bytes, 1, text(std::string(5000, 'x').c_str()));
    add_tag(bytes, 6, memory_map());
    u32 const size = static_cast<u32>(bytes.size());
    std::memcpy(bytes.data(), &size, 4);
    boot::read_boot_info(boot::multiboot2::loader_magic, place(bytes));
    EXPECT_EQ(boot_info.command().size(), sizeof boot_info.command_line - 1);
}

TEST_F(BootInfoTest, Pvh) {
    constexpr u64 map_at = 0x5000, text_at = 0x6000, modules_at = 0x7000;
    hvm_memmap_table_entry const map[] = {{0, 0x9fc00, 1, 0}, {0x100000, 0x7f00000, 1, 0}, {0xfffc0000, 0x40000, 2, 0}};
    std::memcpy(arch::direct_map(PhysAddr(map_at)), map, sizeof map);
    std::strcpy(static_cast<char*>(arch::direct_map(PhysAddr(text_at))), "init=/init");
    hvm_modlist_entry const module{0x1000000, 0x2000, 0, 0};
    std::memcpy(arch::direct_map(PhysAddr(modules_at)), &module, sizeof module);
    hvm_start_info const info{XEN_HVM_START_MAGIC_VALUE, 1, 0, 1, modules_at, text_at, 0xf5000, map_at, 3, 0};
    Bytes bytes(sizeof info);
    std::memcpy(bytes.data(), &info, sizeof info);
    boot::read_boot_info(XEN_HVM_START_MAGIC_VALUE, place(bytes));
    EXPECT_EQ(boot_info.command(), "init=/init");
    EXPECT_EQ(boot_info.initramfs, PhysAddr(0x1000000));
    EXPECT_EQ(boot_info.rsdp, PhysAddr(0xf5000));
    EXPECT_EQ(boot_info.memory_count, 3u);
}

TEST_F(BootInfoTest, AModuleLiesWhereItLiesIfThatCanBe) {
    constexpr u64 map_at = 0x5000, modules_at = 0x7000;
    hvm_memmap_table_entry const map{0x100000, 0x7f00000, 1, 0};
    std::memcpy(arch::direct_map(PhysAddr(map_at)), &map, sizeof map);
    for (hvm_modlist_entry const module : {hvm_modlist_entry{5 * gib, 0x2000, 0, 0}, {4 * gib - 0x1000, 0x2000, 0, 0}, {0x1000, ~u64{0}, 0, 0}, {0, 0x2000, 0, 0}}) {
        bool const can_be = module.size == 0x2000 && module.paddr != 0;
        std::memcpy(arch::direct_map(PhysAddr(modules_at)), &module, sizeof module);
        hvm_start_info const info{XEN_HVM_START_MAGIC_VALUE, 1, 0, 1, modules_at, 0, 0, map_at, 1, 0};
        Bytes bytes(sizeof info);
        std::memcpy(bytes.data(), &info, sizeof info);
        new (&boot_info) boot::BootInfo();
        boot::read_boot_info(XEN_HVM_START_MAGIC_VALUE, place(bytes));
        EXPECT_EQ(boot_info.initramfs_size, can_be ? 0x2000u : 0u);
        EXPECT_EQ(boot_info.initramfs, PhysAddr(can_be ? module.paddr : 0));
    }
}

TEST_F(BootInfoTest, DamagedTagsAreHarmless) {
    std::mt19937 random(7);
    Bytes const good = multiboot2_information();
    size_t const map_start = 8 + 32 + 16 + 16;
    for (int round = 0; round < 20000; ++round) {
        Bytes bytes = good;
        for (int i = 0; i < 3; ++i) {
            // The memory map's own start stays, for without any map the kernel rightly stops.
            size_t const at = random() % 2 ? random() % map_start : map_start + 64 + random() % (bytes.size() - map_start - 64);
            bytes[at] = static_cast<u8>(random());
        }
        Bytes with_map(8);
        add_tag(with_map, 6, memory_map());
        with_map.insert(with_map.end(), bytes.begin() + 8, bytes.end());
        u32 size = static_cast<u32>(with_map.size());
        if (random() % 4 == 0) size -= static_cast<u32>(random() % 64);
        std::memcpy(with_map.data(), &size, 4);
        new (&boot_info) boot::BootInfo();
        boot::read_boot_info(boot::multiboot2::loader_magic, place(with_map));
        ASSERT_LE(boot_info.initramfs.value() + boot_info.initramfs_size, 4 * gib);
        ASSERT_LE(boot_info.memory_count, boot::BootInfo::max_ranges);
    }
}

}
