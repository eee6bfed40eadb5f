// SPDX-License-Identifier: MIT
// Who may do what to names and files.
#include "tests/host/fs_surroundings.h"

namespace {

using namespace surroundings;
using VfsPermissions = FsTest;

TEST_F(VfsPermissions, ChecksPermissions) {
    ASSERT_EQ(mkdir("/private", 0700), 0);
    ASSERT_EQ(write("/private/f", "x"), 0);
    ASSERT_EQ(write("/readable", "x"), 0);
    EXPECT_EQ(error(vfs.resolve(as_user(), "/private/f")), EACCES);
    EXPECT_EQ(error(vfs.resolve(as_user(), "/private/..")), EACCES);
    EXPECT_EQ(error(vfs.open(as_user(), "/readable", O_RDONLY, 0)), 0);
    EXPECT_EQ(error(vfs.open(as_user(), "/readable", O_RDWR, 0)), EACCES);
    EXPECT_EQ(error(vfs.open(as_user(), "/readable", O_RDONLY | O_TRUNC, 0)), EACCES);
    EXPECT_EQ(error(vfs.open(as_user(), "/new", O_RDWR | O_CREAT, 0666)), EACCES);
    EXPECT_EQ(error(vfs.unlink(as_user(), "/readable")), EACCES);
    EXPECT_EQ(error(vfs.truncate(as_user(), "/readable", 0)), EACCES);
    auto const inode = (*vfs.resolve(as_root(), "/readable"))->inode();
    EXPECT_EQ(error(vfs.change_mode(*inode, user, 0777)), EPERM);
    EXPECT_EQ(error(vfs.change_owner(*inode, user, 1000, -1)), EPERM);
    EXPECT_EQ(error(vfs.change_times(*inode, user, Vfs::TimeChange::Now, {}, Vfs::TimeChange::Now, {})), EACCES);
    EXPECT_EQ(error(vfs.change_times(*inode, user, Vfs::TimeChange::Set, {}, Vfs::TimeChange::Set, {})), EPERM);
    EXPECT_EQ(error(vfs.check_access(*inode, root, may_execute)), EACCES);
    EXPECT_EQ(error(vfs.change_mode(*inode, root, 06711)), 0);
    EXPECT_EQ(error(vfs.check_access(*inode, root, may_execute)), 0);
    EXPECT_EQ(error(vfs.change_owner(*inode, root, 1000, 1000)), 0);
    EXPECT_EQ(attributes("/readable").permissions, 0711u);
    EXPECT_EQ(error(vfs.change_mode(*inode, user, 0640)), 0);
    Credentials member = ordinary_user(2000);
    member.groups[0] = GroupId(1000);
    member.group_count = 1;
    EXPECT_EQ(error(vfs.check_access(*inode, member, may_read)), 0);
    EXPECT_EQ(error(vfs.check_access(*inode, member, may_write)), EACCES);
    EXPECT_EQ(error(vfs.check_access(*inode, ordinary_user(3000), may_read)), EACCES);
}

TEST_F(VfsPermissions, StickyAndSetgidDirectories) {
    context.umask = 0;
    ASSERT_EQ(mkdir("/tmp", 01777), 0);
    ASSERT_EQ(error(vfs.open(as_user(), "/tmp/mine", O_RDWR | O_CREAT, 0666)), 0);
    Credentials const other = ordinary_user(2000);
    Walk const as_other{context, other};
    EXPECT_EQ(error(vfs.unlink(as_other, "/tmp/mine")), EPERM);
    EXPECT_EQ(error(vfs.rename(as_other, "/tmp/mine", as_other, "/tmp/yours", 0)), EPERM);
    EXPECT_EQ(error(vfs.unlink(as_user(), "/tmp/mine")), 0);
    ASSERT_EQ(mkdir("/shared", 0777), 0);
    auto const shared = (*vfs.resolve(as_root(), "/shared"))->inode();
    ASSERT_TRUE(vfs.change_owner(*shared, root, 0, 77));
    ASSERT_TRUE(vfs.change_mode(*shared, root, 02777));
    ASSERT_EQ(error(vfs.make_directory(as_user(), "/shared/d", 0755)), 0);
    EXPECT_EQ(attributes("/shared/d").gid.value, 77u);
    EXPECT_EQ(attributes("/shared/d").permissions, 02755u);
}

}
