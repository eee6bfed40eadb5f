// SPDX-License-Identifier: MIT
// sources: kernel/tty/line_discipline.cpp kernel/tty/line_erasing.cpp kernel/tty/line_output.cpp
#include "kernel/tty/line_discipline.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

using namespace tty;

namespace {

class Line : public LineHost, public testing::Test {
public:
    size_t output_room() override { return room; }
    void send(std::span<char const> bytes) override {
        ASSERT_LE(bytes.size(), room);
        output.append(bytes.data(), bytes.size());
        if (limited) room -= bytes.size();
    }
    void discard_output() override { ++discards; }
    void raise(TypedSignal signal) override { signals.push_back(signal); }

    void type(std::string_view text) { for (char c : text) discipline.input(c, *this); }
    /// One read(2) of at most `size` bytes.
    std::string read(size_t size = 100) {
        std::string text(size, '\0');
        last = discipline.read({text.data(), size});
        text.resize(last.bytes);
        return text;
    }
    std::string echoed() { return std::exchange(output, {}); }
    void change(auto&& edit) {
        ::termios settings = discipline.settings();
        edit(settings);
        discipline.configure(settings, *this);
    }
    void raw(unsigned char minimum = 1) {
        change([&](::termios& t) { t.c_lflag &= ~tcflag_t{ICANON | ECHO | ISIG}, t.c_iflag = 0, t.c_cc[VMIN] = minimum; });
    }
    size_t send_text(std::string_view text) { return discipline.write(text, *this); }
    std::string write(std::string_view text) {
        output.clear();
        EXPECT_EQ(send_text(text), text.size());
        return echoed();
    }

