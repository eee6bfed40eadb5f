// SPDX-License-Identifier: MIT
// sources: kernel/drivers/keyboard/keymap.cpp kernel/drivers/keyboard/key_tables.cpp kernel/drivers/keyboard/key_layouts.cpp
// sources: kernel/drivers/keyboard/scan_codes.cpp kernel/drivers/keyboard/key_layout_file.cpp kernel/drivers/keyboard/keymaps.S
#include "kernel/drivers/keyboard/keymap.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

using drivers::Keymap;

namespace {

class Keys : public testing::Test {
public:
    Keys() { choose("us"); }
    void choose(std::string_view name) {
        keymap_memory = std::make_unique<Keymap>();
        drivers::LayoutFile const file(drivers::layout_file());
        auto const* const layout = file.find(name);
        if (!layout) throw std::runtime_error("no such layout");
        keymap().tables().load(*layout);
        keymap().tables().load_accents(file.accents());
    }
    Keymap& keymap() { return *keymap_memory; }
    /// What keys of these numbers type, with this one (and e0 before it) held, or 0.
    std::string with(int held, std::initializer_list<int> list) {
        if (held > 0xff) codes({0xe0});
        codes({held & 0xff});
        std::string text;
        for (int code : list) text += codes({code, code | 0x80});
        if (held > 0xff) codes({0xe0});
        codes({(held & 0xff) | 0x80});
        return text;
    }
    std::string type(std::initializer_list<int> list) { return with(0, list); }
    std::string codes(std::initializer_list<int> list, bool application_cursor = false) {
        std::string text;
        for (int code : list) {
            auto const event = scan_codes.feed(static_cast<u8>(code));
            if (!event) continue;
            last = keymap().feed(*event, application_cursor);
            text += last.text();
            restarts += last.restart_machine;
            lights += last.lights_changed;
        }
        return text;
    }
    std::unique_ptr<Keymap> keymap_memory;
    drivers::KeyPress last;
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
    EXPECT_EQ(shifted, "!@#$%^&*()_+\x7f\x1b\tQWERTYUIOP{}\rASDFGHJKL:\"~|ZXCVBNM<>?");
}

TEST_F(Keys, EitherShiftCounts) {
    EXPECT_EQ(codes({0x36, 0x1e, 0xb6, 0x1e}), "Aa");
    EXPECT_EQ(codes({0x2a, 0x36, 0xaa, 0x1e, 0xb6, 0x1e}), "Aa");
}

TEST_F(Keys, CapsLockTurnsLettersOnly) {
    EXPECT_EQ(codes({0x3a, 0xba, 0x1e, 0x02}), "A1");
    EXPECT_EQ(lights, 1);
    EXPECT_EQ(keymap().lights(), 4);
    EXPECT_EQ(codes({0x2a, 0x1e, 0x02, 0xaa}), "a!");
    EXPECT_EQ(codes({0x3a, 0xba, 0x1e}), "a");
    EXPECT_EQ(keymap().lights(), 0);
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
    EXPECT_EQ(keymap().lights(), 2);
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
        if (event) { EXPECT_LE(keymap().feed(*event, random & 1).length, drivers::KeyPress::capacity); }
    }
}

constexpr int shift = 0x2a, altgr = 0x138, control = 0x1d, alt = 0x38;

TEST_F(Keys, EveryLayoutIsWhole) {
    drivers::LayoutFile const file(drivers::layout_file());
    EXPECT_GE(file.layouts().size(), 30u);
    EXPECT_GE(file.accents().size(), 150u);
    for (auto const& layout : file.layouts()) {
        choose(layout.title());
        EXPECT_EQ(type({0x39, 0x1c, 0x01}), " \r\x1b") << layout.title();
        EXPECT_EQ(with(control, {0x2e}).size(), 1u) << layout.title();
    }
    EXPECT_EQ(file.find("nowhere"), nullptr);
    EXPECT_EQ(file.find(""), nullptr);
}

TEST_F(Keys, DamagedLayoutFilesHaveNoLayouts) {
    auto const whole = drivers::layout_file();
    for (size_t size : {size_t{0}, size_t{3}, size_t{4}, size_t{100}, whole.size() / 2, whole.size() - 1})
        EXPECT_EQ(drivers::LayoutFile(whole.first(size)).find("us"), nullptr) << size;
}

