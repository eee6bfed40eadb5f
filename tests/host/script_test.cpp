// SPDX-License-Identifier: MIT
// The `#!` line by Linux's rules (execve(2), fs/binfmt_script.c describes the corner cases).
// sources: kernel/process/exec/script.cpp
#include <string>

#include <gtest/gtest.h>

#include "kernel/process/exec/script.h"

namespace {

/// The first bytes of a file as exec sees them: filled up with NULs.
std::string head_of(std::string text) {
    text.resize(process::head_size, '\0');
    return text;
}

struct Case { std::string file, interpreter, argument; };

TEST(Script, TakesInterpreterAndOneArgument) {
    Case const cases[] = {
        {"#!/bin/sh\necho", "/bin/sh", ""},
        {"#! /bin/sh\n", "/bin/sh", ""},
        {"#!\t /bin/sh \t\n", "/bin/sh", ""},
        {"#!/bin/sh -e\n", "/bin/sh", "-e"},
        {"#!/usr/bin/awk   -f  x y \t\nBEGIN", "/usr/bin/awk", "-f  x y"},
        {"#!/bin/sh", "/bin/sh", ""},
    };
    for (Case const& each : cases) {
        std::string const head = head_of(each.file);
        auto const line = process::parse_script_line(head);
        ASSERT_TRUE(line.has_value()) << each.file;
        EXPECT_EQ(line->interpreter, each.interpreter);
        EXPECT_EQ(line->argument, each.argument);
    }
}

TEST(Script, WithoutInterpreterIsNoProgram) {
    for (char const* file : {"#!", "#!\n", "#!   \t\n/bin/sh\n"}) {
        std::string const head = head_of(file);
        auto const line = process::parse_script_line(head);
        ASSERT_FALSE(line.has_value()) << file;
        EXPECT_EQ(line.error().value, ENOEXEC);
    }
}

TEST(Script, NameMayNotBeCutOffButArgumentMay) {
    std::string const long_name = "#!/" + std::string(300, 'x') + "\n";
    EXPECT_FALSE(process::parse_script_line(long_name.substr(0, process::head_size)).has_value());

    std::string const long_argument = "#!/bin/sh " + std::string(300, 'y') + "\n";
    std::string const head = long_argument.substr(0, process::head_size);
    auto const line = process::parse_script_line(head);
    ASSERT_TRUE(line.has_value());
    EXPECT_EQ(line->interpreter, "/bin/sh");
    EXPECT_EQ(line->argument, std::string(process::head_size - 10, 'y'));
}

}
