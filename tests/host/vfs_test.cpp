// SPDX-License-Identifier: MIT
// The path walk, making and removing, rename's rules, links, and every one of them with memory
// running out at each allocation in turn.
#include "tests/host/fs_surroundings.h"

#include <functional>

#include <linux/fs.h>

namespace {

using namespace surroundings;
using VfsTest = FsTest;

TEST_F(VfsTest, WalksPaths) {
    ASSERT_EQ(mkdir("/a"), 0);
    ASSERT_EQ(mkdir("/a/b"), 0);
    ASSERT_EQ(write("/a/b/f", "text"), 0);
    for (auto path : {"/", "//", "/.", "/..", "/a/b/f", "a/b/f", "./a//b/./f", "/a/../a/b/../b/f", "/a/b/", "/../../a/b"}) EXPECT_EQ(resolve(path), 0) << path;
    for (auto path : {"", "/x", "/a/x", "/x/y", "/a/b/f2"}) EXPECT_EQ(resolve(path), ENOENT) << path;
    for (auto path : {"/a/b/f/", "/a/b/f/.", "/a/b/f/..", "/a/b/f/x"}) EXPECT_EQ(resolve(path), ENOTDIR) << path;
    EXPECT_EQ(resolve("/" + std::string(255, 'n')), ENOENT);
    EXPECT_EQ(resolve("/" + std::string(256, 'n')), ENAMETOOLONG);
    EXPECT_EQ(resolve(std::string(4095, '/')), 0);
    EXPECT_EQ(resolve(std::string(4096, '/')), ENAMETOOLONG);
    EXPECT_EQ(mkdir("/" + std::string(255, 'n')), 0);
    EXPECT_EQ(resolve("/" + std::string(255, 'n') + "/.."), 0);
}

TEST_F(VfsTest, WalksFromTheWorkingDirectoryAndStaysInItsRoot) {
    ASSERT_EQ(mkdir("/jail"), 0);
    ASSERT_EQ(mkdir("/jail/in"), 0);
    ASSERT_EQ(write("/secret", "s"), 0);
    ASSERT_EQ(symlink("/../secret", "/jail/escape"), 0);
    context.root = context.working_directory = *vfs.resolve(as_root(), "/jail");
    EXPECT_EQ(resolve("in"), 0);
    EXPECT_EQ(resolve("../../jail"), ENOENT);
    EXPECT_EQ(resolve("../../in"), 0);
    EXPECT_EQ(resolve("/escape"), ENOENT);
    char text[64];
    auto const in = *vfs.resolve(as_root(), "in");
    EXPECT_EQ(*in->path(*context.root, text, true), "/in");
    EXPECT_EQ(*in->path(*vfs.root(), text, true), "/jail/in");
    EXPECT_EQ(error(in->path(*vfs.root(), std::span(text).first(7), true)), ENAMETOOLONG);
}

TEST_F(VfsTest, FollowsSymbolicLinks) {
    ASSERT_EQ(mkdir("/d"), 0);
    ASSERT_EQ(write("/d/f", "through"), 0);
    ASSERT_EQ(symlink("d", "/relative"), 0);
    ASSERT_EQ(symlink("/d/", "/absolute"), 0);
    ASSERT_EQ(symlink("../relative/f", "/d/up"), 0);
    for (auto path : {"/relative/f", "/absolute/f", "/d/up", "/relative/up", "/absolute/../d/f"}) EXPECT_EQ(read(path), "through") << path;
    EXPECT_EQ(attributes("/relative").type, FileType::Symlink);
    EXPECT_EQ(attributes("/relative").size, 1u);
    EXPECT_EQ(attributes("/relative/").type, FileType::Directory);
    EXPECT_EQ(error(open("/relative", O_RDONLY | O_NOFOLLOW)), ELOOP);
    EXPECT_EQ(error(open("/d/up", O_RDONLY | O_DIRECTORY)), ENOTDIR);
    EXPECT_EQ(symlink("self", "/self"), 0);
    EXPECT_EQ(resolve("/self"), ELOOP);
    EXPECT_EQ(resolve("/self/x"), ELOOP);
    EXPECT_EQ(symlink("", "/empty"), ENOENT);
    EXPECT_EQ(symlink(std::string(4096, 'a'), "/long"), ENAMETOOLONG);
    char text[100];
    EXPECT_EQ(*vfs.read_link(as_root(), "/d/up", text), 13u);
    EXPECT_EQ(*vfs.read_link(as_root(), "/d/up", std::span(text).first(4)), 4u);
    EXPECT_EQ(error(vfs.read_link(as_root(), "/d/f", text)), EINVAL);
}

TEST_F(VfsTest, FollowsFortyLinksAndNoMore) {
    ASSERT_EQ(write("/end", "."), 0);
    for (int i = 0; i < 41; ++i) ASSERT_EQ(symlink(i == 0 ? "end" : "l" + std::to_string(i - 1), "/l" + std::to_string(i)), 0);
    EXPECT_EQ(resolve("/l39"), 0);
    EXPECT_EQ(resolve("/l40"), ELOOP);
}

TEST_F(VfsTest, OpensAndCreates) {
    EXPECT_EQ(error(open("/f", O_RDONLY)), ENOENT);
    EXPECT_EQ(error(open("/f", O_RDWR | O_CREAT | O_EXCL, 04777)), 0);
    EXPECT_EQ(attributes("/f").permissions, 04755u);
    EXPECT_EQ(error(open("/f", O_RDWR | O_CREAT | O_EXCL)), EEXIST);
    ASSERT_EQ(mkdir("/d"), 0);
    EXPECT_EQ(error(open("/d", O_RDONLY)), 0);
    EXPECT_EQ(error(open("/d", O_WRONLY)), EISDIR);
    EXPECT_EQ(error(open("/d", O_RDONLY | O_CREAT)), EISDIR);
    EXPECT_EQ(error(open("/new/", O_RDONLY | O_CREAT)), EISDIR);
    EXPECT_EQ(error(open("/", O_RDWR | O_CREAT)), EISDIR);
    EXPECT_EQ(error(open("/f", O_RDONLY | O_DIRECTORY)), ENOTDIR);
    EXPECT_EQ(error(open("/f/x", O_RDONLY | O_CREAT)), ENOTDIR);
    ASSERT_EQ(symlink("made", "/dangling"), 0);
    EXPECT_EQ(error(open("/dangling", O_WRONLY | O_CREAT | O_EXCL)), EEXIST);
    EXPECT_EQ(error(open("/dangling", O_WRONLY | O_CREAT | O_NOFOLLOW)), ELOOP);
    EXPECT_EQ(error(open("/dangling", O_WRONLY | O_CREAT)), 0);
    EXPECT_EQ(resolve("/made"), 0);
    ASSERT_EQ(write("/f", "0123456789"), 0);
    EXPECT_EQ(error(open("/f", O_WRONLY | O_TRUNC)), 0);
    EXPECT_EQ(attributes("/f").size, 0u);
    auto const path_only = open("/f", O_PATH);
    ASSERT_TRUE(path_only);
    EXPECT_EQ(read(**path_only), "error " + std::to_string(EBADF));
    EXPECT_EQ(error((*path_only)->attributes()), 0);
    auto const nameless = open("/d", O_RDWR | O_TMPFILE);
    ASSERT_TRUE(nameless);
    EXPECT_EQ((*nameless)->attributes()->links, 0u);
    EXPECT_EQ(list("/d").size(), 2u);
}

TEST_F(VfsTest, UnlinkedFilesLiveUntilClosed) {
    ASSERT_EQ(write("/f", "still here"), 0);
    auto const file = *open("/f", O_RDONLY);
    ASSERT_EQ(unlink("/f"), 0);
    EXPECT_EQ(read(*file), "still here");
    EXPECT_EQ(file->attributes()->links, 0u);
    char text[64];
    EXPECT_EQ(*file->dentry()->path(*context.root, text, true), "/f (deleted)");
    EXPECT_EQ(error(vfs.link_dentry(*file->dentry(), as_root(), "/again")), ENOENT);
}

TEST_F(VfsTest, RemovesByTheRules) {
    ASSERT_EQ(mkdir("/d"), 0);
    ASSERT_EQ(write("/d/f", ""), 0);
    ASSERT_EQ(symlink("d", "/l"), 0);
    EXPECT_EQ(unlink("/d"), EISDIR);
    EXPECT_EQ(unlink("/d/f/"), ENOTDIR);
    EXPECT_EQ(unlink("/d/."), EISDIR);
    EXPECT_EQ(rmdir("/d"), ENOTEMPTY);
    EXPECT_EQ(rmdir("/d/f"), ENOTDIR);
    EXPECT_EQ(rmdir("/d/."), EINVAL);
    EXPECT_EQ(rmdir("/d/.."), ENOTEMPTY);
    EXPECT_EQ(rmdir("/"), EBUSY);
    EXPECT_EQ(rmdir("/l"), ENOTDIR);
    EXPECT_EQ(unlink("/d/f"), 0);
    EXPECT_EQ(unlink("/d/f"), ENOENT);
    context.working_directory = *vfs.resolve(as_root(), "/d");
    EXPECT_EQ(rmdir("/d"), 0);
    EXPECT_EQ(mkdir("x"), ENOENT);
    EXPECT_EQ(error(open("x", O_CREAT | O_RDWR)), ENOENT);
    EXPECT_EQ(resolve("."), 0);
    EXPECT_EQ(resolve(".."), 0);
    context.working_directory = context.root;
}

TEST_F(VfsTest, MakesByTheRules) {
    ASSERT_EQ(write("/f", ""), 0);
    EXPECT_EQ(mkdir("/f"), EEXIST);
    EXPECT_EQ(mkdir("/"), EEXIST);
    EXPECT_EQ(mkdir("/d///"), 0);
    EXPECT_EQ(mkdir("/d/."), EEXIST);
    EXPECT_EQ(mkdir("/f/x"), ENOTDIR);
    EXPECT_EQ(mkdir("/no/x"), ENOENT);
    EXPECT_EQ(symlink("x", "/s/"), ENOENT);
    EXPECT_EQ(link("/f", "/d"), EEXIST);
    EXPECT_EQ(link("/d", "/d2"), EPERM);
    EXPECT_EQ(error(vfs.make_node(as_root(), "/n", S_IFDIR | 0700, 0)), EPERM);
    EXPECT_EQ(error(vfs.make_node(as_root(), "/n", S_IFLNK | 0700, 0)), EINVAL);
    EXPECT_EQ(error(vfs.make_node(as_user(), "/n", S_IFCHR | 0700, 259)), EACCES);
    EXPECT_EQ(error(vfs.make_node(as_root(), "/n", S_IFCHR | 0600, make_device(4, 64))), 0);
    EXPECT_EQ(attributes("/n").rdev, make_device(4, 64));
    EXPECT_EQ(error(open("/n", O_RDWR)), ENXIO);
    EXPECT_EQ(error(vfs.make_node(as_root(), "/p", S_IFIFO | 0666, 0)), 0);
    EXPECT_EQ(attributes("/p").permissions, 0644u);
}

TEST_F(VfsTest, CountsLinks) {
    u32 const before = attributes("/").links;
    ASSERT_EQ(mkdir("/a"), 0);
    ASSERT_EQ(mkdir("/a/b"), 0);
    EXPECT_EQ(attributes("/").links, before + 1);
    EXPECT_EQ(attributes("/a").links, 3u);
    ASSERT_EQ(write("/f", ""), 0);
    ASSERT_EQ(link("/f", "/a/g"), 0);
    EXPECT_EQ(attributes("/f").links, 2u);
    EXPECT_EQ(attributes("/f").inode, attributes("/a/g").inode);
    ASSERT_EQ(rename("/a/b", "/b"), 0);
    EXPECT_EQ(attributes("/a").links, 2u);
    EXPECT_EQ(attributes("/").links, before + 2);
    ASSERT_EQ(rmdir("/b"), 0);
    ASSERT_EQ(unlink("/f"), 0);
    EXPECT_EQ(attributes("/a/g").links, 1u);
    EXPECT_EQ(attributes("/").links, before + 1);
}

TEST_F(VfsTest, RenamesByTheRules) {
    for (auto path : {"/d", "/d/e", "/empty", "/full", "/full/x"}) ASSERT_EQ(mkdir(path), 0);
    ASSERT_EQ(write("/f", "f"), 0);
    ASSERT_EQ(write("/g", "g"), 0);
    ASSERT_EQ(link("/f", "/f2"), 0);
    EXPECT_EQ(rename("/none", "/x"), ENOENT);
    EXPECT_EQ(rename("/d", "/d/e/inside"), EINVAL);
    EXPECT_EQ(rename("/d", "/d/inside"), EINVAL);
    EXPECT_EQ(rename("/d", "/full"), ENOTEMPTY);
    EXPECT_EQ(rename("/d/e", "/d"), ENOTEMPTY);
    EXPECT_EQ(rename("/d", "/f"), ENOTDIR);
    EXPECT_EQ(rename("/f", "/d"), EISDIR);
    EXPECT_EQ(rename("/f", "/new/"), ENOTDIR);
    EXPECT_EQ(rename("/d/.", "/x"), EBUSY);
    EXPECT_EQ(rename("/f", "/f2"), 0);                  // the same file: nothing happens
    EXPECT_EQ(resolve("/f"), 0);
    EXPECT_EQ(rename("/f", "/f"), 0);
    EXPECT_EQ(rename("/d", "/empty"), 0);
    EXPECT_EQ(resolve("/empty/e"), 0);
    EXPECT_EQ(resolve("/d"), ENOENT);
    EXPECT_EQ(rename("/f", "/g"), 0);
    EXPECT_EQ(read("/g"), "f");
    EXPECT_EQ(rename("/g", "/empty/" + std::string(200, 'l')), 0);
    EXPECT_EQ(read("/empty/" + std::string(200, 'l')), "f");
    EXPECT_EQ(rename("/f2", "/full", RENAME_NOREPLACE), EEXIST);
    EXPECT_EQ(rename("/f2", "/f3", RENAME_NOREPLACE), 0);
    EXPECT_EQ(rename("/f3", "/none", RENAME_EXCHANGE), ENOENT);
    EXPECT_EQ(rename("/f3", "/full", RENAME_EXCHANGE | RENAME_NOREPLACE), EINVAL);
    EXPECT_EQ(rename("/f3", "/empty/e", RENAME_EXCHANGE), 0);
    EXPECT_EQ(attributes("/f3").type, FileType::Directory);
    EXPECT_EQ(read("/empty/e"), "f");
    EXPECT_EQ(rename("/empty", "/empty/e", RENAME_EXCHANGE), EINVAL);
    EXPECT_EQ(attributes("/empty").links, 2u);
}

TEST_F(VfsTest, DeepTreesDieWithoutRecursion) {
    context.working_directory = context.root;
    constexpr int depth = 100000;
    for (int i = 0; i < depth; ++i) {
        ASSERT_EQ(mkdir("d"), 0);
        context.working_directory = *vfs.resolve(as_root(), "d");
    }
    long const before = live_objects;
    // Removed from below, each directory is kept by its child alone.
    auto place = context.working_directory;
    for (int i = 0; i < depth; ++i) {
        auto const parent = place->parent();
        Walk const walk{context, root, parent.get()};
        ASSERT_EQ(error(vfs.remove_directory(walk, "d")), 0);
        place = parent;
    }
    EXPECT_EQ(live_objects, before);
    place.reset();
    context.working_directory = context.root;
    EXPECT_LT(live_objects, before - depth);
}

TEST_F(VfsTest, OutOfMemoryLeavesTheTreeWhole) {
    auto const calls = std::vector<std::function<int()>>{
        [this] { return mkdir("/m/dir"); },
        [this] { return symlink("target", "/m/" + std::string(100, 's')); },
        [this] { return write("/m/file", "data"); },
        [this] { return link("/m/old", "/m/hard"); },
        [this] { return rename("/m/old", "/m/sub/" + std::string(50, 'r')); },
        [this] { return rename("/m/old", "/m/other", RENAME_EXCHANGE); },
        [this] { return error(vfs.make_node(as_root(), "/m/node", S_IFIFO | 0600, 0)); },
        [this] { return resolve("/m/loop/old"); },
        [this] { return error(vfs.mount_type({"tmpfs", "none", {}, {}}, as_root(), "/m/sub")) ?: error(vfs.unmount(as_root(), "/m/sub")); },
    };
    for (auto const& call : calls) {
        bool finished = false;
        for (int nth = 0; !finished; ++nth) {
            ASSERT_LT(nth, 50);
            long const before = live_objects;
            size_t const frames = free_list.size();
            for (auto path : {"/m", "/m/sub"}) ASSERT_EQ(mkdir(path), 0);
            ASSERT_EQ(write("/m/old", "old"), 0);
            ASSERT_EQ(write("/m/other", "other"), 0);
            ASSERT_EQ(symlink("../m", "/m/loop"), 0);
            failing_allocation = nth;
            int const result = call();
            finished = failing_allocation >= 0;
            failing_allocation = -1;
            if (finished) EXPECT_EQ(result, 0);
            else EXPECT_TRUE(result == ENOMEM || result == ENOSPC || result == 0) << result;
            for (auto const& name : list("/m")) EXPECT_EQ(error(vfs.resolve(no_follow(), "/m/" + name)), 0) << name;
            remove_everything("/");
            EXPECT_EQ(live_objects, before);
            EXPECT_EQ(free_list.size(), frames);
        }
    }
}

}
