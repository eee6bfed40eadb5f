// SPDX-License-Identifier: MIT
// Words, values, quotes and the `--` of the kernel command line.
// sources: kernel/base/command_line.cpp
#include "kernel/base/command_line.h"

#include <string>
#include <vector>

namespace {

using base::CommandLine;

std::vector<std::string> words_of(CommandLine const& line) {
    std::vector<std::string> words;
    line.for_each([&](CommandLine::Word const& word) { words.emplace_back(word.text); });
    return words;
}

TEST(CommandLine, SplitsAtBlanks) {
    EXPECT_EQ(words_of(CommandLine("  a  b=c\td ")), (std::vector<std::string>{"a", "b=c", "d"}));
    EXPECT_TRUE(words_of(CommandLine("")).empty());
    EXPECT_TRUE(words_of(CommandLine("   ")).empty());
}

TEST(CommandLine, LastValueWins) {
    CommandLine const line("init=/bin/a quiet init=/bin/b");
    EXPECT_EQ(line.find("init"), "/bin/b");
    EXPECT_EQ(line.find("quiet"), std::nullopt);
    EXPECT_EQ(line.find("ini"), std::nullopt);
}

TEST(CommandLine, EmptyValueIsAValue) {
    EXPECT_EQ(CommandLine("a=").find("a"), "");
    EXPECT_EQ(CommandLine("a=b=c").find("a"), "b=c");
}

TEST(CommandLine, Quotes) {
    EXPECT_EQ(CommandLine("a=\"b c\" d").find("a"), "b c");
    EXPECT_EQ(CommandLine("\"a=b c\" d").find("a"), "b c");       // as GRUB writes it
    EXPECT_EQ(words_of(CommandLine("x \"open")), (std::vector<std::string>{"x", "\"open"}));
}

TEST(CommandLine, Numbers) {
    CommandLine const line("a=12 b=-1 c=0x1f d=12x e= f=99999999999999999999");
    EXPECT_EQ(line.number("a"), 12);
    EXPECT_EQ(line.number("b"), -1);
    EXPECT_EQ(line.number("c"), 31);
    for (char const* bad : {"d", "e", "f", "g"}) EXPECT_EQ(line.number(bad), std::nullopt) << bad;
}

TEST(CommandLine, Flags) {
    CommandLine const line("a b=1 c=0 d=yes");
    EXPECT_TRUE(line.flag("a"));
    EXPECT_TRUE(line.flag("b"));
    EXPECT_FALSE(line.flag("c"));
    EXPECT_FALSE(line.flag("e"));
}

TEST(CommandLine, InitArgumentsStandBehindTheDashes) {
    CommandLine const line("quiet -- -x sched=rr -- y");
    EXPECT_EQ(words_of(line), (std::vector<std::string>{"quiet"}));
    EXPECT_EQ(line.find("sched"), std::nullopt);
    std::vector<std::string> arguments;
    line.for_each_init_argument([&](CommandLine::Word const& word) { arguments.emplace_back(word.text); });
    EXPECT_EQ(arguments, (std::vector<std::string>{"-x", "sched=rr", "--", "y"}));
}

}
