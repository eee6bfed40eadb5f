// SPDX-License-Identifier: MIT
// The newc reader: archives made here, cut into pieces of every size, damaged and
// truncated in thousands of ways.
// sources: kernel/fs/initramfs/cpio.cpp
#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "kernel/fs/initramfs/cpio.h"

using namespace fs;

namespace {

struct Seen { std::string name, target, data; u32 mode, uid, gid, links, modified, inode, rdev_major, rdev_minor; bool ended = false; };

struct Collect final : CpioSink {
    std::vector<Seen> files;
    size_t archives = 0;
    int fail_after = -1;
    Result<> begin(CpioEntry const& e) override {
        if (fail_after == static_cast<int>(files.size())) return fail(ENOSPC);
        files.push_back({std::string(e.name), std::string(e.target), {}, e.mode, e.uid, e.gid, e.links, e.modified_seconds, e.inode, e.rdev_major, e.rdev_minor});
        return {};
    }
    Result<> data(std::span<std::byte const> bytes) override {
        EXPECT_FALSE(bytes.empty());
        files.back().data.append(reinterpret_cast<char const*>(bytes.data()), bytes.size());
        return {};
    }
    Result<> end() override {
        EXPECT_FALSE(files.back().ended);
        files.back().ended = true;
        return {};
    }
    void archive_ended() override { ++archives; }
};

/// One file as cpio -H newc (or crc) writes it.
std::string entry(std::string const& name, u32 mode, std::string const& data, u32 inode = 1, u32 links = 1, bool with_sum = false, u32 rdev_major = 0, u32 rdev_minor = 0) {
    u32 sum = 0;
    for (char c : data) sum += static_cast<unsigned char>(c);
    char header[111];
    snprintf(header, sizeof header, "%s%08X%08x%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", with_sum ? "070702" : "070701", inode, mode, 1000u, 2000u, links,
             1234567890u, static_cast<u32>(data.size()), 8u, 1u, rdev_major, rdev_minor, static_cast<u32>(name.size() + 1), with_sum ? sum : 0u);
    std::string out(header, 110);
    out += name + '\0';
    out.resize((out.size() + 3) / 4 * 4);
    out += data;
    out.resize((out.size() + 3) / 4 * 4);
    return out;
}

std::string trailer() { return entry("TRAILER!!!", 0, ""); }

std::string example(bool with_sum = false) {
    return entry(".", 040755, "") + entry("bin", 040755, "") + entry("bin/sh", 0100755, std::string(5000, 'x') + "end", 7, 2, with_sum) +
           entry("bin/ash", 0100755, "", 7, 2, with_sum) + entry("lib", 0120777, "usr/lib") + entry("dev/console", 020600, "", 9, 1, false, 5, 1) +
           entry("odd", 0100644, "abc", 3, 1, with_sum) + trailer();
}

struct Outcome { Collect sink; Result<> result; std::string problem; size_t taken = 0; };

Outcome read_archive(std::string const& archive, size_t piece = ~size_t{0}, int fail_after = -1) {
    Outcome out{{}, {}, {}};
    out.sink.fail_after = fail_after;
    auto const reader = std::make_unique<CpioReader>(out.sink);
    for (size_t at = 0; at < archive.size();) {
        size_t const size = std::min(piece, archive.size() - at);
        std::unique_ptr<std::byte[]> const exact(new std::byte[size]);   // so that the sanitizer sees a read past its end
        std::memcpy(exact.get(), archive.data() + at, size);
        auto const taken = reader->feed({exact.get(), size});
        if (!taken) {
            out.result = fail(taken.error());
            out.problem = reader->problem();
            return out;
        }
        EXPECT_LE(*taken, size);
        at += *taken;
        out.taken = at;
        if (*taken < size) return out;
    }
    out.result = reader->finish();
    out.problem = reader->problem();
    return out;
}

void expect_example(Collect const& sink) {
    ASSERT_EQ(sink.files.size(), 7u);
    EXPECT_EQ(sink.files[0].name, ".");
    EXPECT_EQ(sink.files[2].name, "bin/sh");
    EXPECT_EQ(sink.files[2].data, std::string(5000, 'x') + "end");
    EXPECT_EQ(sink.files[2].links, 2u);
    EXPECT_EQ(sink.files[3].inode, sink.files[2].inode);
    EXPECT_EQ(sink.files[4].target, "usr/lib");
    EXPECT_EQ(sink.files[5].rdev_major, 5u);
    EXPECT_EQ(sink.files[5].rdev_minor, 1u);
    EXPECT_EQ(sink.files[6].data, "abc");
    EXPECT_EQ(sink.files[6].uid, 1000u);
    EXPECT_EQ(sink.files[6].gid, 2000u);
    EXPECT_EQ(sink.files[6].modified, 1234567890u);
    for (auto const& file : sink.files) EXPECT_TRUE(file.ended) << file.name;
}

}

TEST(Cpio, AWholeArchive) {
    auto const got = read_archive(example());
    ASSERT_TRUE(got.result) << got.problem;
    expect_example(got.sink);
    EXPECT_EQ(got.sink.archives, 1u);
}

