// SPDX-License-Identifier: MIT
// Descriptor tables: numbers, copies, what exec closes.
// sources: kernel/fs/descriptor_table.cpp
#include "tests/host/fs_surroundings.h"

#include "kernel/fs/descriptor_table.h"

namespace {

using namespace surroundings;
using DescriptorTableTest = FsTest;

TEST_F(DescriptorTableTest, NumbersAndCopies) {
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

}