    LineDiscipline discipline;
    std::string output;
    std::vector<TypedSignal> signals;
    ReadOutcome last;
    size_t room = 1 << 20;
    bool limited = false;
    int discards = 0;
};

TEST_F(Line, NothingIsReadableBeforeTheLineEnds) {
    type("hello");
    EXPECT_EQ(discipline.readable(), 0u);
    EXPECT_EQ(read(), "");
    EXPECT_EQ(last.end, ReadEnd::Empty);
    type("\r");
    EXPECT_EQ(discipline.readable(), 6u);
    EXPECT_EQ(echoed(), "hello\r\n");
    EXPECT_EQ(read(), "hello\n");
    EXPECT_EQ(last.end, ReadEnd::Delimiter);
}

TEST_F(Line, AReadStopsAtTheEndOfItsLine) {
    type("one\ntwo\n");
    EXPECT_EQ(read(), "one\n");
    EXPECT_EQ(read(2), "tw");
    EXPECT_EQ(last.end, ReadEnd::Full);
    EXPECT_EQ(read(2), "o\n");
    EXPECT_EQ(last.end, ReadEnd::Delimiter);
    EXPECT_EQ(discipline.readable(), 0u);
}

TEST_F(Line, EndOfFileOnAnEmptyLineReadsAsNothing) {
    type("\x04");
    EXPECT_EQ(discipline.readable(), 1u);
    EXPECT_EQ(discipline.readable_exact(), 0u);
    EXPECT_EQ(read(), "");
    EXPECT_EQ(last.end, ReadEnd::Delimiter);
    EXPECT_EQ(discipline.readable(), 0u);
}

TEST_F(Line, EndOfFileInALinePushesItWithoutADelimiter) {
    type("abc\x04" "d\n");
    EXPECT_EQ(echoed(), "abcd\r\n");
    EXPECT_EQ(discipline.readable_exact(), 5u);
    EXPECT_EQ(read(), "abc");
    EXPECT_EQ(last.end, ReadEnd::Delimiter);
    EXPECT_EQ(read(), "d\n");
}

TEST_F(Line, EndOfFileRightAfterAFullBufferIsNotReadAgain) {
    type("abc\x04");
    EXPECT_EQ(read(3), "abc");
    EXPECT_EQ(last.end, ReadEnd::Delimiter);
    EXPECT_EQ(discipline.readable(), 0u);
}

TEST_F(Line, EraseTakesOneCharacterBack) {
    type("abc\x7f\x7fx\n");
    EXPECT_EQ(echoed(), "abc\b \b\b \bx\r\n");
    EXPECT_EQ(read(), "ax\n");
}

TEST_F(Line, EraseDoesNotPassTheStartOfTheLine) {
    type("a\nb\x7f\x7f\x7f\n");
    EXPECT_EQ(read(), "a\n");
    EXPECT_EQ(read(), "\n");
}

TEST_F(Line, EraseOfAControlCharacterTakesTwoColumns) {
    type("\x16\x03\x7f\n");   // ^V ^C
    EXPECT_TRUE(signals.empty());
    EXPECT_EQ(echoed(), "^\b^C\b \b\b \b\r\n");
    EXPECT_EQ(read(), "\n");
}

TEST_F(Line, EraseOfATabGoesBackToWhereItBegan) {
    send_text("$ ");
    echoed();
    type("ab\t\x7f");
    EXPECT_EQ(echoed(), "ab\t\b\b\b\b");   // from column 8 to 4
}

TEST_F(Line, EraseKnowsUtf8OnlyWithItsFlag) {
    type("\xc3\xa9\x7f\n");
    EXPECT_EQ(read(), "\xc3\n");
    change([](::termios& t) { t.c_iflag |= IUTF8; });
    echoed();
    type("a\xc3\xa9\xe2\x82\xac\x7f\x7f\n");
    EXPECT_EQ(echoed(), "a\xc3\xa9\xe2\x82\xac\b \b\b \b\r\n");
    EXPECT_EQ(read(), "a\n");
}

TEST_F(Line, WordErase) {
    type("ls  foo.bar  \x17x\n");
    EXPECT_EQ(read(), "ls  foo.x\n");
    type("one two\x17\x17\x17three\n");
    EXPECT_EQ(read(), "three\n");
}

TEST_F(Line, KillErasesTheWholeLine) {
    type("abc\x15" "d\n");
    EXPECT_EQ(echoed(), "abc\b \b\b \b\b \bd\r\n");
    EXPECT_EQ(read(), "d\n");
}

TEST_F(Line, KillWithoutEchoKeStartsANewLine) {
    change([](::termios& t) { t.c_lflag &= ~tcflag_t{ECHOKE}; });
    type("abc\x15" "d\n");
    EXPECT_EQ(echoed(), "abc^U\r\nd\r\n");
    EXPECT_EQ(read(), "d\n");
}

TEST_F(Line, EraseWithoutEchoEShowsTheCharacter) {
    change([](::termios& t) { t.c_lflag &= ~tcflag_t{ECHOE | ECHOCTL}, t.c_cc[VERASE] = '#'; });
    type("ab#c\n");
    EXPECT_EQ(echoed(), "ab#c\r\n");
    EXPECT_EQ(read(), "ac\n");
}

TEST_F(Line, LiteralNextTakesAwayAllMeaning) {
    type("a\x16\x04\x16\x7f\x16\n b\n");
    EXPECT_EQ(read(), std::string("a\x04\x7f\n b\n"));
    EXPECT_EQ(last.end, ReadEnd::Delimiter);
}

TEST_F(Line, ReprintShowsTheLineAgain) {
    type("ab\x12" "c\n");
    EXPECT_EQ(echoed(), "ab^R\r\nabc\r\n");
    EXPECT_EQ(read(), "abc\n");
}

TEST_F(Line, EndOfLineCharacterIsPartOfTheLine) {
    change([](::termios& t) { t.c_cc[VEOL] = ';'; });
    type("ab;cd\n");
    EXPECT_EQ(read(), "ab;");
    EXPECT_EQ(read(), "cd\n");
}

TEST_F(Line, SignalsFlushAndEcho) {
    type("abc\x03");
    ASSERT_EQ(signals, std::vector{TypedSignal::Interrupt});
    EXPECT_EQ(echoed(), "abc^C");
    EXPECT_EQ(discards, 1);
    type("d\n");
    EXPECT_EQ(read(), "d\n");
    type("\x1c\x1a");
    EXPECT_EQ(signals, (std::vector{TypedSignal::Interrupt, TypedSignal::Quit, TypedSignal::Stop}));
}

TEST_F(Line, NoFlushKeepsWhatWasTyped) {
    change([](::termios& t) { t.c_lflag |= NOFLSH; });
    type("abc\x03" "d\n");
    EXPECT_EQ(read(), "abcd\n");
    EXPECT_EQ(discards, 0);
}

TEST_F(Line, WithoutIsigTheyAreOrdinaryBytes) {
    change([](::termios& t) { t.c_lflag &= ~tcflag_t{ISIG}; });
    type("\x03\n");
    EXPECT_TRUE(signals.empty());
    EXPECT_EQ(read(), "\x03\n");
}

TEST_F(Line, StopHoldsOutputAndEchoBack) {
    type("\x13" "abc");
    EXPECT_TRUE(discipline.is_stopped());
    EXPECT_EQ(echoed(), "");
    EXPECT_EQ(send_text("text"), 0u);
    type("\x11");
    EXPECT_EQ(echoed(), "abc");
    EXPECT_EQ(send_text("text"), 4u);
    type("\n");
    EXPECT_EQ(read(), "abc\n");
}

TEST_F(Line, InterruptStartsStoppedOutput) {
    type("\x13\x03");
    EXPECT_FALSE(discipline.is_stopped());
    EXPECT_EQ(echoed(), "^C");
}

TEST_F(Line, ClearingIxonStartsStoppedOutput) {
    type("\x13");
    change([](::termios& t) { t.c_iflag &= ~tcflag_t{IXON}; });
    EXPECT_FALSE(discipline.is_stopped());
    type("\x13\n");
    EXPECT_EQ(read(), "\x13\n");
}

TEST_F(Line, EchoOff) {
    change([](::termios& t) { t.c_lflag &= ~tcflag_t{ECHO}; });
    type("secret\x7f\x7ft\n");
    EXPECT_EQ(echoed(), "");
    EXPECT_EQ(read(), "secrt\n");
    change([](::termios& t) { t.c_lflag |= ECHONL; });
    type("x\n");
    EXPECT_EQ(echoed(), "\r\n");
}

TEST_F(Line, CarriageReturnAndNewline) {
    change([](::termios& t) { t.c_iflag = IGNCR; });
    type("a\rb\n");
    EXPECT_EQ(read(), "ab\n");
    change([](::termios& t) { t.c_iflag = INLCR, t.c_cc[VEOL] = '\r'; });
    type("a\n");
    EXPECT_EQ(read(), "a\r");
    change([](::termios& t) { t.c_iflag = ISTRIP; });
    type("\xe1\n");
    EXPECT_EQ(read(), "a\n");
}

TEST_F(Line, RawModeGivesBytesAtOnce) {
    raw();
    type("a\x03\x7f\r");
    EXPECT_EQ(discipline.readable(), 4u);
    EXPECT_EQ(read(3), "a\x03\x7f");
    EXPECT_EQ(last.end, ReadEnd::Full);
    EXPECT_EQ(read(), "\r");
    EXPECT_EQ(last.end, ReadEnd::Empty);
    EXPECT_TRUE(signals.empty());
}

TEST_F(Line, ChangeToRawKeepsAnUnfinishedLine) {
    type("one\ntw");
    raw();
    EXPECT_EQ(discipline.readable(), 6u);
    EXPECT_EQ(read(), "one\ntw");
}

TEST_F(Line, ChangeToCanonicalCompletesWhatWasTyped) {
    raw();
    type("one");
    change([](::termios& t) { t.c_lflag |= ICANON; });
    EXPECT_EQ(discipline.readable(), 3u);
    type("two\n");
    EXPECT_EQ(read(), "one");
    EXPECT_EQ(read(), "two\n");
}

TEST_F(Line, AnOverlongLineIsCutButEnds) {
    change([](::termios& t) { t.c_iflag |= IMAXBEL, t.c_lflag &= ~tcflag_t{ECHO}; });
    type(std::string(LineDiscipline::longest_line, 'a'));
    EXPECT_EQ(echoed(), "");
    EXPECT_NE(discipline.input_room(), 0u);
    type("bb");
    EXPECT_EQ(echoed(), "");                       // Linux does not ring either
    type("\n");
    EXPECT_EQ(read(5000), std::string(LineDiscipline::longest_line, 'a') + "\n");
}

TEST_F(Line, AFullBufferOfLinesRefusesMore) {
    change([](::termios& t) { t.c_lflag &= ~tcflag_t{ECHO}; });
    for (int i = 0; i < 2048; ++i) type("x\n");
    EXPECT_EQ(discipline.input_room(), 0u);
    type("y\n");
    for (int i = 0; i < 2048; ++i) ASSERT_EQ(read(), "x\n");
    EXPECT_EQ(discipline.readable(), 0u);
    type("z\n");
    EXPECT_EQ(read(), "z\n");
}

TEST_F(Line, TheRingWrapsAnyNumberOfTimes) {
    change([](::termios& t) { t.c_lflag &= ~tcflag_t{ECHO}; });
    for (int i = 0; i < 3000; ++i) {
        std::string const text = "line " + std::to_string(i) + "\n";
        type(text);
        ASSERT_EQ(read(), text);
    }
}

TEST_F(Line, OutputTranslation) {
    EXPECT_EQ(write("a\nb\r\n"), "a\r\nb\r\r\n");
    change([](::termios& t) { t.c_oflag = OPOST | OCRNL | ONLRET; });
    EXPECT_EQ(write("a\rb\n"), "a\nb\n");
    change([](::termios& t) { t.c_oflag = OPOST | ONOCR; });
    EXPECT_EQ(write("\n"), "\n");
    EXPECT_EQ(write("\r\ra\r"), "a\r");
    change([](::termios& t) { t.c_oflag = OPOST | OLCUC; });
    EXPECT_EQ(write("aBz1"), "ABZ1");
    change([](::termios& t) { t.c_oflag = 0; });
    EXPECT_EQ(write("a\n\t"), "a\n\t");
}

TEST_F(Line, TabsBecomeSpacesWhenAsked) {
    change([](::termios& t) { t.c_oflag |= XTABS; });
    EXPECT_EQ(write("ab\tc\n\td"), "ab      c\r\n        d");
    EXPECT_EQ(write("\b\b\t|"), std::string("\b\b") + " |");
}

TEST_F(Line, OutputTakesNoMoreThanThereIsRoomFor) {
    limited = true;
    room = 20;
    EXPECT_EQ(discipline.write(std::string(30, 'x'), *this), 20u);
    EXPECT_EQ(output, std::string(20, 'x'));
    EXPECT_EQ(send_text("y"), 0u);
    room = 100;
    EXPECT_EQ(send_text("\n\n"), 2u);
}

TEST_F(Line, EchoesWaitForRoomAndKeepTheirOrder) {
    limited = true;
    room = 2;
    type("abcd");
    EXPECT_EQ(output, "ab");
    room = 100;
    EXPECT_EQ(send_text("X"), 1u);
    EXPECT_EQ(output, "abcdX");
}

TEST_F(Line, AnEchoThatFindsNoRoomIsLostButTheInputIsNot) {
    limited = true;
    room = 0;
    std::string const text(2 * LineDiscipline::echo_capacity, 'q');
    type(text + "\n");
    EXPECT_EQ(read(4096), text + "\n");
}

TEST_F(Line, DiscardForgetsCompleteAndUnfinishedLines) {
    type("one\ntwo");
    discipline.discard_input();
    EXPECT_EQ(discipline.readable(), 0u);
    type("three\n");
    EXPECT_EQ(read(), "three\n");
}

}
