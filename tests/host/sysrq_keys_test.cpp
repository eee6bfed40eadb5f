// SPDX-License-Identifier: MIT
// sources: kernel/drivers/keyboard/scan_codes.cpp
#include "kernel/drivers/keyboard/sysrq_keys.h"

#include <gtest/gtest.h>

#include <string>

using drivers::SysRqKeys;

namespace {

constexpr u8 left_alt = 56, right_alt = 100, sysrq = 99, key_h = 35, key_b = 48, key_1 = 2, key_0 = 11, key_a = 30, key_m = 50, key_enter = 28;

TEST(SysRqKeys, CommandsWhileBothAreHeld) {
    SysRqKeys keys;
    EXPECT_FALSE(keys.feed(key_h, true).taken) << "typing";
    EXPECT_FALSE(keys.feed(left_alt, true).taken);
    EXPECT_TRUE(keys.feed(sysrq, true).taken);
    std::string commands;
    for (u8 const key : {key_h, key_b, key_1, key_0, key_a, key_m}) {
        auto const outcome = keys.feed(key, true);
        EXPECT_TRUE(outcome.taken);
        commands += outcome.key;
        EXPECT_EQ(keys.feed(key, false).key, 0);
    }
    EXPECT_EQ(commands, "hb10am");
    EXPECT_FALSE(keys.feed(key_enter, true).taken);
    EXPECT_TRUE(keys.feed(sysrq, false).taken);
    EXPECT_FALSE(keys.feed(key_h, true).taken) << "Alt-H";
}

TEST(SysRqKeys, PrintScreenAloneIsAKey) {
    SysRqKeys keys;
    EXPECT_FALSE(keys.feed(sysrq, true).taken);
    EXPECT_FALSE(keys.feed(key_b, true).taken);
    EXPECT_FALSE(keys.feed(sysrq, false).taken);
    keys.feed(right_alt, true), keys.feed(left_alt, true), keys.feed(right_alt, false);
    EXPECT_TRUE(keys.feed(sysrq, true).taken) << "either Alt";
    keys.feed(left_alt, false);
    EXPECT_EQ(keys.feed(key_b, true).key, 'b') << "Alt may go first";
}

}
