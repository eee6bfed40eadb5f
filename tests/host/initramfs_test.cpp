// SPDX-License-Identifier: MIT
// The initramfs: what an archive holds becomes the root, and what came before damage of any kind is used.
// sources: kernel/fs/initramfs/initramfs.cpp kernel/fs/initramfs/cpio.cpp kernel/fs/initramfs/gzip.cpp kernel/fs/initramfs/inflate.cpp
#include "tests/host/fs_surroundings.h"

#include <random>

#include "kernel/fs/initramfs/initramfs.h"

namespace {

using namespace surroundings;
using InitramfsTest = FsTest;

std::string cpio_entry(std::string const& name, u32 mode, std::string const& data, u32 inode = 0, u32 links = 1) {
    char header[111];
    snprintf(header, sizeof header, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", inode, mode, 3u, 4u, links, 1000000u, static_cast<u32>(data.size()),
             0u, 0u, 5u, 1u, static_cast<u32>(name.size() + 1), 0u);
    std::string out(header, 110);
    out += name + '\0';
    out.resize((out.size() + 3) / 4 * 4);
    out += data;
    out.resize((out.size() + 3) / 4 * 4);
    return out;
}

std::string example_archive() {
    return cpio_entry(".", 040755, "") + cpio_entry("bin", 040711, "") + cpio_entry("bin/a", 0104755, std::string(9000, 'a'), 5, 2) + cpio_entry("bin/b", 0104755, "", 5, 2) +
           cpio_entry("init", 0120777, "bin/a") + cpio_entry("console", 020600, "") + cpio_entry("missing/x", 0100644, "left out") + cpio_entry("TRAILER!!!", 0, "");
}

std::span<std::byte const> bytes_of(std::string const& text) { return std::as_bytes(std::span(text.data(), text.size())); }

TEST_F(InitramfsTest, Unpacks) {
    auto const done = unpack_initramfs(bytes_of(example_archive()));
    ASSERT_TRUE(done);
    EXPECT_EQ(done->files, 6u);
    EXPECT_EQ(done->bytes, 9000u);
    context = vfs.root_context();
    EXPECT_EQ(read("/init"), std::string(9000, 'a'));
    EXPECT_EQ(attributes("/bin/b").links, 2u);
    EXPECT_EQ(attributes("/bin/b").permissions, 04755u);
    EXPECT_EQ(attributes("/bin/b").uid.value, 3u);
    EXPECT_EQ(attributes("/bin").permissions, 0711u);
    EXPECT_EQ(attributes("/bin").modified.seconds, 1000000);
    EXPECT_EQ(attributes("/bin/a").modified.seconds, 1000000);
    EXPECT_EQ(attributes("/console").rdev, make_device(5, 1));
    EXPECT_EQ(resolve("/missing"), ENOENT);
}

/// What was read before the damage becomes the root, whole files but for the last; if that is nothing, the old root stays.
TEST_F(InitramfsTest, IsUsedUpToItsDamage) {
    std::mt19937 random(3);
    auto const archive = example_archive();
    ASSERT_TRUE(unpack_initramfs(bytes_of(archive)));    // from now on each root is of one kind
    context = vfs.root_context();
    remove_everything("/");
    ASSERT_EQ(write("/before", "kept"), 0);
    long const objects = live_objects;
    size_t const frames = free_list.size();
    int used = 0;
    for (int round = 0; round < 500; ++round) {
        auto damaged = archive;
        if (round < 100) damaged.resize(random() % damaged.size());
        else damaged[random() % 110 + (random() % 2 ? 0 : 112)] = static_cast<char>(random());
        if (auto const done = unpack_initramfs(bytes_of(damaged))) {
            ++used;
            context = vfs.root_context();
            if (round < 100) {
                ASSERT_LE(done->bytes, damaged.size()) << round;
            }
            remove_everything("/");
            ASSERT_EQ(write("/before", "kept"), 0);
        } else {
            ASSERT_EQ(list("/").size(), 3u) << round;
            ASSERT_EQ(read("/before"), "kept");
        }
        // A root that never had as many names has a smaller table of them.
        ASSERT_LE(live_objects, objects) << round;
        ASSERT_GE(free_list.size(), frames) << round;
    }
    EXPECT_GT(used, 100);
}

TEST_F(InitramfsTest, WithoutMemory) {
    long const objects = live_objects;
    size_t const frames = free_list.size();
    bool done = false;
    for (int nth = 0; !done; ++nth) {
        failing_allocation = nth;
        done = unpack_initramfs(bytes_of(example_archive())).has_value();
        failing_allocation = -1;
        context = vfs.root_context();
        if (!done) {
            ASSERT_EQ(live_objects, objects) << nth;
            ASSERT_EQ(free_list.size(), frames) << nth;
        }
    }
}

}
