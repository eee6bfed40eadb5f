// SPDX-License-Identifier: MIT
// Splits the kernel command line into words and looks them up. The last occurrence of a word wins.
#include "kernel/base/command_line.h"

#include <charconv>

#include <base/log.h>

namespace base {

constinit CommandLine command_line;

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n'; }

std::string_view unquoted(std::string_view text) {
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"') return text.substr(1, text.size() - 2);
    return text;
}

}

CommandLine::Word CommandLine::take_word(std::string_view& rest) {
    while (!rest.empty() && is_blank(rest.front())) rest.remove_prefix(1);
    size_t end = 0;
    bool quoted = false;
    for (; end < rest.size() && (quoted || !is_blank(rest[end])); ++end)
        if (rest[end] == '"') quoted = !quoted;
    std::string_view const text = unquoted(rest.substr(0, end));
    rest.remove_prefix(end);
    size_t const equals = text.find('=');
    if (equals == std::string_view::npos) return {text, {}, false, text};
    return {text.substr(0, equals), unquoted(text.substr(equals + 1)), true, text};
}

std::optional<std::string_view> CommandLine::find(std::string_view name) const {
    std::optional<std::string_view> found;
    for_each([&](Word const& word) {
        if (word.has_value && word.name == name) found = word.value;
    });
    return found;
}

std::optional<i64> CommandLine::number(std::string_view name) const {
    auto const text = find(name);
    if (!text) return std::nullopt;
    std::string_view digits = *text;
    bool const hex = digits.starts_with("0x");
    if (hex) digits.remove_prefix(2);
    i64 value = 0;
    auto const [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, hex ? 16 : 10);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return value;
}

i64 CommandLine::number(std::string_view name, i64 otherwise) const {
    auto const value = number(name);
    if (!value && find(name)) log_warning("command line", "{}={} is not a number: {} taken", name, *find(name), otherwise);
    return value.value_or(otherwise);
}

bool CommandLine::flag(std::string_view name) const {
    bool found = false;
    for_each([&](Word const& word) {
        if (word.name == name) found = !word.has_value || word.value == "1";
    });
    return found;
}

}
