// SPDX-License-Identifier: MIT
// sources: kernel/drivers/vt/vt.cpp kernel/drivers/vt/vt_characters.cpp kernel/drivers/vt/vt_sequences.cpp kernel/drivers/vt/screen_cells.cpp kernel/base/format.cpp
#include "kernel/drivers/vt/vt.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

using namespace drivers;

namespace {

constexpr u16 width = 10, height = 5;

class Screen : public testing::Test {
public:
    Screen() : storage(width * height) { vt.attach(storage, width, height); }
    void write(std::string_view text) { vt.write(text); }
    /// The row without the blanks at its end; characters above 0x7e as '?'.
    std::string row(u16 number) const {
        std::string text;
        for (u16 column = 0; column < width; ++column) {
            u16 const c = vt.cells().at(column, number).character;
            text += c < 0x7f ? static_cast<char>(c) : '?';
        }
        text.resize(text.find_last_not_of(' ') + 1);
        return text;
    }
    std::string screen() const {
        std::string text;
        for (u16 i = 0; i < height; ++i) text += row(i) + "|";
        return text;
    }
    std::pair<int, int> cursor() const { return {vt.cells().column(), vt.cells().row()}; }
    Cell at(u16 column, u16 row) const { return vt.cells().at(column, row); }
    std::string reply() {
        char buffer[64];
        return std::string(vt.take_reply(buffer));
    }
    void number_rows() { write("\x1b[H1\r\n2\r\n3\r\n4\r\n5\x1b[H"); }

