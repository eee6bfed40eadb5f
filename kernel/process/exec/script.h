// SPDX-License-Identifier: MIT
// Scripts: the first line of a file that begins with `#!`. execve(2), "Interpreter scripts".
#pragma once

#include <optional>
#include <string_view>

#include <base/result.h>

namespace process {

/// The bytes of a file that decide its format (Linux's BINPRM_BUF_SIZE).
inline constexpr size_t head_size = 256;

struct ScriptLine {
    std::string_view interpreter;
    std::string_view argument;   ///< the rest of the line; empty: none
};

/// `head`: the file's first bytes, padded with NULs to head_size. ENOEXEC: the line names no
/// interpreter, or the name does not fit. The result views `head`.
Result<ScriptLine> parse_script_line(std::string_view head);
inline bool is_script(std::string_view head) { return head.starts_with("#!"); }

}
