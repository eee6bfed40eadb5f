// SPDX-License-Identifier: MIT
// The kernel command line: words separated by blanks, either `name=value` or plain flags; a value with blanks is put
// in double quotes. Words after `--` are init's arguments, as on Linux.
#pragma once

#include <optional>
#include <string_view>

#include <base/types.h>

namespace base {

class CommandLine {
public:
    constexpr CommandLine() = default;
    /// Refers to `text`, which must outlive this object.
    explicit constexpr CommandLine(std::string_view text) : text_(text) {}
    void initialize(std::string_view text) { text_ = text; }

    struct Word {
        std::string_view name;
        std::string_view value;      ///< empty if there is no '='
        bool has_value = false;
        std::string_view text;       ///< the whole word as written
    };

    /// The value of the last `name=…`; empty if there is none.
    std::optional<std::string_view> find(std::string_view name) const;
    /// Decimal, 0x… or negative value of `name=`; nothing if absent or not a number.
    std::optional<i64> number(std::string_view name) const;
    /// As above, with a default for a missing value (or, with a warning, for one that is not a number).
    std::string_view text(std::string_view name, std::string_view otherwise) const { return find(name).value_or(otherwise); }
    i64 number(std::string_view name, i64 otherwise) const;
    /// True if the plain word `name`, or name=1, is present.
    bool flag(std::string_view name) const;

    /// Calls visit(Word const&) for each word before `--`.
    template <class Visitor>
    void for_each(Visitor&& visit) const { walk(text_, visit, Part::Kernel); }
    /// Calls visit(Word const&) for each word after `--`.
    template <class Visitor>
    void for_each_init_argument(Visitor&& visit) const { walk(text_, visit, Part::Init); }

private:
    enum class Part : u8 { Kernel, Init };

    /// Takes the next word off `rest`; an empty word means the end.
    static Word take_word(std::string_view& rest);

    template <class Visitor>
    static void walk(std::string_view rest, Visitor&& visit, Part wanted) {
        bool behind = false;
        for (Word word = take_word(rest); !word.text.empty(); word = take_word(rest)) {
            if (!behind && word.text == "--") behind = true;
            else if (behind == (wanted == Part::Init)) visit(word);
        }
    }

    std::string_view text_;
};

/// The command line that this kernel was started with.
extern constinit CommandLine command_line;

}