    std::vector<Cell> storage;
    Vt vt;
};

using Place = std::pair<int, int>;

TEST_F(Screen, TextLinesAndScrolling) {
    write("one\r\ntwo\n\r three");
    EXPECT_EQ(screen(), "one|two| three|||");
    write("\r\nfour\r\nfive\r\nsix");
    EXPECT_EQ(screen(), "two| three|four|five|six|");
    EXPECT_EQ(cursor(), Place(3, 4));
}

TEST_F(Screen, TheLastColumnWrapsOnlyWithTheNextCharacter) {
    write("0123456789");
    EXPECT_EQ(cursor(), Place(9, 0));
    write("\r\n");
    EXPECT_EQ(cursor(), Place(0, 1));
    write("0123456789a");
    EXPECT_EQ(screen(), "0123456789|0123456789|a|||");
    EXPECT_EQ(cursor(), Place(1, 2));
}

TEST_F(Screen, WithoutAutowrapTheLastColumnIsOverwritten) {
    write("\x1b[?7l0123456789abc");
    EXPECT_EQ(screen(), "012345678c|||||");
    write("\x1b[?7h\r0123456789ab");
    EXPECT_EQ(screen(), "0123456789|ab||||");
}

TEST_F(Screen, BackspaceTabAndReturn) {
    write("ab\bc\td\re");
    EXPECT_EQ(row(0), "ec      d");
    write("\r\t\t\t");
    EXPECT_EQ(cursor(), Place(9, 0));
    write("\x1b[3g\r\x1b[4C\x1bH\r\tx");
    EXPECT_EQ(at(4, 0).character, 'x');
}

TEST_F(Screen, CursorMovementsStayOnTheScreen) {
    write("\x1b[3;4H");
    EXPECT_EQ(cursor(), Place(3, 2));
    write("\x1b[A\x1b[2D");
    EXPECT_EQ(cursor(), Place(1, 1));
    write("\x1b[99B\x1b[99C");
    EXPECT_EQ(cursor(), Place(9, 4));
    write("\x1b[65535A\x1b[99999999999D");
    EXPECT_EQ(cursor(), Place(0, 0));
    write("\x1b[99;99H\x1b[2d\x1b[5G");
    EXPECT_EQ(cursor(), Place(4, 1));
    write("\x1b[E");
    EXPECT_EQ(cursor(), Place(0, 2));
    write("\x1b[2F\x1b[H");
    EXPECT_EQ(cursor(), Place(0, 0));
}

TEST_F(Screen, SaveAndRestore) {
    write("\x1b[2;3H\x1b[31m\x1b" "7\x1b[H\x1b[0mx\x1b" "8y");
    EXPECT_EQ(at(2, 1).character, 'y');
    EXPECT_EQ(at(2, 1).pen.foreground, 1);
    write("\x1b[s\x1b[H\x1b[u");
    EXPECT_EQ(cursor(), Place(3, 1));
}

TEST_F(Screen, EraseInDisplay) {
    number_rows();
    write("\x1b[3;1H\x1b[J");
    EXPECT_EQ(screen(), "1|2||||");
    number_rows();
    write("\x1b[3;1H\x1b[1J");
    EXPECT_EQ(screen(), "|||4|5|");
    write("\x1b[2J");
    EXPECT_EQ(screen(), "|||||");
    EXPECT_EQ(cursor(), Place(0, 2));
}

TEST_F(Screen, EraseInLine) {
    write("0123456789\x1b[4G\x1b[K");
    EXPECT_EQ(row(0), "012");
    write("\r0123456789\x1b[4G\x1b[1K");
    EXPECT_EQ(row(0), "    456789");
    write("\x1b[2K");
    EXPECT_EQ(row(0), "");
    write("\r0123456789\x1b[4G\x1b[3X");
    EXPECT_EQ(row(0), "012   6789");
}

TEST_F(Screen, ErasedCellsHaveTheBackground) {
    write("\x1b[44m\x1b[7m\x1b[2J");
    EXPECT_EQ(at(5, 3).pen.background, 4);
    EXPECT_EQ(at(5, 3).pen.flags, 0);
    write("\x1b[1;5m\x1b[2J");
    EXPECT_EQ(at(5, 3).pen.flags, Pen::blink);
}

TEST_F(Screen, InsertAndDeleteCharacters) {
    write("abcdef\x1b[3G\x1b[2@");
    EXPECT_EQ(row(0), "ab  cdef");
    write("\x1b[3P");
    EXPECT_EQ(row(0), "abdef");
    write("\x1b[4hXY\x1b[4lZ");
    EXPECT_EQ(row(0), "abXYZef");
    write("\x1b[99@");
    EXPECT_EQ(row(0), "abXYZ");
}

TEST_F(Screen, InsertAndDeleteLines) {
    number_rows();
    write("\x1b[2;5H\x1b[2L");
    EXPECT_EQ(screen(), "1|||2|3|");
    EXPECT_EQ(cursor(), Place(4, 1));
    write("\x1b[M");
    EXPECT_EQ(screen(), "1||2|3||");
    write("\x1b[99M");
    EXPECT_EQ(screen(), "1|||||");
}

TEST_F(Screen, OnlyTheRegionScrolls) {
    number_rows();
    write("\x1b[2;4r");
    EXPECT_EQ(cursor(), Place(0, 0));
    write("\x1b[4;1H\n");
    EXPECT_EQ(screen(), "1|3|4||5|");
    write("\x1b[2;1H\x1bM");
    EXPECT_EQ(screen(), "1||3|4|5|");
    write("\x1b[5;1H\n\n");
    EXPECT_EQ(screen(), "1||3|4|5|");
    EXPECT_EQ(cursor(), Place(0, 4));
    write("\x1b[1;1H\x1b[L");
    EXPECT_EQ(screen(), "1||3|4|5|");
    write("\x1b[r\x1b[5;1H\n");
    EXPECT_EQ(screen(), "|3|4|5||");
    write("\x1b[S\x1b[2T");
    EXPECT_EQ(screen(), "||3|4|5|");
}

TEST_F(Screen, OriginModeCountsFromTheRegion) {
    write("\x1b[2;4r\x1b[?6h\x1b[1;1Hx\x1b[99;1Hy\x1b[6n\x1b[?6l");
    EXPECT_EQ(screen(), "|x||y||");
    EXPECT_EQ(reply(), "\x1b[3;2R");
    EXPECT_EQ(cursor(), Place(0, 0));
}

TEST_F(Screen, Attributes) {
    write("\x1b[1;4;7;31;42mA\x1b[22;24;27;39;49mB\x1b[91;107mC\x1b[mD");
    EXPECT_EQ(at(0, 0).pen, (Pen{1, 2, Pen::bold | Pen::underline | Pen::reverse}));
    EXPECT_EQ(at(1, 0).pen, Pen{});
    EXPECT_EQ(at(2, 0).pen, (Pen{9, 15, 0}));
    EXPECT_EQ(at(3, 0).pen, Pen{});
}

TEST_F(Screen, ManyColours) {
    write("\x1b[38;5;208;48;5;17mA\x1b[0;38;2;255;0;0mB\x1b[48;2;0;0;0;1mC\x1b[38;5mD");
    EXPECT_EQ(at(0, 0).pen, (Pen{208, 17, 0}));
    EXPECT_EQ(at(1, 0).pen, (Pen{196, 0, 0}));
    EXPECT_EQ(at(2, 0).pen, (Pen{196, 16, Pen::bold}));
    EXPECT_EQ(row(0), "ABCD");
}

TEST_F(Screen, ResetPutsEverythingBack) {
    write("\x1b[31m\x1b[2;3r\x1b[?25l\x1b[?1h\x1b[4habc\x1b" "cx");
    EXPECT_EQ(screen(), "x|||||");
    EXPECT_EQ(at(0, 0).pen, Pen{});
    EXPECT_TRUE(vt.is_cursor_visible());
    EXPECT_FALSE(vt.application_cursor());
}

TEST_F(Screen, PrivateModes) {
    write("\x1b[?25l");
    EXPECT_FALSE(vt.is_cursor_visible());
    write("\x1b[?1;25h");
    EXPECT_TRUE(vt.is_cursor_visible());
    EXPECT_TRUE(vt.application_cursor());
}

TEST_F(Screen, Replies) {
    write("\x1b[3;4H\x1b[6n");
    EXPECT_TRUE(vt.has_reply());
    EXPECT_EQ(reply(), "\x1b[3;4R");
    EXPECT_FALSE(vt.has_reply());
    write("\x1b[5n\x1b[c");
    EXPECT_EQ(reply(), "\x1b[0n\x1b[?6c");
    for (int i = 0; i < 1000; ++i) write("\x1b[6n");
    EXPECT_LE(reply().size(), 32u);
}

TEST_F(Screen, Utf8) {
    write("\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x84|e\xcc\x81|");
    EXPECT_EQ(at(0, 0).character, 0xe9);
    EXPECT_EQ(at(1, 0).character, 0x20ac);
    EXPECT_EQ(at(2, 0).character, 0xfffd);   // beyond the Basic Multilingual Plane, two columns
    EXPECT_EQ(row(0), "??? |e|");
}

TEST_F(Screen, BrokenUtf8BecomesReplacements) {
    write("\xc3x\xff\x80\xe0\x80\x80y");
    EXPECT_EQ(at(0, 0).character, 0xfffd);
    EXPECT_EQ(at(1, 0).character, 'x');
    EXPECT_EQ(at(2, 0).character, 0xfffd);
    EXPECT_EQ(at(3, 0).character, 0xfffd);
    EXPECT_EQ(at(4, 0).character, 0xfffd);
    EXPECT_EQ(at(5, 0).character, 'y');
}

TEST_F(Screen, LineDrawing) {
    write("\x1b%@\x1b(0lqk\x1b(Bq\x1b%G\x1b)0\x0ex\x0fx");
    EXPECT_EQ(at(0, 0).character, 0x250c);
    EXPECT_EQ(at(1, 0).character, 0x2500);
    EXPECT_EQ(at(2, 0).character, 0x2510);
    EXPECT_EQ(at(3, 0).character, 'q');
    EXPECT_EQ(at(4, 0).character, 0x2502);
    EXPECT_EQ(at(5, 0).character, 'x');
}

TEST_F(Screen, SetsMeanNothingInUtf8UnlessShiftedOut) {   // as on Linux
    write("\x1b" "c\x1b(0q\x0e+\x01\x7f\x0fq\x1b(B");
    EXPECT_EQ(at(0, 0).character, 'q');
    EXPECT_EQ(at(1, 0).character, 0x2192);   // G1 is line drawing from the start
    EXPECT_EQ(at(2, 0).character, 0x2302);
    EXPECT_EQ(at(3, 0).character, 'q');
}

TEST_F(Screen, TheTestPatternHasTheBackground) {
    write("\x1b[1;44m\x1b[2;3H\x1b#8");
    EXPECT_EQ(at(9, 4), Cell('E', Pen(7, 4, 0)));
    EXPECT_EQ(cursor(), Place(2, 1));
}

TEST_F(Screen, SequencesAreReadToTheirEnd) {
    write("\x1b]0;a title\x07" "a\x1b]2;b\x1b\\b\x1bPq\x1b\\c\x1b[>0qd\x1b[=5he\x1b[1;2;3;4;5;6;7;8;9;9;9;9;13;14;15;16;17;18mf");
    EXPECT_EQ(row(0), "abcdef");
    write("\r\x1b[2\x18g\x1b[\n3Ch");
    EXPECT_EQ(row(0), "gbcdef");
    EXPECT_EQ(row(1), "    h");
}

TEST_F(Screen, TextAsideLeavesAHalfReadSequenceAlone) {
    write("prompt\x1b[3");
    vt.begin_line();
    vt.write_aside("log\n", Pen{2, 0, 0});
    write("1mX");
    EXPECT_EQ(screen(), "prompt|log|X|||");
    EXPECT_EQ(at(0, 1).pen.foreground, 2);
    EXPECT_EQ(at(0, 2).pen.foreground, 1);
    vt.begin_line();
    vt.begin_line();
    EXPECT_EQ(cursor(), Place(0, 3));
}

TEST_F(Screen, ChangedRowsAreMarked) {
    for (u16 i = 0; i < height; ++i) vt.cells().clear_dirty(i);
    write("\x1b[2;1Hx");
    EXPECT_TRUE(vt.cells().is_dirty(1));
    EXPECT_FALSE(vt.cells().is_dirty(3));
    write("\x1b[5;1H\n");
    for (u16 i = 0; i < height; ++i) EXPECT_TRUE(vt.cells().is_dirty(i));
}

/// Each output capability of terminfo's `linux` (infocmp -x linux), its parameters filled in: what the screen
/// "1", "2", "345" … "5" with the cursor at column 1 of row 2 is afterwards.
struct Capability {
    char const* name;
    std::string_view sequence, screen;
    Place cursor;
};

constexpr std::string_view before = "1|2|345|4|5|";

constexpr Capability capabilities[] = {
    {"clear", "\x1b[H\x1b[J", "|||||", {0, 0}},
    {"cr", "\r", before, {0, 2}},
    {"csr", "\x1b[2;4r", before, {0, 0}},
    {"cub", "\x1b[1D", before, {0, 2}},
    {"cub1", "\b", before, {0, 2}},
    {"cud", "\x1b[2B", before, {1, 4}},
    {"cud beyond", "\x1b[9B", before, {1, 4}},
    {"cud1", "\n", before, {1, 3}},
    {"cuf", "\x1b[3C", before, {4, 2}},
    {"cuf1", "\x1b[C", before, {2, 2}},
    {"cup", "\x1b[2;5H", before, {4, 1}},
    {"cuu", "\x1b[2A", before, {1, 0}},
    {"cuu1", "\x1b[A", before, {1, 1}},
    {"dch", "\x1b[2P", "1|2|3|4|5|", {1, 2}},
    {"dch1", "\x1b[P", "1|2|35|4|5|", {1, 2}},
    {"dl", "\x1b[2M", "1|2|5|||", {1, 2}},
    {"dl1", "\x1b[M", "1|2|4|5||", {1, 2}},
    {"ech", "\x1b[1X", "1|2|3 5|4|5|", {1, 2}},
    {"ed", "\x1b[J", "1|2|3|||", {1, 2}},
    {"el at the end of a line", "\x1b[3;10Hx\x1b[Ky", "1|2|345      y|4|5|", {9, 2}},
    {"ht at the end of a line", "\x1b[3;10Hx\ty", "1|2|345      x|y|5|", {1, 3}},
    {"a character cut short", "\xe2\x94\r", "1|2|3?5|4|5|", {0, 2}},
    {"el", "\x1b[K", "1|2|3|4|5|", {1, 2}},
    {"el1", "\x1b[1K", "1|2|  5|4|5|", {1, 2}},
    {"home", "\x1b[H", before, {0, 0}},
    {"hpa", "\x1b[8G", before, {7, 2}},
    {"ht", "\t", before, {8, 2}},
    {"hts", "\x1bH\r\t", before, {1, 2}},
    {"tbc", "\x1b[3g\t", before, {9, 2}},
    {"kcbt back", "\x1b[9G\x1b[Z", before, {0, 2}},
    {"ich", "\x1b[2@", "1|2|3  45|4|5|", {1, 2}},
    {"il", "\x1b[2L", "1|2|||345|", {1, 2}},
    {"il1", "\x1b[L", "1|2||345|4|", {1, 2}},
    {"ind", "\x1b[5;1H\n", "2|345|4|5||", {0, 4}},
    {"nel", "\r\n", before, {0, 3}},
    {"rc, sc", "\x1b" "7\x1b[5;5Hx\x1b" "8", "1|2|345|4|5   x|", {1, 2}},
    {"ri", "\x1b[H\x1bM", "|1|2|345|4|", {0, 0}},
    {"rmam", "\x1b[?7l\x1b[9Gabc", "1|2|345     ac|4|5|", {9, 2}},
    {"smam", "\x1b[?7l\x1b[?7h\x1b[9Gabc", "1|2|345     ab|c|5|", {1, 3}},
    {"smir", "\x1b[4hab", "1|2|3ab45|4|5|", {3, 2}},
    {"rmir", "\x1b[4h\x1b[4lab", "1|2|3ab|4|5|", {3, 2}},
    {"rs1", "\x1b" "c\x1b]R", "|||||", {0, 0}},
    {"vpa", "\x1b[5d", before, {1, 4}},
    {"initc", "\x1b]P1ff8000x", "1|2|3x5|4|5|", {2, 2}},
    {"oc", "\x1b]Rx", "1|2|3x5|4|5|", {2, 2}},
    {"smacs", "\x1b)0\x0ej\x0f", "1|2|3?5|4|5|", {2, 2}},
    {"sgr0 after smacs", "\x1b)0\x0e\x1b[m\x0fj", "1|2|3j5|4|5|", {2, 2}},
    {"smpch, rmpch", "\x1b[11m\x01\xdb\x1b[10mj", "1|2|3??j|4|5|", {4, 2}},
    {"flash", "\x1b[?5h\x1b[?5l", before, {1, 2}},
    {"civis, cnorm, cvvis", "\x1b[?25l\x1b[?1c\x1b[?25h\x1b[?0c\x1b[?25h\x1b[?8c", before, {1, 2}},
    {"bel", "\a", before, {1, 2}},
    {"REP", "a\x1b[3b", "1|2|3aaaa|4|5|", {5, 2}},
    {"bracketed paste, mouse", "\x1b[?2004h\x1b[?1000h\x1b[?1006h\x1b[>4;1m\x1b[>c", before, {1, 2}},
    {"function key's echo", "\x1b[[Ax", "1|2|3x5|4|5|", {2, 2}},
    {"Linux's private settings", "\x1b[9;10]\x1b[10;750]\x1b[11;250]\x1b[14;0]\x1b[16;100]", before, {1, 2}},
    {"title", "\x1b]0;title\x07\x1b]2;title\x1b\\", before, {1, 2}},
    {"device control string", "\x1bPq#0\x1b\\", before, {1, 2}},
    {"G2, G3", "\x1b*B\x1b+0\x1b F\x1b$)C", before, {1, 2}},
    {"keypad modes", "\x1b=\x1b>", before, {1, 2}},
};

TEST_F(Screen, DoesWhatTerminfoSays) {
    for (Capability const& c : capabilities) {
        SCOPED_TRACE(c.name);
        write("\x1b" "c1\r\n2\r\n345\r\n4\r\n5\x1b[3;2H");
        write(c.sequence);
        EXPECT_EQ(screen(), c.screen);
        EXPECT_EQ(cursor(), c.cursor);
    }
}

struct Attribute {
    char const* sequence;
    Pen pen;
};

constexpr Attribute attributes[] = {
    {"1", {7, 0, Pen::bold}},      {"2", {7, 0, Pen::dim}},         {"3", {7, 0, Pen::italic}},          {"4", {7, 0, Pen::underline}},
    {"5", {7, 0, Pen::blink}},     {"7", {7, 0, Pen::reverse}},     {"21", {7, 0, Pen::underline}},      {"1;22", {}},
    {"2;22", {}},                  {"3;23", {}},                    {"4;24", {}},                        {"5;25", {}},
    {"7;27", {}},                  {"31;42", {1, 2, 0}},            {"97;100", {15, 8, 0}},              {"31;42;39;49", {}},
    {"38;5;208", {208, 0, 0}},     {"48;5;17", {7, 17, 0}},         {"38;2;255;255;255", {231, 0, 0}},   {"0;10;1;4", {7, 0, Pen::bold | Pen::underline}},
    {"1;2", {7, 0, Pen::dim}},     {"2;1", {7, 0, Pen::bold}},
};

TEST_F(Screen, EveryAttribute) {
    for (Attribute const& a : attributes) {
        SCOPED_TRACE(a.sequence);
        write("\x1b" "c\x1b[" + std::string(a.sequence) + "mx");
        EXPECT_EQ(at(0, 0).pen, a.pen);
    }
}

TEST_F(Screen, WhatScrollsInHasTheBackground) {   // bce
    write("\x1b[44m\x1b[2J");
    EXPECT_EQ(at(3, 3).pen.background, 4);
    write("\x1b[42m\x1b[2;2H\x1b[K\x1b[5;1H\n");
    EXPECT_EQ(at(5, 0).pen.background, 2);
    EXPECT_EQ(at(5, 4).pen.background, 2);
}

TEST_F(Screen, Palette) {
    write("\x1b]P1ff8000\x1b]Pf010203");
    EXPECT_EQ(vt.look().colours[1], 0xff8000u);
    EXPECT_EQ(vt.look().colours[15], 0x010203u);
    write("\x1b]R");
    EXPECT_EQ(vt.look(), Look{});
    write("\x1b]P12x");   // cut short
    EXPECT_EQ(row(0), "x");
    EXPECT_EQ(vt.look(), Look{});
}

TEST_F(Screen, CursorShapes) {
    write("\x1b[?2c");
    EXPECT_EQ(vt.look().cursor, CursorShape::Underline);
    write("\x1b[?1c");
    EXPECT_EQ(vt.look().cursor, CursorShape::Hidden);
    write("\x1b[6 q");
    EXPECT_EQ(vt.look().cursor, CursorShape::Bar);
    write("\x1b[?0c");
    EXPECT_EQ(vt.look().cursor, CursorShape::Block);
}

TEST_F(Screen, Utf8OnAndOff) {
    write("\x1b%@\xe9\x1b%G\xc3\xa9\x1b(U\x1b%@\xdb\x1b(B\xdb");
    EXPECT_EQ(at(0, 0).character, 0xe9);
    EXPECT_EQ(at(1, 0).character, 0xe9);
    EXPECT_EQ(at(2, 0).character, 0x2588);
    EXPECT_EQ(at(3, 0).character, 0xdb);
}

TEST_F(Screen, ByteAsAControlSequence) {
    write("\xc2\x9b" "2Cx\x1b%@\x9b" "2Cy");
    EXPECT_EQ(row(0), "  x  y");
}

TEST_F(Screen, WideCharactersAreNotTornApart) {
    write("\x1b[1;10H\xe4\xbd\xa0!");
    EXPECT_EQ(row(0), "");
    EXPECT_EQ(row(1), "? !");
    EXPECT_EQ(at(0, 1).character, 0x4f60);
}

TEST_F(Screen, TheColoursThatSgr0GoesBackTo) {
    write("\x1b[33;44m\x1b[8]\x1b[31m\x1b[0mx\x1b[39;49my\x1b" "cz");
    EXPECT_EQ(at(0, 0).pen, Pen{});
    EXPECT_EQ(row(0), "z");
    write("\x1b[33;44m\x1b[8]\x1b[31m\x1b[0mx");
    EXPECT_EQ(at(1, 0).pen, (Pen{3, 4, 0}));
}

TEST_F(Screen, OriginModeKeepsToTheRegion) {
    write("\x1b[2;3r\x1b[?6h\x1b[9Ba\x1b[9Ab\x1b[9;1Hc\x1b[6n");
    EXPECT_EQ(screen(), "| b|c|||");
    EXPECT_EQ(reply(), "\x1b[2;2R");
}

class ScreenWithHistory : public Screen {
public:
    static constexpr size_t lines = 4;
    ScreenWithHistory() : more(width * (2 * height + lines)), numbers(lines) { vt.attach(more, width, height, numbers); }
    std::string seen() const {
        std::string text;
        for (u16 i = 0; i < height; ++i) text += static_cast<char>(vt.cells().shown_line(i)[0].character);
        return text;
    }
    void letters(char from, char to) {
        for (char c = from; c <= to; ++c) write(std::string("\r\n") + c);
    }
    std::vector<Cell> more;
    std::vector<u16> numbers;
};

TEST_F(ScreenWithHistory, LooksBackAsFarAsThereIsSomething) {
    write("a");
    letters('b', 'g');
    EXPECT_EQ(seen(), "cdefg");
    vt.cells().move_view(1);
    EXPECT_EQ(seen(), "bcdef");
    vt.cells().move_view(100);
    EXPECT_EQ(seen(), "abcde");
    vt.cells().move_view(-1);
    EXPECT_EQ(seen(), "bcdef");
    vt.cells().move_view(-100);
    EXPECT_EQ(seen(), "cdefg");
    letters('h', 'z');
    vt.cells().move_view(100);
    EXPECT_EQ(seen(), "rstuv");   // four lines are kept
    write("!");
    EXPECT_EQ(vt.cells().view(), 0u);
    EXPECT_EQ(seen(), "vwxyz");
}

TEST_F(ScreenWithHistory, OnlyWhatScrollsOffTheTopIsKept) {
    letters('a', 'd');
    write("\x1b[2;4r\x1b[4;1H\n\n\x1b[r");
    vt.cells().move_view(9);
    EXPECT_EQ(vt.cells().view(), 0u);
    write("\x1b[5;1H");
    letters('x', 'z');
    vt.cells().move_view(9);
    EXPECT_EQ(vt.cells().view(), 3u);
    write("\x1b[3J");
    vt.cells().move_view(9);
    EXPECT_EQ(vt.cells().view(), 0u);
}

TEST_F(ScreenWithHistory, TheAlternateScreenLeavesTheOtherAsItWas) {
    write("a");
    letters('b', 'g');
    write("\x1b[3;2H\x1b[?1049h");
    EXPECT_EQ(screen(), "|||||");
    letters('A', 'Z');
    write("\x1b[?1049l");
    EXPECT_EQ(seen(), "cdefg");
    EXPECT_EQ(cursor(), Place(1, 2));
    vt.cells().move_view(9);
    EXPECT_EQ(seen(), "abcde");
    write("\x1b[?47hx\x1b[?47l\x1b[?1049h\x1b" "c");
    EXPECT_FALSE(vt.cells().is_alternate());
}

TEST_F(Screen, NoBytesLeaveTheScreen) {
    u32 random = 7;
    std::string text;
    constexpr std::string_view likely = "\x1b\x1b\x1b[[[;;?0123456789HABCDJKLMPSTX@rmhlnc78M\n\r\t\b\xc3\xa9";
    for (int i = 0; i < 300000; ++i) {
        random = random * 1664525 + 1013904223;
        u32 const pick = random >> 16;
        text += pick % 8 ? likely[pick / 8 % likely.size()] : static_cast<char>(pick >> 8);
        if (text.size() == 512) write(text), text.clear();
        ASSERT_LT(vt.cells().column(), width);
        ASSERT_LT(vt.cells().row(), height);
        reply();
    }
}

}
