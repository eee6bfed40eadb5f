// SPDX-License-Identifier: MIT
// Text formatting with `{}` in the manner of std::format, which GCC 12 lacks. The number of fields in a format string
// is checked at compile time against the number of arguments.
// Fields: {} {:x} {:08x} {:>5} {:<12} {:#x} {:c}. Integers, characters, booleans, strings, pointers and the
// vocabulary types of <base/types.h>.
#pragma once

#include <concepts>
#include <span>
#include <string_view>
#include <type_traits>

#include <base/types.h>

namespace base {

/// The destination of formatted text.
class Writer {
public:
    virtual void write(std::string_view text) = 0;
protected:
    ~Writer() = default;
};

/// Writes into a buffer and drops what does not fit; never NUL-terminates.
class BufferWriter final : public Writer {
public:
    explicit constexpr BufferWriter(std::span<char> buffer) : buffer_(buffer) {}
    void write(std::string_view text) override {
        for (char c : text) {
            if (used_ < buffer_.size()) buffer_[used_++] = c;
            else truncated_ = true;
        }
    }
    std::string_view text() const { return {buffer_.data(), used_}; }
    bool truncated() const { return truncated_; }
private:
    std::span<char> buffer_;
    size_t used_ = 0;
    bool truncated_ = false;
};

/// One argument with its type erased.
class FormatArgument {
public:
    enum class Kind : u8 { Unsigned, Signed, Character, Boolean, Text, Pointer };
    constexpr FormatArgument(bool v) : kind_(Kind::Boolean), number_(v) {}
    constexpr FormatArgument(char v) : kind_(Kind::Character), number_(static_cast<u8>(v)) {}
    template <std::unsigned_integral T> constexpr FormatArgument(T v) : kind_(Kind::Unsigned), number_(v) {}
    template <std::signed_integral T> constexpr FormatArgument(T v) : kind_(Kind::Signed), number_(static_cast<u64>(static_cast<i64>(v))) {}
    template <class E> requires std::is_enum_v<E>
    constexpr FormatArgument(E v) : FormatArgument(static_cast<std::underlying_type_t<E>>(v)) {}
    constexpr FormatArgument(char const* v) : kind_(Kind::Text), text_(v ? std::string_view(v) : std::string_view("(null)")) {}
    constexpr FormatArgument(std::string_view v) : kind_(Kind::Text), text_(v) {}
    FormatArgument(void const* v) : kind_(Kind::Pointer), number_(reinterpret_cast<u64>(v)) {}
    template <class Tag> constexpr FormatArgument(Address<Tag> v) : kind_(Kind::Pointer), number_(v.value()) {}
    template <class Tag, class Rep> constexpr FormatArgument(Id<Tag, Rep> v) : FormatArgument(v.value) {}

    constexpr Kind kind() const { return kind_; }
    constexpr u64 number() const { return number_; }
    constexpr std::string_view text() const { return text_; }
private:
    Kind kind_;
    u64 number_ = 0;
    std::string_view text_{};
};

/// Not constexpr: a call at compile time fails, and that is the error message.
void format_string_error(char const* reason);

/// A format string whose number of `{…}` fields is checked where it is written.
template <class... Arguments>
class FormatString {
public:
    consteval FormatString(char const* text) : text_(text) {
        size_t fields = 0;
        for (size_t i = 0; i < text_.size(); ++i) {
            if (text_[i] == '{') {
                if (i + 1 < text_.size() && text_[i + 1] == '{') { ++i; continue; }
                while (i < text_.size() && text_[i] != '}') ++i;
                if (i == text_.size()) format_string_error("unterminated field");
                ++fields;
            } else if (text_[i] == '}') {
                if (i + 1 < text_.size() && text_[i + 1] == '}') { ++i; continue; }
                format_string_error("stray '}'");
            }
        }
        if (fields != sizeof...(Arguments)) format_string_error("number of fields and of arguments differ");
    }
    constexpr std::string_view text() const { return text_; }
private:
    std::string_view text_;
};

/// Defined in kernel/base/format.cpp.
void format_arguments(Writer& out, std::string_view format, std::span<FormatArgument const> arguments);

template <class... Arguments>
void format_to(Writer& out, FormatString<std::type_identity_t<Arguments>...> format, Arguments const&... arguments) {
    FormatArgument const list[sizeof...(Arguments) + 1] = {FormatArgument(arguments)..., FormatArgument(0u)};
    format_arguments(out, format.text(), {list, sizeof...(Arguments)});
}

}