TEST_F(Keys, French) {
    choose("fr");
    EXPECT_EQ(type({0x10, 0x11, 0x1e, 0x2c, 0x27, 0x32}), "azqwm,");
    EXPECT_EQ(type({0x03, 0x08, 0x0a, 0x0b, 0x28, 0x33, 0x34, 0x35}), "éèçàù;:!");
    EXPECT_EQ(with(shift, {0x02, 0x0b, 0x33, 0x34}), "10./");
    EXPECT_EQ(with(altgr, {0x0b, 0x12, 0x07, 0x09, 0x05, 0x1b}), "@€|\\{¤");
    EXPECT_EQ(type({0x1a, 0x12, 0x1a, 0x10, 0x1a, 0x39}), "êâ^");
    EXPECT_EQ(with(shift, {0x1a}), "");
    EXPECT_EQ(type({0x17}), "ï");
    EXPECT_EQ(type({0x1a, 0x30}), "^b");
    EXPECT_EQ(with(control, {0x10, 0x2e}), "\x01\x03");
    EXPECT_EQ(with(alt, {0x10}), "\x1b" "a");
    codes({0x3a, 0xba});
    EXPECT_EQ(type({0x10, 0x03, 0x02}), "AÉ&");
    EXPECT_EQ(with(shift, {0x10}), "a");
}

TEST_F(Keys, German) {
    choose("de");
    EXPECT_EQ(type({0x15, 0x2c, 0x0c, 0x1a, 0x27, 0x28}), "zyßüöä");
    EXPECT_EQ(with(shift, {0x1a, 0x08}), "Ü/");
    EXPECT_EQ(with(altgr, {0x10, 0x12, 0x08, 0x0c, 0x56}), "@€{\\|");
    EXPECT_EQ(type({0x0d, 0x12, 0x29, 0x1e}), "éâ");
}

TEST_F(Keys, Spanish) {
    choose("es");
    EXPECT_EQ(type({0x27, 0x2b, 0x0d}), "ñç¡");
    EXPECT_EQ(with(shift, {0x27}), "Ñ");
    EXPECT_EQ(type({0x28, 0x1e, 0x1a, 0x12}), "áè");
    EXPECT_EQ(with(altgr, {0x03, 0x02, 0x05}), "@|~");
}

TEST_F(Keys, BritishAndOthers) {
    choose("gb");
    EXPECT_EQ(with(shift, {0x04, 0x03, 0x28}), "£\"@");
    EXPECT_EQ(type({0x2b, 0x56}), "#\\");
    choose("uk");
    EXPECT_EQ(with(shift, {0x04}), "£");
    choose("dvorak");
    EXPECT_EQ(type({0x1f, 0x20, 0x16, 0x13}), "oegp");
    choose("se");
    EXPECT_EQ(type({0x1a, 0x28, 0x27}), "åäö");
    choose("br");
    EXPECT_EQ(type({0x28, 0x31, 0x28, 0x1e}), "ñã");
    choose("bepo");
    EXPECT_EQ(type({0x10, 0x11, 0x12, 0x13}), "bépo");
    choose("us-intl");
    EXPECT_EQ(type({0x28, 0x12}), "é");
}

TEST_F(Keys, Compose) {
    EXPECT_EQ(with(control, {0x34}), "");   // Ctrl-. is Compose
    EXPECT_EQ(type({0x18, 0x12}), "œ");
    with(control, {0x34});
    EXPECT_EQ(type({0x2d, 0x2c}), "xz");
}

TEST_F(Keys, AltAndANumber) {
    codes({0x38});
    EXPECT_EQ(type({0x4b, 0x50}), "");   // 4 2
    EXPECT_EQ(codes({0xb8}), "*");
}

TEST_F(Keys, ConsolesAndScrolling) {
    EXPECT_EQ(with(alt, {0x3c}), "");
    codes({0x38, 0x3c});
    EXPECT_EQ(last.screen.console, 2);
    codes({0xe0, 0x4d});
    EXPECT_EQ(last.screen.step, 1);
    codes({0xe0, 0x4b});
    EXPECT_EQ(last.screen.step, -1);
    codes({0xb8, 0x2a, 0xe0, 0x49});
    EXPECT_EQ(last.screen.half_pages, 1);
    codes({0xe0, 0x51});
    EXPECT_EQ(last.screen.half_pages, -1);
}

