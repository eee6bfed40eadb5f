// SPDX-License-Identifier: MIT
// sources: kernel/drivers/console_choice.cpp
#include "kernel/drivers/console_choice.h"

#include <gtest/gtest.h>

#include <vector>

using namespace drivers;

namespace {

ConsoleChoice choose(std::vector<std::string_view> names, bool serial0 = true, bool serial1 = false, bool screen = true) {
    return choose_consoles(names, serial0, serial1, screen);
}

TEST(ConsoleChoice, WithoutAWordThePortIsTheConsoleAndTheScreenShowsTheLog) {
    ConsoleChoice const choice = choose({});
    EXPECT_EQ(choice.console, ConsoleKind::Serial0);
    EXPECT_TRUE(choice.log_to_serial[0]);
    EXPECT_TRUE(choice.log_to_screen);
}

TEST(ConsoleChoice, WithoutAWordAndWithoutAPortItIsTheScreen) {
    ConsoleChoice const choice = choose({}, false);
    EXPECT_EQ(choice.console, ConsoleKind::Screen);
    EXPECT_FALSE(choice.log_to_serial[0]);
    EXPECT_TRUE(choice.log_to_screen);
}

TEST(ConsoleChoice, OnlyWhatIsNamedGetsTheLog) {
    ConsoleChoice const serial = choose({"ttyS0,9600n8"});
    EXPECT_EQ(serial.console, ConsoleKind::Serial0);
    EXPECT_EQ(serial.baud[0], 9600u);
    EXPECT_FALSE(serial.log_to_screen);
    ConsoleChoice const screen = choose({"tty0"});
    EXPECT_EQ(screen.console, ConsoleKind::Screen);
    EXPECT_FALSE(screen.log_to_serial[0]);
}

TEST(ConsoleChoice, TheLastOneIsTheConsole) {
    EXPECT_EQ(choose({"ttyS0", "tty0"}).console, ConsoleKind::Screen);
    ConsoleChoice const choice = choose({"tty0", "ttyS1,57600", "ttyS0"}, true, true);
    EXPECT_EQ(choice.console, ConsoleKind::Serial0);
    EXPECT_TRUE(choice.log_to_serial[1]);
    EXPECT_TRUE(choice.log_to_screen);
    EXPECT_EQ(choice.baud[1], 57600u);
}

TEST(ConsoleChoice, WhatIsNotThereIsPassedOver) {
    EXPECT_EQ(choose({"tty0", "ttyS0"}, false).console, ConsoleKind::Screen);
    EXPECT_EQ(choose({"ttyS1"}).console, ConsoleKind::Serial0);
    EXPECT_EQ(choose({}, false, false, false).console, ConsoleKind::None);
}

TEST(ConsoleChoice, UnknownNamesAreReported) {
    ConsoleChoice const choice = choose({"hvc0", "ttyS0,0"});
    EXPECT_EQ(choice.unknown, "hvc0");
    EXPECT_EQ(choice.console, ConsoleKind::Serial0);
    EXPECT_EQ(choice.baud[0], 115200u);
}

}
