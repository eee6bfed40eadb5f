// SPDX-License-Identifier: MIT
// sources: kernel/drivers/keymap.cpp kernel/drivers/scan_codes.cpp
#include "kernel/drivers/keymap.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

using drivers::Keymap;

namespace {

class Keys : public testing::Test {
public:
    std::string codes(std::initializer_list<int> list, bool application_cursor = false) {
        std::string text;
        for (int code : list) {
            auto const event = scan_codes.feed(static_cast<u8>(code));
            if (!event) continue;
            auto const press = keymap.feed(*event, application_cursor);
            text += press.text();
            restarts += press.restart_machine;
            lights += press.lights_changed;
        }
        return text;
    }
    Keymap keymap;
    drivers::ScanCodes scan_codes;
    int restarts = 0, lights = 0;
};

TEST_F(Keys, LettersComeOnPressNotOnRelease) {
    EXPECT_EQ(codes({0x23, 0xa3, 0x17, 0x97}), "hi");
    EXPECT_EQ(codes({0x39, 0xb9, 0x1c, 0x9c, 0x0e, 0x8e, 0x0f, 0x01}), " \r\x7f\t\x1b");
}

TEST_F(Keys, EveryCharacterOfTheLayout) {
    std::string plain, shifted;
    for (int code = 2; code < 0x36; ++code) plain += code == 0x1d || code == 0x2a ? "" : codes({code, code | 0x80});
    EXPECT_EQ(plain, "1234567890-=\x7f\tqwertyuiop[]\rasdfghjkl;'`\\zxcvbnm,./");
    codes({0x2a});
    for (int code = 2; code < 0x36; ++code) shifted += code == 0x1d || code == 0x2a ? "" : codes({code, code | 0x80});
    EXPECT_EQ(shifted, "!@#$%^&*()_+\x7f\x1b[ZQWERTYUIOP{}\rASDFGHJKL:\"~|ZXCVBNM<>?");
}

TEST_F(Keys, EitherShiftCounts) {
    EXPECT_EQ(codes({0x36, 0x1e, 0xb6, 0x1e}), "Aa");
    EXPECT_EQ(codes({0x2a, 0x36, 0xaa, 0x1e, 0xb6, 0x1e}), "Aa");
}

TEST_F(Keys, CapsLockTurnsLettersOnly) {
    EXPECT_EQ(codes({0x3a, 0xba, 0x1e, 0x02}), "A1");
    EXPECT_EQ(lights, 1);
    EXPECT_EQ(keymap.lights(), 4);
    EXPECT_EQ(codes({0x2a, 0x1e, 0x02, 0xaa}), "a!");
    EXPECT_EQ(codes({0x3a, 0xba, 0x1e}), "a");
    EXPECT_EQ(keymap.lights(), 0);
}

TEST_F(Keys, Control) {
    EXPECT_EQ(codes({0x1d, 0x2e, 0x9d}), "\x03");
    EXPECT_EQ(codes({0xe0, 0x1d, 0x20, 0xe0, 0x9d, 0x20}), "\x04" "d");
    EXPECT_EQ(codes({0x1d, 0x39, 0x9d}), std::string(1, '\0'));
    EXPECT_EQ(codes({0x1d, 0x1a, 0x2b, 0x1b, 0x0e, 0x9d}), "\x1b\x1c\x1d\b");
    EXPECT_EQ(codes({0x1d, 0x2a, 0x2e, 0xaa, 0x9d}), "\x03");
}

TEST_F(Keys, AltIsAnEscapePrefix) {
    EXPECT_EQ(codes({0x38, 0x30, 0xb8, 0x30}), "\x1b" "bb");
    EXPECT_EQ(codes({0xe0, 0x38, 0x21, 0xe0, 0xb8}), "\x1b" "f");
}

TEST_F(Keys, CursorKeys) {
    EXPECT_EQ(codes({0xe0, 0x48, 0xe0, 0xc8, 0xe0, 0x50, 0xe0, 0x4b, 0xe0, 0x4d}), "\x1b[A\x1b[B\x1b[D\x1b[C");
    EXPECT_EQ(codes({0xe0, 0x48}, true), "\x1bOA");
    EXPECT_EQ(codes({0xe0, 0x47, 0xe0, 0x4f, 0xe0, 0x49, 0xe0, 0x51, 0xe0, 0x52, 0xe0, 0x53}),
              "\x1b[1~\x1b[4~\x1b[5~\x1b[6~\x1b[2~\x1b[3~");
}

TEST_F(Keys, FakeShiftsAroundCursorKeysAreNotShifts) {
    EXPECT_EQ(codes({0xe0, 0x2a, 0xe0, 0x4b, 0x1e, 0xe0, 0xcb, 0xe0, 0xaa}), "\x1b[Da");
}

TEST_F(Keys, FunctionKeys) {
    EXPECT_EQ(codes({0x3b, 0x3f, 0x40, 0x44, 0x57, 0x58}), "\x1b[[A\x1b[[E\x1b[17~\x1b[21~\x1b[23~\x1b[24~");
}

TEST_F(Keys, Keypad) {
    EXPECT_EQ(codes({0x47, 0x48, 0x4c, 0x53}), "\x1b[1~\x1b[A\x1b[G\x1b[3~");
    EXPECT_EQ(codes({0x45, 0xc5, 0x47, 0x48, 0x4c, 0x52, 0x53}), "7850.");
    EXPECT_EQ(keymap.lights(), 2);
    EXPECT_EQ(codes({0x4a, 0x4e, 0x37, 0xe0, 0x35, 0xe0, 0x1c}), "-+*/\r");
}

TEST_F(Keys, PauseMeansNothingAndLeavesNoTrace) {
    EXPECT_EQ(codes({0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5, 0x2e}), "c");
    EXPECT_EQ(lights, 0);
}

TEST_F(Keys, ControlAltDeleteRestarts) {
    EXPECT_EQ(codes({0xe0, 0x53}), "\x1b[3~");
    EXPECT_EQ(restarts, 0);
    EXPECT_EQ(codes({0x1d, 0x38, 0xe0, 0x53}), "");
    EXPECT_EQ(restarts, 1);
}

TEST_F(Keys, NoSequenceOfCodesOverflows) {
    u32 random = 1;
    for (int i = 0; i < 100000; ++i) {
        random = random * 1664525 + 1013904223;
        auto const event = scan_codes.feed(static_cast<u8>(random >> 24));
        if (event) { EXPECT_LE(keymap.feed(*event, random & 1).length, 8); }
    }
}

}