TEST(Cpio, PiecesOfEverySize) {
    for (size_t piece = 1; piece < 300; ++piece) {
        auto const got = read_archive(example(true), piece);
        ASSERT_TRUE(got.result) << piece << ": " << got.problem;
        expect_example(got.sink);
    }
}

TEST(Cpio, ArchivesBehindEachOtherWithZerosBetween) {
    auto const padded = example() + std::string(512, '\0');
    auto const got = read_archive(padded + example() + std::string(1000, '\0'));
    ASSERT_TRUE(got.result) << got.problem;
    EXPECT_EQ(got.sink.files.size(), 14u);
    EXPECT_EQ(got.sink.archives, 2u);
}

TEST(Cpio, StopsBeforeWhatIsNoArchive) {
    auto const archive = example();
    auto const got = read_archive(archive + "\x1f\x8b and so on");
    EXPECT_EQ(got.taken, archive.size());
    expect_example(got.sink);
}

/// But behind a file that is whole, where the trailer alone is missing.
TEST(Cpio, EveryTruncationWithinAFileIsNoticed) {
    std::string const files[] = {entry(".", 040755, ""), entry("bin/sh", 0100755, "12345"), entry("lib", 0120777, "usr/lib"), entry("none", 0, "skipped")};
    size_t const padding[] = {0, 3, 1, 1};
    std::string archive;
    for (size_t i = 0; i < std::size(files); ++i) {
        for (size_t cut = 0; cut <= files[i].size(); ++cut) {
            bool const is_whole = cut + padding[i] >= files[i].size() || (cut == 0 && i != 0);
            auto const got = read_archive(archive + files[i].substr(0, cut));
            ASSERT_EQ(got.result.has_value(), is_whole) << i << " " << cut;
        }
        archive += files[i];
    }
    for (size_t cut = 1; cut < trailer().size(); ++cut) ASSERT_FALSE(read_archive(archive + trailer().substr(0, cut)).result) << cut;
}

TEST(Cpio, WhatIsNoKindOfFileIsGoneOver) {
    auto const got = read_archive(entry("odd", 0, "data of it") + entry("", 0100644, "nameless") + entry("odder", 0150000, "") + entry("file", 0100644, "abc") + trailer());
    ASSERT_TRUE(got.result) << got.problem;
    ASSERT_EQ(got.sink.files.size(), 1u);
    EXPECT_EQ(got.sink.files[0].name, "file");
    EXPECT_EQ(got.sink.files[0].data, "abc");
}

TEST(Cpio, ChecksumsAreChecked) {
    auto archive = example(true);
    ASSERT_TRUE(read_archive(archive).result);
    archive[archive.find("xxxx") + 1] = 'y';
    auto const got = read_archive(archive);
    ASSERT_FALSE(got.result);
    EXPECT_EQ(got.problem, "a file's checksum does not match");
}

TEST(Cpio, BadHeadersAreRefused) {
    auto const broken = [](size_t at, char with) {
        auto archive = example();
        archive[at] = with;
        return read_archive(archive);
    };
    EXPECT_FALSE(broken(5, '3').result);        // magic
    EXPECT_FALSE(broken(20, 'g').result);       // not a digit
    auto const zero_name = [] {
        auto archive = example();
        archive.replace(6 + 8 * 11, 8, "00000000");
        return read_archive(archive);
    }();
    EXPECT_FALSE(zero_name.result);
    auto const long_name = [] {
        auto archive = example();
        archive.replace(6 + 8 * 11, 8, "00001001");
        return read_archive(archive);
    }();
    EXPECT_FALSE(long_name.result);
    auto unterminated = example();
    unterminated[111] = 'x';                     // "." without its NUL
    EXPECT_FALSE(read_archive(unterminated).result);
    EXPECT_FALSE(read_archive(entry("l", 0120777, "") + trailer()).result);
    EXPECT_FALSE(read_archive(entry("l", 0120777, std::string(4096, 'a')) + trailer()).result);
    EXPECT_TRUE(read_archive(entry("l", 0120777, std::string(4095, 'a')) + trailer()).result);
}

TEST(Cpio, TheSinksErrorIsReturned) {
    auto const got = read_archive(example(), ~size_t{0}, 3);
    ASSERT_FALSE(got.result);
    EXPECT_EQ(got.result.error().value, ENOSPC);
}

TEST(Cpio, DamagedArchivesAreSafe) {
    std::mt19937 random(5);
    auto const archive = example(true);
    size_t refused = 0;
    for (int round = 0; round < 20000; ++round) {
        auto damaged = archive;
        for (unsigned i = 1 + random() % 4; i > 0; --i) {
            size_t const at = random() % damaged.size();
            switch (random() % 3) {
            case 0: damaged[at] = static_cast<char>(random()); break;
            case 1: damaged.erase(at, 1 + random() % 8); break;
            default: damaged.insert(at, 1 + random() % 8, static_cast<char>("0f\0F"[random() % 4]));
            }
            if (damaged.empty()) damaged = "0";
        }
        if (!read_archive(damaged, 1 + random() % 6000).result) ++refused;
    }
    EXPECT_GT(refused, 10000u);
}
