// SPDX-License-Identifier: MIT
// The bytes of files against a model, mounts, /proc with a made-up process, descriptor tables,
// and the initramfs: unpacked whole or not at all, however it is damaged.
// sources: kernel/fs/dentry.cpp kernel/fs/names.cpp kernel/fs/inode.cpp kernel/fs/file.cpp kernel/fs/directory_file.cpp
// sources: kernel/fs/path_walk.cpp kernel/fs/permissions.cpp kernel/fs/protections.cpp kernel/fs/tree_edit.cpp kernel/fs/vfs.cpp kernel/fs/user.cpp kernel/fs/size_limit.cpp kernel/fs/vfs_names.cpp
// sources: kernel/fs/file_pages.cpp kernel/fs/tmpfs.cpp kernel/fs/tmpfs_options.cpp kernel/fs/tmpfs_types.cpp kernel/fs/device.cpp kernel/fs/mounts.cpp kernel/fs/procfs.cpp
// sources: kernel/fs/proc_process.cpp kernel/fs/proc_text_file.cpp mm/user/io_buffer.cpp kernel/base/format.cpp
// sources: kernel/fs/descriptor_table.cpp kernel/fs/initramfs.cpp kernel/fs/cpio.cpp kernel/fs/gzip.cpp kernel/fs/inflate.cpp
#include "tests/host/fs_surroundings.h"

#include <random>

#include "kernel/fs/descriptor_table.h"
#include "kernel/fs/initramfs.h"

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
    // What a mapping wrote behind the end does not show either.
    auto const page = *(*file->vm_object())->page(0, mm::Access::Write);
    static_cast<char*>(page.data())[200] = 'm';
    ASSERT_EQ(write_at(*file, 300, "e"), 1);
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
    base::BufferWriter writer(table);
    vfs.write_mounts(writer);
    EXPECT_EQ(writer.text(), "rootfs / rootfs rw,relatime,size=0k,nr_inodes=0,mode=755 0 0\nmy\\040source /m tmpfs rw,relatime 0 0\nsecond /m tmpfs rw,relatime 0 0\n");
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

// ---------------------------------------------------------------- /proc

struct FakeProcess final : ProcessSubject {
    static inline Ref<File> file_of_3;
    static inline bool closed = false, ended = false;
    static constexpr Entry list[] = {{"stat", FileType::Regular, 0444}, {"environ", FileType::Regular, 0400}, {"cwd", FileType::Symlink, 0777}};
    Pid const number, main;
    explicit FakeProcess(Pid pid, Pid process = Pid(0)) : number(pid), main(process) {}
    Pid id() const override { return number; }
    bool is_thread() const override { return main.value != 0; }
    bool exists() const override { return !ended; }
    std::span<Entry const> entries() const override { return list; }
    Result<u64> open(std::string_view) const override { return closed ? fail(EACCES) : Result<u64>(7); }
    Result<> text(std::string_view name, u64 opened, base::Writer& out) const override {
        if (ended) return fail(ESRCH);
        EXPECT_EQ(opened, 7u);
        base::format_to(out, "{} of {}\n", name, number);
        return {};
    }
    Result<> write(std::string_view, std::string_view) override { return fail(EINVAL); }
    Result<Ref<Dentry>> link(std::string_view) const override { return closed ? fail(EACCES) : Result<Ref<Dentry>>(vfs.root()); }
    Result<Ref<File>> file(Fd fd) const override { return fd.value == 3 && file_of_3 ? Result<Ref<File>>(file_of_3) : fail(ENOENT); }
    Result<u32> modes_of(Fd fd) const override { return file(fd) ? Result<u32>(0500) : fail(ENOENT); }
    std::optional<Fd> next_descriptor(Fd from) const override { return file_of_3 && from.value <= 3 ? std::optional(Fd(3)) : std::nullopt; }
    Result<Ref<ProcessSubject>> thread(Pid tid) const override {
        if (tid.value != 43) return fail(ENOENT);
        return TRY(mm::make_ref<FakeProcess>(tid, number));
    }
    std::optional<Pid> next_thread(Pid previous) const override { return previous.value < 43 ? std::optional(Pid(43)) : std::nullopt; }
    bool is_own() const override { return number.value == 42; }
    std::pair<UserId, GroupId> owner(bool) const override { return {UserId(number.value == 42 ? 1000u : 0u), GroupId(0)}; }
};

