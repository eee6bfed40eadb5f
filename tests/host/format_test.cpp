// SPDX-License-Identifier: MIT
// Fields of base::format_to, compared with what std::format would print.
// sources: kernel/base/format.cpp
#include <base/format.h>

#include <limits>
#include <string>

namespace {

template <class... A>
std::string text_of(base::FormatString<std::type_identity_t<A>...> format, A const&... arguments) {
    char buffer[512];
    base::BufferWriter out(buffer);
    base::format_to(out, format, arguments...);
    return std::string(out.text());
}

TEST(Format, Integers) {
    EXPECT_EQ(text_of("{}", 0), "0");
    EXPECT_EQ(text_of("{} {}", -1, 7u), "-1 7");
    EXPECT_EQ(text_of("{}", std::numeric_limits<i64>::min()), "-9223372036854775808");
    EXPECT_EQ(text_of("{}", std::numeric_limits<u64>::max()), "18446744073709551615");
}

TEST(Format, Hexadecimal) {
    EXPECT_EQ(text_of("{:x} {:X} {:#x}", 255, 255, 255), "ff FF 0xff");
    EXPECT_EQ(text_of("{:o} {:04o}", 0755, 7), "755 0007");
    EXPECT_EQ(text_of("{:08x}", 0xabc), "00000abc");
    EXPECT_EQ(text_of("{:#010x}", 0xabc), "0x00000abc");
    EXPECT_EQ(text_of("{:#018x}", ~u64{0}), "0xffffffffffffffff");
}

TEST(Format, WidthAndAlignment) {
    EXPECT_EQ(text_of("[{:5}] [{:>5}] [{:<5}]", 42, 42, 42), "[   42] [   42] [42   ]");
    EXPECT_EQ(text_of("[{:5}] [{:>5}] [{:<5}]", "ab", "ab", "ab"), "[ab   ] [   ab] [ab   ]");
    EXPECT_EQ(text_of("{:06}", -42), "-00042");
    EXPECT_EQ(text_of("{:2}", 12345), "12345");
}

TEST(Format, OtherKinds) {
    EXPECT_EQ(text_of("{} {} {}", true, 'c', "text"), "true c text");
    EXPECT_EQ(text_of("{:c}", 65), "A");
    EXPECT_EQ(text_of("{}", static_cast<char const*>(nullptr)), "(null)");
    EXPECT_EQ(text_of("{}", PhysAddr(0x1000)), "0x1000");
    EXPECT_EQ(text_of("{}", Pid(12)), "12");
}

TEST(Format, Braces) {
    EXPECT_EQ(text_of("{{}} {{{}}}", 1), "{} {1}");
    EXPECT_EQ(text_of("plain"), "plain");
    EXPECT_EQ(text_of(""), "");
}

TEST(Format, TruncatesAndSaysSo) {
    char buffer[4];
    base::BufferWriter out(buffer);
    base::format_to(out, "{}", 12345);
    EXPECT_EQ(out.text(), "1234");
    EXPECT_TRUE(out.truncated());
}

}
