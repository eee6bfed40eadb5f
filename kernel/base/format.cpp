// SPDX-License-Identifier: MIT
// The run-time half of <base/format.h>: one field at a time, without allocation. A literal that compiles never lacks
// an argument; a missing one prints as `?`.
#include <base/format.h>

#include <algorithm>
#include <array>

namespace base {

namespace {

struct Specification {
    char alignment = 0;     ///< '<', '>' or 0: numbers to the right, text to the left
    bool alternate = false; ///< '#': prefix 0x
    bool zeros = false;
    size_t width = 0;
    char type = 0;          ///< 'x', 'X', 'o', 'd', 'c', 's' or 0
};

Specification parse(std::string_view text) {
    Specification spec;
    size_t i = 0;
    if (i < text.size() && text[i] == ':') ++i;
    if (i < text.size() && (text[i] == '<' || text[i] == '>')) spec.alignment = text[i++];
    if (i < text.size() && text[i] == '#') spec.alternate = true, ++i;
    if (i < text.size() && text[i] == '0') spec.zeros = true, ++i;
    while (i < text.size() && text[i] >= '0' && text[i] <= '9') spec.width = std::min<size_t>(spec.width * 10 + static_cast<size_t>(text[i++] - '0'), 256);
    if (i < text.size()) spec.type = text[i];
    return spec;
}

void write_repeated(Writer& out, char c, size_t times) {
    for (; times > 0; --times) out.write({&c, 1});
}

void write_padded(Writer& out, Specification const& spec, std::string_view text, bool right_by_default) {
    size_t const padding = spec.width > text.size() ? spec.width - text.size() : 0;
    bool const right = spec.alignment ? spec.alignment == '>' : right_by_default;
    if (right) write_repeated(out, ' ', padding);
    out.write(text);
    if (!right) write_repeated(out, ' ', padding);
}

void write_number(Writer& out, Specification const& spec, u64 value, bool negative) {
    std::array<char, 80> text;
    size_t start = text.size();
    bool const hex = spec.type == 'x' || spec.type == 'X';
    char const* const digits = spec.type == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    u64 const base = hex ? 16 : spec.type == 'o' ? 8 : 10;
    do {
        text[--start] = digits[value % base];
        value /= base;
    } while (value != 0);
    size_t const prefix = (negative ? 1u : 0u) + (spec.alternate && hex ? 2u : 0u);
    size_t const width = std::min<size_t>(spec.width, 70);
    while (spec.zeros && text.size() - start + prefix < width) text[--start] = '0';
    if (spec.alternate && hex) text[--start] = 'x', text[--start] = '0';
    if (negative) text[--start] = '-';
    write_padded(out, spec, {text.data() + start, text.size() - start}, true);
}

void write_argument(Writer& out, Specification spec, FormatArgument const& argument) {
    using Kind = FormatArgument::Kind;
    bool const as_character = spec.type == 'c' || (argument.kind() == Kind::Character && spec.type == 0);
    switch (argument.kind()) {
    case Kind::Text: return write_padded(out, spec, argument.text(), false);
    case Kind::Boolean: return write_padded(out, spec, argument.number() ? "true" : "false", false);
    case Kind::Pointer:
        spec.type = 'x', spec.alternate = true;
        return write_number(out, spec, argument.number(), false);
    case Kind::Signed:
        if (static_cast<i64>(argument.number()) < 0 && !as_character) return write_number(out, spec, 0 - argument.number(), true);
        break;
    case Kind::Unsigned:
    case Kind::Character: break;
    }
    if (!as_character) return write_number(out, spec, argument.number(), false);
    char const c = static_cast<char>(argument.number());
    write_padded(out, spec, {&c, 1}, false);
}

}

void format_arguments(Writer& out, std::string_view format, std::span<FormatArgument const> arguments) {
    size_t next = 0, literal = 0, i = 0;
    while (i < format.size()) {
        bool const doubled = i + 1 < format.size() && format[i + 1] == format[i];
        if (format[i] == '{' && !doubled) {
            out.write(format.substr(literal, i - literal));
            size_t const end = std::min(format.find('}', i), format.size());
            if (next < arguments.size()) write_argument(out, parse(format.substr(i + 1, end - i - 1)), arguments[next++]);
            else out.write("?");
            i = literal = end + 1;
        } else if ((format[i] == '{' || format[i] == '}') && doubled) {
            out.write(format.substr(literal, i + 1 - literal));   // only one of the two
            i = literal = i + 2;
        } else {
            ++i;
        }
    }
    if (literal < format.size()) out.write(format.substr(literal));
}

}
