// SPDX-License-Identifier: MIT
// Parses the first line of a script by Linux's rules: blanks around the interpreter and at the
// end do not count; the text in between is one argument.
#include "kernel/process/exec/script.h"

#include <algorithm>

namespace process {
namespace {

constexpr std::string_view blanks = " \t";

std::string_view trim(std::string_view text) {
    size_t const first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

constexpr std::string_view terminators{" \t\0", 3};

}

Result<ScriptLine> parse_script_line(std::string_view head) {
    std::string_view line = head.substr(2);
    size_t const newline = line.find('\n');
    if (newline != std::string_view::npos) {
        line = line.substr(0, newline);
    } else {
        // The name itself must be complete; an argument may be cut off.
        size_t const name = line.find_first_not_of(blanks);
        if (name == std::string_view::npos || line.find_first_of(terminators, name) == std::string_view::npos) return fail(ENOEXEC);
    }
    line = trim(line.substr(0, line.find('\0')));
    if (line.empty()) return fail(ENOEXEC);
    size_t const end = line.find_first_of(blanks);
    if (end == std::string_view::npos) return ScriptLine{line, {}};
    return ScriptLine{line.substr(0, end), trim(line.substr(end))};
}

}
