// SPDX-License-Identifier: MIT
// Numbers of processes: next one first, none twice, free only when nothing bears it.
// sources: kernel/process/pid_table.cpp kernel/base/held_pid.cpp
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "kernel/process/pid_table.h"

namespace {

using process::PidEntry;
using process::PidKind;
using process::PidTable;

TEST(PidTable, GivesNumbersInOrderAndNotAgainSoon) {
    PidTable table;
    PidEntry first(PidKind::Process), second(PidKind::Process);
    ASSERT_TRUE(table.add_with_new_number(first));
    ASSERT_TRUE(table.add_with_new_number(second));
    EXPECT_EQ(first.entry_id.value, 1);
    EXPECT_EQ(second.entry_id.value, 2);
    table.remove(second);
    ASSERT_TRUE(table.add_with_new_number(second));
    EXPECT_EQ(second.entry_id.value, 3);
    EXPECT_EQ(table.find(Pid(3), PidKind::Process), &second);
    EXPECT_EQ(table.find(Pid(2), PidKind::Process), nullptr);
}

TEST(PidTable, FillsUpAndWrapsPastTheNumbersOfBoot) {
    PidTable table;
    std::vector<std::unique_ptr<PidEntry>> entries;
    for (;;) {
        auto entry = std::make_unique<PidEntry>(PidKind::Process);
        if (!table.add_with_new_number(*entry)) break;
        entries.push_back(std::move(entry));
    }
    EXPECT_EQ(entries.size(), static_cast<size_t>(PidTable::pid_max - 1));
    // A number of boot that is free again is not given to others.
    table.remove(*entries[10]);
    PidEntry late(PidKind::Process);
    EXPECT_FALSE(table.add_with_new_number(late));
    table.remove(*entries[4999]);
    ASSERT_TRUE(table.add_with_new_number(late));
    EXPECT_EQ(late.entry_id.value, 5000);
}

TEST(PidTable, NumberStaysTakenWhileAGroupBearsIt) {
    PidTable table;
    PidEntry leader(PidKind::Process), group(PidKind::Group), session(PidKind::Session);
    ASSERT_TRUE(table.add_with_new_number(leader));
    Pid const id = leader.entry_id;
    table.add(group, id);
    table.add(session, id);
    table.remove(leader);
    EXPECT_EQ(table.find(id, PidKind::Process), nullptr);
    EXPECT_EQ(table.find(id, PidKind::Group), &group);
    EXPECT_EQ(table.next_process(Pid(0)), nullptr);

    std::vector<std::unique_ptr<PidEntry>> others;
    for (;;) {
        auto entry = std::make_unique<PidEntry>(PidKind::Thread);
        if (!table.add_with_new_number(*entry)) break;
        EXPECT_NE(entry->entry_id, id);
        others.push_back(std::move(entry));
    }
    table.remove(group);
    table.remove(session);
}

TEST(PidTable, NumberThatIsHeldIsGivenToNobody) {
    PidTable table;
    PidEntry first(PidKind::Process), next(PidKind::Process);
    ASSERT_TRUE(table.set_last_given(Pid(999)));
    ASSERT_TRUE(table.add_with_new_number(first));
    EXPECT_EQ(first.entry_id.value, 1000);
    auto held = base::HeldPid::hold(first.entry_id);
    table.remove(first);
    EXPECT_TRUE(table.is_known(Pid(1000)));
    for (int copies = 0; copies < 3; ++copies) {
        auto const copy = held;
        if (copies == 1) held = copy;
        ASSERT_TRUE(table.set_last_given(Pid(999)));
        ASSERT_TRUE(table.add_with_new_number(next));
        EXPECT_EQ(next.entry_id.value, 1001);
        table.remove(next);
    }
    held = {};
    EXPECT_FALSE(table.is_known(Pid(1000)));
    ASSERT_TRUE(table.set_last_given(Pid(999)));
    ASSERT_TRUE(table.add_with_new_number(next));
    EXPECT_EQ(next.entry_id.value, 1000);
    EXPECT_FALSE(table.set_last_given(Pid(PidTable::pid_max)));
}

TEST(PidTable, WalksProcessesInOrderOfNumbers) {
    PidTable table;
    std::vector<std::unique_ptr<PidEntry>> entries;
    for (int i = 1; i <= 700; ++i) {
        entries.push_back(std::make_unique<PidEntry>(i % 3 == 0 ? PidKind::Process : PidKind::Thread));
        ASSERT_TRUE(table.add_with_new_number(*entries.back()));
    }
    int expected = 3;
    for (PidEntry* entry = table.next_process(Pid(0)); entry; entry = table.next_process(entry->entry_id)) {
        EXPECT_EQ(entry->entry_id.value, expected);
        expected += 3;
    }
    EXPECT_EQ(expected, 702);
}

}
