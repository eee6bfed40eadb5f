// SPDX-License-Identifier: MIT
// /proc with made-up processes.
#include "tests/host/fs_surroundings.h"

namespace {

using namespace surroundings;
using ProcfsTest = FsTest;

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

TEST_F(ProcfsTest, Procfs) {
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

}