struct FakeProcesses final : ProcessProvider {
    Result<Ref<ProcessSubject>> find(Pid pid) override {
        if (pid.value != 1 && pid.value != 42) return fail(ENOENT);
        return TRY(mm::make_ref<FakeProcess>(pid));
    }
    std::optional<Pid> next(Pid previous) override { return previous.value < 1 ? std::optional(Pid(1)) : previous.value < 42 ? std::optional(Pid(42)) : std::nullopt; }
    std::optional<Self> current() override { return Self{Pid(42), Pid(43)}; }
};

TEST_F(TmpfsTest, Procfs) {
    static FakeProcesses processes;
    static int counter = 0;
    static std::string written;
    procfs.processes.provide(processes);
    ASSERT_TRUE(procfs.add("counter", [](base::Writer& out) -> Result<> { return base::format_to(out, "{}\n", ++counter), Result<>{}; }));
    ASSERT_TRUE(procfs.add("sys/kernel/name", [](base::Writer& out) -> Result<> { return out.write(written), Result<>{}; }, 0644,
                           [](std::string_view text, Credentials const& who) -> Result<> { return who.is_superuser() ? written = text, Result<>{} : fail(EPERM); }));
    EXPECT_EQ(error(procfs.add("counter", nullptr)), EEXIST);
    ASSERT_EQ(mkdir("/proc"), 0);
    ASSERT_TRUE(vfs.mount(procfs.file_system(), "proc", as_root(), "/proc"));
    EXPECT_EQ(error(vfs.mount_type({"proc", "proc", {}, {}}, as_root(), "/proc")), 0) << "the kernel's own mount gives way";
    EXPECT_EQ(error(vfs.mount_type({"proc", "proc", {}, {}}, as_root(), "/proc")), EBUSY);
    EXPECT_EQ(read("/proc/counter"), "1\n");
    auto const file = *open("/proc/counter", O_RDONLY);
    EXPECT_EQ(read(*file), "2\n");
    EXPECT_EQ(*file->seek(0, SEEK_SET), 0u);
    EXPECT_EQ(read(*file), "3\n");
    EXPECT_EQ(read("/proc/self/stat"), "stat of 42\n");
    EXPECT_EQ(read("/proc/1/stat"), "stat of 1\n");
    EXPECT_EQ(read("/proc/thread-self/stat"), "stat of 43\n");
    for (auto path : {"/proc/1/task/44", "/proc/1/task/1", "/proc/1/task/43/task"}) EXPECT_EQ(resolve(path), ENOENT) << path;
    EXPECT_EQ(error(vfs.open(as_user(), "/proc/1/environ", O_RDONLY, 0)), EACCES);
    EXPECT_EQ(error(vfs.open(as_user(), "/proc/42/environ", O_RDONLY, 0)), 0);
    FakeProcess::closed = true;
    EXPECT_EQ(error(vfs.resolve(as_user(), "/proc/1/cwd/x")), EACCES);
    FakeProcess::closed = false;
    EXPECT_EQ(attributes("/proc/self/cwd/").inode, attributes("/").inode);
    for (auto path : {"/proc/2", "/proc/042", "/proc/x", "/proc/self/x", "/proc/99999999999", "/proc/self/fd/3"}) EXPECT_EQ(resolve(path), ENOENT) << path;
    {   // An open file speaks of the process that it was opened for.
        auto const stat = *open("/proc/1/stat", O_RDONLY);
        EXPECT_EQ(read(*stat), "stat of 1\n");
        FakeProcess::ended = true;
        EXPECT_EQ(resolve("/proc/1/stat"), ESRCH);
        char byte;
        auto buffer = mm::IoBuffer::kernel(&byte, 1);
        EXPECT_EQ(error(stat->read_at(0, buffer)), ESRCH);
        FakeProcess::ended = false;
    }
    EXPECT_EQ(write("/proc/new", "x"), ENOENT);
    EXPECT_EQ(unlink("/proc/counter"), EPERM);
    EXPECT_EQ(write("/proc/sys/kernel/name", "aubrac"), 0);
    EXPECT_EQ(read("/proc/sys/kernel/name"), "aubrac");
    ASSERT_EQ(write("/target", "content"), 0);
    FakeProcess::file_of_3 = *open("/target", O_RDONLY);
    EXPECT_EQ(read("/proc/self/fd/3"), "content");
    char text[64];
    EXPECT_EQ(std::string_view(text, *vfs.read_link(as_root(), "/proc/self/fd/3", text)), "/target");
    ASSERT_EQ(unlink("/target"), 0);
    EXPECT_EQ(std::string_view(text, *vfs.read_link(as_root(), "/proc/self/fd/3", text)), "/target (deleted)");
    EXPECT_EQ(read("/proc/self/fd/3"), "content");
    EXPECT_EQ(list("/proc"), (std::vector<std::string>{".", "..", "self", "thread-self", "mounts", "filesystems", "sys", "counter", "1", "42"}));
    EXPECT_EQ(list("/proc/42"), (std::vector<std::string>{".", "..", "task", "fd", "mounts", "mountinfo", "stat", "environ", "cwd"}));
    EXPECT_EQ(list("/proc/42/fd"), (std::vector<std::string>{".", "..", "3"}));
    EXPECT_EQ(read("/proc/mounts"), "rootfs / rootfs rw,relatime,size=0k,nr_inodes=0,mode=755 0 0\nproc /proc proc rw,relatime 0 0\n");
    auto const here = *vfs.resolve(as_root(), "/proc/sys/kernel");
    EXPECT_EQ(*here->path(*context.root, text, true), "/proc/sys/kernel");
    FakeProcess::file_of_3.reset();
    EXPECT_EQ(error(vfs.unmount(as_root(), "/proc")), EBUSY);
    const_cast<Ref<Dentry>&>(here).reset();
    const_cast<Ref<File>&>(file).reset();
    EXPECT_EQ(error(vfs.unmount(as_root(), "/proc")), 0);
}

