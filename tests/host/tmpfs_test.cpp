// SPDX-License-Identifier: MIT
// The bytes of files against a model, what a full memory and truncation do, times, and mounts.
#include "tests/host/fs_surroundings.h"

#include <random>

namespace {

using namespace surroundings;

class TmpfsTest : public FsTest {
protected:
    static std::string read_at(File& file, u64 position, size_t size) {
        std::string out(size, '?');
        auto buffer = mm::IoBuffer::kernel(out.data(), size);
        auto const count = file.read_at(position, buffer);
        EXPECT_TRUE(count);
        out.resize(count ? *count : 0);
        return out;
    }
    static int write_at(File& file, u64 position, std::string const& text) {
        auto buffer = mm::IoBuffer::kernel(text.data(), text.size());
        auto const count = file.write_at(position, buffer);
        return count ? static_cast<int>(*count) : -count.error().value;
    }
};

TEST_F(TmpfsTest, BytesMatchAModel) {
    size_t const frames = free_list.size();
    std::mt19937 random(1);
    std::string model;
    auto file = *open("/f", O_RDWR | O_CREAT);
    auto const pages = *file->vm_object();
    for (int step = 0; step < 4000; ++step) {
        u64 const position = random() % 300000;
        size_t const size = random() % (random() % 4 ? 5000 : 40000);
        switch (random() % 8) {
        case 0: {
            u64 const length = random() % 3 ? model.size() / 2 + position / 4 : random() % 5000;
            ASSERT_TRUE(file->truncate(length));
            model.resize(length);
            break;
        }
        case 1: case 2: case 3: {
            std::string text(size, static_cast<char>('a' + step % 26));
            ASSERT_EQ(write_at(*file, position, text), static_cast<int>(size));
            if (size == 0) break;
            if (model.size() < position + size) model.resize(position + size);
            model.replace(position, size, text);
            break;
        }
        case 4: {   // a mapping sees the same bytes
            auto const page = pages->page(position >> page_shift, mm::Access::Read);
            bool const inside = (position & ~page_mask) < model.size();
            ASSERT_EQ(page.has_value(), inside);
            if (!page) break;
            auto const expected = model.substr(position & ~page_mask, page_size);
            ASSERT_EQ(std::string(static_cast<char*>(page->data()), expected.size()), expected);
            break;
        }
        default: ASSERT_EQ(read_at(*file, position, size), position < model.size() ? model.substr(position, size) : ""); break;
        }
        ASSERT_EQ(file->attributes()->size, model.size());
    }
    ASSERT_EQ(unlink("/f"), 0);
    EXPECT_LT(free_list.size(), frames);
    file.reset();
    EXPECT_LT(free_list.size(), frames) << "the mapping still holds the pages";
    const_cast<Ref<mm::VmObject>&>(pages).reset();
    EXPECT_EQ(free_list.size(), frames);
}

TEST_F(TmpfsTest, HolesCostNothing) {
    size_t const frames = free_list.size();
    auto file = *open("/sparse", O_RDWR | O_CREAT);
    ASSERT_TRUE(file->truncate(u64{1} << 40));
    EXPECT_EQ(free_list.size(), frames);
    EXPECT_EQ(write_at(*file, u64{1} << 39, "x"), 1);
    EXPECT_EQ(free_list.size(), frames - 1);
    EXPECT_EQ(file->attributes()->blocks, 8u);
    EXPECT_EQ(read_at(*file, (u64{1} << 39) - 3, 6), std::string("\0\0\0x\0\0", 6));
    EXPECT_EQ(write_at(*file, ~u64{0} >> 1, "x"), -EINVAL) << "it would end behind the largest position";
    EXPECT_EQ(write_at(*file, u64{1} << 63, "x"), -EINVAL);
    EXPECT_EQ(error(file->truncate(u64{1} << 63)), EINVAL);
    EXPECT_EQ(*file->seek(-1, SEEK_END), (u64{1} << 40) - 1);
    EXPECT_EQ(error(file->seek(-1, SEEK_SET)), EINVAL);
    EXPECT_EQ(error(file->seek(i64{1} << 62, SEEK_CUR)), 0);
    EXPECT_EQ(error(file->seek((i64{1} << 62) + ((i64{1} << 62) - 1), SEEK_CUR)), EOVERFLOW);
    ASSERT_TRUE(file->truncate(0));
    EXPECT_EQ(free_list.size(), frames);
}

TEST_F(TmpfsTest, TruncationHidesOldBytes) {
    auto file = *open("/f", O_RDWR | O_CREAT);
    ASSERT_EQ(write_at(*file, 0, std::string(100, 'x')), 100);
    ASSERT_TRUE(file->truncate(10));
    ASSERT_TRUE(file->truncate(100));
    EXPECT_EQ(read_at(*file, 0, 200), std::string(10, 'x') + std::string(90, '\0'));
    // What a mapping wrote behind the end shows when the file grows, as on Linux's tmpfs, but not after a truncation.
    auto const page = *(*file->vm_object())->page(0, mm::Access::Write);
    static_cast<char*>(page.data())[200] = 'm';
    ASSERT_EQ(write_at(*file, 300, "e"), 1);
    EXPECT_EQ(read_at(*file, 200, 1), "m");
    ASSERT_TRUE(file->truncate(100));
    static_cast<char*>(page.data())[200] = 'n';
    ASSERT_TRUE(file->truncate(100));
    ASSERT_TRUE(file->truncate(300));
    EXPECT_EQ(read_at(*file, 200, 1), std::string(1, '\0'));
}

TEST_F(TmpfsTest, AppendsAtTheEnd) {
    ASSERT_EQ(write("/log", "one\n"), 0);
    auto const first = *open("/log", O_WRONLY | O_APPEND), second = *open("/log", O_WRONLY | O_APPEND);
    for (auto const& [file, text] : {std::pair(first, "two\n"), std::pair(second, "three\n"), std::pair(first, "four\n")}) {
        auto buffer = mm::IoBuffer::kernel(text, strlen(text));
        ASSERT_TRUE(file->write(buffer));
    }
    EXPECT_EQ(read("/log"), "one\ntwo\nthree\nfour\n");
}

TEST_F(TmpfsTest, FullMemoryIsNoSpace) {
    size_t const frames = free_list.size();
    {
        auto const file = *open("/big", O_WRONLY | O_CREAT);
        std::string const chunk(100000, 'x');
        u64 written = 0;
        for (;;) {
            int const count = write_at(*file, written, chunk);
            if (count <= 0) {
                EXPECT_EQ(count, -ENOSPC);
                break;
            }
            written += static_cast<u64>(count);
        }
        // A 16th of memory is left to programs.
        u64 const kept = mm::frame_allocator.total_bytes() / page_size / 16;
        EXPECT_EQ(written, (frames - kept) * page_size);
        EXPECT_EQ(file->attributes()->size, written);
    }
    EXPECT_EQ(unlink("/big"), 0);
    EXPECT_EQ(free_list.size(), frames);
}

/// Who calls, for the tests of what a write does to rights.
Credentials writer;

TEST_F(TmpfsTest, WritersWithoutPrivilegeClearSetuidWhoeverOpened) {
    credentials_of_caller.provide([] { return writer; });
    ASSERT_EQ(error(vfs.open(as_root(), "/s", O_RDWR | O_CREAT, 0600)), 0);
    auto const inode = (*vfs.resolve(as_root(), "/s"))->inode();
    ASSERT_TRUE(vfs.change_mode(*inode, root, 06777));
    auto const opened_by_user = *vfs.open(as_user(), "/s", O_WRONLY, 0);
    writer = root;
    EXPECT_EQ(write_at(*opened_by_user, 0, "x"), 1);
    EXPECT_EQ(attributes("/s").permissions, 06777u);
    auto const opened_by_root = *vfs.open(as_root(), "/s", O_WRONLY, 0);
    writer = user;
    EXPECT_EQ(write_at(*opened_by_root, 0, ""), 0);
    EXPECT_EQ(attributes("/s").permissions, 06777u);
    EXPECT_EQ(write_at(*opened_by_root, 0, "x"), 1);
    EXPECT_EQ(attributes("/s").permissions, 0777u);
    ASSERT_TRUE(vfs.change_mode(*inode, root, 06777));
    EXPECT_TRUE(opened_by_root->truncate(1));
    EXPECT_EQ(attributes("/s").permissions, 0777u);
    credentials_of_caller.withdraw();
}

TEST_F(TmpfsTest, WhatRunsIsNotWritten) {
    ASSERT_EQ(write("/program", "text"), 0);
    auto const inode = (*vfs.resolve(as_root(), "/program"))->inode();
    ASSERT_TRUE(inode->begin_executing());
    EXPECT_EQ(error(vfs.truncate(as_root(), "/program", 0)), ETXTBSY);
    EXPECT_EQ(error(open("/program", O_RDONLY | O_TRUNC)), ETXTBSY);
    EXPECT_EQ(error(open("/program", O_RDWR)), ETXTBSY);
    inode->end_executing();
    EXPECT_EQ(read("/program"), "text");
    auto const object = inode->vm_object();
    object->mapped(true, true);
    EXPECT_FALSE(inode->begin_executing()) << "a mapping may write to it";
    object->mapped(false, true);
    EXPECT_TRUE(inode->begin_executing());
    inode->end_executing();
    EXPECT_EQ(error(vfs.truncate(as_root(), "/program", 0)), 0);
}

TEST_F(TmpfsTest, Times) {
    ASSERT_EQ(write("/f", "x"), 0);
    auto const before = attributes("/f");
    EXPECT_EQ(read("/f"), "x");
    auto const after = attributes("/f");
    EXPECT_GT(after.accessed, before.accessed);
    EXPECT_EQ(after.modified, before.modified);
    EXPECT_EQ(read("/f"), "x");
    EXPECT_EQ(attributes("/f").accessed, after.accessed) << "relatime: read since it was written";
    auto const directory = attributes("/");
    ASSERT_EQ(mkdir("/d"), 0);
    EXPECT_GT(attributes("/").modified, directory.modified);
}

TEST_F(TmpfsTest, Mounts) {
    ASSERT_EQ(mkdir("/m"), 0);
    ASSERT_EQ(write("/m/below", "below"), 0);
    EXPECT_EQ(error(vfs.mount_type({"tmpfs", "none", {}, {}}, as_user(), "/m")), EPERM);
    EXPECT_EQ(error(vfs.mount_type({"ext4", "none", {}, {}}, as_root(), "/m")), ENODEV);
    EXPECT_EQ(error(vfs.mount_type({"tmpfs", "none", {}, {}}, as_root(), "/m/below")), ENOTDIR);
    ASSERT_EQ(error(vfs.mount_type({"tmpfs", "my source", {}, {}}, as_root(), "/m")), 0);
    EXPECT_EQ(resolve("/m/below"), ENOENT);
    ASSERT_EQ(write("/m/above", "above"), 0);
    EXPECT_NE(attributes("/m/above").device, attributes("/").device);
    EXPECT_EQ(attributes("/m/..").inode, attributes("/").inode);
    EXPECT_EQ(rename("/m/above", "/above"), EXDEV);
    EXPECT_EQ(link("/m/above", "/above"), EXDEV);
    EXPECT_EQ(rmdir("/m"), EBUSY);
    EXPECT_EQ(rename("/m", "/n"), EBUSY);
    char text[64];
    EXPECT_EQ(*(*vfs.resolve(as_root(), "/m/above"))->path(*context.root, text, true), "/m/above");
    ASSERT_EQ(error(vfs.mount_type({"tmpfs", "second", {}, {}}, as_root(), "/m")), 0);
    EXPECT_EQ(resolve("/m/above"), ENOENT);
    char table[500];
    base::BufferWriter out(table);
    vfs.write_mounts(out);
    EXPECT_EQ(out.text(), "rootfs / rootfs rw,relatime,size=0k,nr_inodes=0,mode=755 0 0\nmy\\040source /m tmpfs rw,relatime 0 0\nsecond /m tmpfs rw,relatime 0 0\n");
    ASSERT_EQ(error(vfs.unmount(as_root(), "/m")), 0);
    {
        auto const open_file = *open("/m/above", O_RDONLY);
        EXPECT_EQ(error(vfs.unmount(as_root(), "/m")), EBUSY);
    }
    EXPECT_EQ(error(vfs.unmount(as_root(), "/")), EINVAL);
    EXPECT_EQ(error(vfs.unmount(as_root(), "/m/above")), EINVAL);
    ASSERT_EQ(error(vfs.unmount(as_root(), "/m")), 0);
    EXPECT_EQ(read("/m/below"), "below");
}

}