TEST_F(Keys, RawModes) {
    keymap().console(1).mode = K_RAW;
    EXPECT_EQ(codes({0x1e, 0x9e, 0xe0, 0x48, 0xe0, 0xc8}), "\x1e\x9e\xe0\x48\xe0\xc8");
    EXPECT_EQ(codes({0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5}), "\xe1\x1d\x45\xe1\x9d\xc5");
    keymap().console(1).mode = K_MEDIUMRAW;
    EXPECT_EQ(codes({0x1e, 0x9e, 0xe0, 0x48, 0xe0, 0xc8}), "\x1e\x9e\x67\xe7");
    keymap().console(1).mode = K_OFF;
    EXPECT_EQ(codes({0x1d, 0x38, 0xe0, 0x53, 0x1e}), "");
    EXPECT_EQ(restarts, 0);
    keymap().console(1).mode = K_UNICODE;
    EXPECT_EQ(codes({0x9d, 0xb8, 0x1e}), "a");   // shifts were followed all the time
}

TEST_F(Keys, Latin1InXlate) {
    choose("fr");
    keymap().console(1).mode = K_XLATE;
    EXPECT_EQ(type({0x03}), "\xe9");
    EXPECT_EQ(with(altgr, {0x12}), "");   // the euro is not in Latin-1
}

TEST_F(Keys, MetaBit) {
    keymap().console(1).meta = K_METABIT;
    keymap().console(1).mode = K_XLATE;
    EXPECT_EQ(with(alt, {0x30}), "\xe2");
}

TEST_F(Keys, ConsolesHaveLocksOfTheirOwn) {
    codes({0x3a, 0xba});
    EXPECT_EQ(keymap().lights(), LED_CAP);
    keymap().show_console(2);
    EXPECT_EQ(type({0x1e}), "a");
    EXPECT_EQ(keymap().lights(), 0);
    keymap().console(2).lights = LED_SCR;
    EXPECT_EQ(keymap().lights(), LED_SCR);
}

TEST_F(Keys, FunctionStrings) {
    char text[] = "make\n";
    EXPECT_EQ(keymap().tables().replace_function(0, text), nullptr);
    EXPECT_EQ(codes({0x3b, 0x3c}), "make\n\x1b[[B");
    EXPECT_EQ(keymap().tables().replace_function(0, nullptr), text);
    EXPECT_EQ(codes({0x3b}), "\x1b[[A");
}

TEST_F(Keys, ATableThatIsGoneTypesNothing) {
    EXPECT_EQ(keymap().tables().replace_table(K_SHIFTTAB, nullptr), nullptr);   // it was none of the heap's
    EXPECT_EQ(with(shift, {0x1e}), "");
    EXPECT_EQ(type({0x1e}), "a");
}

TEST_F(Keys, ScanCodeSet2) {
    scan_codes = drivers::ScanCodes(drivers::ScanCodes::Set::Two);
    EXPECT_EQ(codes({0x1c, 0xf0, 0x1c, 0x12, 0x1c, 0xf0, 0x1c, 0xf0, 0x12, 0x1c}), "aAa");
    EXPECT_EQ(codes({0xe0, 0x75, 0xe0, 0xf0, 0x75, 0x83}), "\x1b[A\x1b[18~");
    EXPECT_EQ(codes({0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77, 0x1c}), "a");
    EXPECT_EQ(codes({0x14, 0x11, 0xe0, 0x71}), "");
    EXPECT_EQ(restarts, 1);
}

TEST_F(Keys, PrintScreenAndPauseHaveKeyCodes) {
    std::vector<int> numbers;
    for (int code : {0xe0, 0x2a, 0xe0, 0x37, 0x54, 0xe1, 0x1d, 0x45, 0xe0, 0x46, 0xe0, 0x5d})
        if (auto const event = scan_codes.feed(static_cast<u8>(code))) numbers.push_back(drivers::key_code(*event));
    EXPECT_EQ(numbers, (std::vector<int>{0, 99, 99, 119, 119, 127}));
}

}