// ---------------------------------------------------------------- descriptors

TEST_F(TmpfsTest, Descriptors) {
    ASSERT_EQ(write("/f", "x"), 0);
    auto const file = *open("/f", O_RDONLY);
    auto table = *DescriptorTable::create();
    for (int i = 0; i < 200; ++i) ASSERT_EQ(table->add(file, i % 2 ? CloseOnExec::Yes : CloseOnExec::No, 1000)->value, i);
    EXPECT_EQ(file->reference_count(), 201u);
    EXPECT_EQ(error(table->add(file, CloseOnExec::No, 200)), EMFILE);
    EXPECT_EQ(error(table->add(file, CloseOnExec::No, 200, Fd(200))), EINVAL);
    EXPECT_EQ(error(table->close(Fd(7))), 0);
    EXPECT_EQ(error(table->close(Fd(7))), EBADF);
    EXPECT_EQ(error(table->close(Fd(-1))), EBADF);
    EXPECT_EQ(error(table->get(Fd(1 << 30))), EBADF);
    EXPECT_EQ(table->add(file, CloseOnExec::No, 1000)->value, 7);
    EXPECT_EQ(table->add(file, CloseOnExec::No, 1000, Fd(500))->value, 500);
    EXPECT_EQ(table->add(file, CloseOnExec::No, 1000)->value, 200);
    EXPECT_EQ(table->next_used(Fd(201))->value, 500);
    EXPECT_EQ(error(table->replace(Fd(1000), file, CloseOnExec::No, 1000)), EBADF);
    EXPECT_EQ(error(table->replace(Fd(999), file, CloseOnExec::Yes, 1000)), 0);
    auto copy = *table->copy();
    EXPECT_EQ(*copy->close_on_exec_flag(Fd(999)), CloseOnExec::Yes);
    EXPECT_EQ(*copy->close_on_exec_flag(Fd(500)), CloseOnExec::No);
    EXPECT_EQ(file->reference_count(), 1u + 2 * 203);
    copy->close_on_exec();
    EXPECT_EQ(file->reference_count(), 1u + 203 + 103);
    EXPECT_EQ(copy->next_used(Fd(501)), std::nullopt);
    EXPECT_EQ(error(copy->close_range(10, ~0u)), 0);
    EXPECT_EQ(file->reference_count(), 1u + 203 + 6);
    EXPECT_EQ(copy->add(file, CloseOnExec::No, 1000)->value, 1);
    copy.reset();
    table.reset();
    EXPECT_EQ(file->reference_count(), 1u);
}

// ---------------------------------------------------------------- initramfs

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

TEST_F(TmpfsTest, Initramfs) {
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
TEST_F(TmpfsTest, DamagedInitramfsIsUsedUpToItsDamage) {
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
            if (round < 100) ASSERT_LE(done->bytes, damaged.size()) << round;
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

TEST_F(TmpfsTest, InitramfsWithoutMemory) {
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
