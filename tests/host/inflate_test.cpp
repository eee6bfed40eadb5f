// SPDX-License-Identifier: MIT
// Inflate and gzip against what the host's gzip packs, against known vectors, and against
// thousands of damaged streams.
// sources: kernel/fs/initramfs/inflate.cpp kernel/fs/initramfs/gzip.cpp
#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "kernel/fs/initramfs/gzip.h"

using namespace fs;

namespace {

struct Collect final : ByteSink {
    std::string text;
    size_t limit = ~size_t{0};
    bool write(std::span<std::byte const> bytes) override {
        if (bytes.size() > limit - std::min(limit, text.size())) return false;
        text.append(reinterpret_cast<char const*>(bytes.data()), bytes.size());
        return true;
    }
};

std::span<std::byte const> bytes_of(std::string const& text) { return std::as_bytes(std::span(text.data(), text.size())); }

/// Runs the host's gzip: an encoder of its own.
std::string gzip_of(std::string const& plain, int level) {
    char path[] = "/tmp/inflate_test_XXXXXX";
    int const fd = mkstemp(path);
    EXPECT_GE(fd, 0);
    FILE* file = fdopen(fd, "wb");
    fwrite(plain.data(), 1, plain.size(), file);
    fclose(file);
    std::string const command = "gzip -c -" + std::to_string(level) + " " + path;
    FILE* pipe = popen(command.c_str(), "r");
    std::string packed;
    char buffer[65536];
    for (size_t n; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) packed.append(buffer, n);
    EXPECT_EQ(pclose(pipe), 0);
    remove(path);
    return packed;
}

/// Text of several kinds: compressible, random, runs, far matches.
std::string sample(unsigned seed, size_t size) {
    std::mt19937 random(seed);
    std::string out;
    while (out.size() < size) {
        switch (random() % 4) {
        case 0: out.append(random() % 3000, static_cast<char>('a' + random() % 26)); break;
        case 1:
            for (auto i = random() % 2000; i > 0; --i) out += static_cast<char>(random());
            break;
        case 2:
            for (auto i = random() % 500; i > 0; --i) out += "lorem ipsum dolor " + std::to_string(random() % 50);
            break;
        default:
            if (!out.empty()) {
                size_t const back = std::min<size_t>(out.size(), 1 + random() % 40000);
                out += out.substr(out.size() - back, random() % 5000);
            }
        }
    }
    out.resize(size);
    return out;
}

struct Outcome { GzipStatus status; size_t consumed; std::string text; };

Outcome unpack(std::string const& packed, size_t limit = ~size_t{0}) {
    static auto const inflater = std::make_unique<Inflater>();
    // A buffer of the exact size, so that the sanitizer sees a read past its end.
    std::unique_ptr<std::byte[]> const exact(new std::byte[packed.size()]);
    std::memcpy(exact.get(), packed.data(), packed.size());
    Collect sink;
    sink.limit = limit;
    size_t consumed = 0;
    auto const status = gunzip(*inflater, {exact.get(), packed.size()}, sink, consumed);
    EXPECT_LE(consumed, packed.size());
    return {status, consumed, std::move(sink.text)};
}

}

TEST(Crc32, KnownValues) {
    EXPECT_EQ(crc32(0, bytes_of("123456789")), 0xcbf43926u);
    std::string const text = sample(3, 1001);
    u32 const whole = crc32(0, bytes_of(text));
    for (size_t cut : {0u, 1u, 7u, 8u, 500u, 1001u}) EXPECT_EQ(crc32(crc32(0, bytes_of(text).first(cut)), bytes_of(text).subspan(cut)), whole);
}

TEST(Inflate, WhatGzipPacks) {
    for (size_t size : {0u, 1u, 2u, 100u, 4096u, 32768u, 32769u, 131071u, 131072u, 400000u})
        for (int level : {1, 6, 9}) {
            auto const plain = sample(static_cast<unsigned>(size) + static_cast<unsigned>(level), size);
            auto const packed = gzip_of(plain, level);
            auto const got = unpack(packed);
            ASSERT_EQ(got.status, GzipStatus::Done) << size << " level " << level;
            EXPECT_EQ(got.consumed, packed.size());
            ASSERT_EQ(got.text, plain) << size << " level " << level;
        }
}

TEST(Inflate, FixedAndStoredBlocksOfKnownBytes) {
    // zlib.compressobj(9, DEFLATED, -15, 9, Z_FIXED) of "hello hello hello".
    unsigned char const fixed[] = {0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x57, 0xc8, 0x40, 0x90, 0x00};
    Collect sink;
    size_t consumed = 0;
    auto const inflater = std::make_unique<Inflater>();
    EXPECT_EQ(inflater->run(std::as_bytes(std::span(fixed)), sink, consumed), InflateStatus::Done);
    EXPECT_EQ(sink.text, "hello hello hello");
    unsigned char const stored[] = {0x01, 0x03, 0x00, 0xfc, 0xff, 'a', 'b', 'c'};
    sink.text.clear();
    EXPECT_EQ(inflater->run(std::as_bytes(std::span(stored)), sink, consumed), InflateStatus::Done);
    EXPECT_EQ(sink.text, "abc");
    EXPECT_EQ(consumed, sizeof stored);
}

TEST(Inflate, BadStreamsAreRefused) {
    auto const inflater = std::make_unique<Inflater>();
    struct Case { std::vector<unsigned char> bytes; InflateStatus status; };
    Case const cases[] = {
        {{0x07}, InflateStatus::Corrupt},                                     // block type 3
        {{}, InflateStatus::Truncated},
        {{0x01, 0x03, 0x00, 0xfc, 0xfe, 'a', 'b', 'c'}, InflateStatus::Corrupt},   // length and complement differ
        {{0x01, 0x03, 0x00, 0xfc, 0xff, 'a'}, InflateStatus::Truncated},
        {{0x03, 0x02, 0x00}, InflateStatus::Corrupt},                         // a match before the first byte
        {{0x05, 0xe0, 0x81, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, InflateStatus::Corrupt},   // no code for the end of block
    };
    for (auto const& c : cases) {
        Collect sink;
        size_t consumed = 0;
        EXPECT_EQ(inflater->run(std::as_bytes(std::span(c.bytes)), sink, consumed), c.status) << "case " << (&c - cases);
    }
}

TEST(Inflate, EveryTruncationIsNoticed) {
    auto const plain = sample(11, 3000);
    auto const packed = gzip_of(plain, 9);
    for (size_t cut = 0; cut < packed.size(); ++cut) ASSERT_NE(unpack(packed.substr(0, cut)).status, GzipStatus::Done) << cut;
}

TEST(Inflate, DamageIsNeverTakenForWhole) {
    std::mt19937 random(7);
    auto const plain = sample(12, 20000);
    auto const packed = gzip_of(plain, 9);
    for (int round = 0; round < 4000; ++round) {
        auto damaged = packed;
        for (auto i = 1 + random() % 3; i > 0; --i) damaged[10 + random() % (damaged.size() - 10)] ^= static_cast<char>(1 << random() % 8);
        auto const got = unpack(damaged);
        if (got.status == GzipStatus::Done) {
            ASSERT_EQ(got.text, plain) << round;
        }
    }
}

TEST(Inflate, RandomBytesAreSafe) {
    std::mt19937 random(8);
    for (int round = 0; round < 4000; ++round) {
        std::string noise = {'\x1f', '\x8b', '\x08', '\0'};
        for (auto i = random() % 400; i > 0; --i) noise += static_cast<char>(random());
        unpack(noise, 1 << 20);
    }
}

TEST(Inflate, TheSinkCanStop) {
    auto const packed = gzip_of(sample(13, 500000), 6);
    EXPECT_EQ(unpack(packed, 100000).status, GzipStatus::Stopped);
}

TEST(Gzip, HeaderFieldsAreSkipped) {
    auto packed = gzip_of("hello", 6);
    // FEXTRA, FNAME, FCOMMENT and FHCRC in front of the data.
    bool const has_name = (packed[3] & 8) != 0;
    size_t const start = has_name ? packed.find('\0', 10) + 1 : 10;
    std::string header = packed.substr(0, 10);
    header[3] = 2 | 4 | 8 | 16;
    header += std::string("\x03\x00xyz", 5) + std::string("name\0", 5) + std::string("comment\0", 8) + "cc";
    EXPECT_EQ(unpack(header + packed.substr(start)).text, "hello");
    EXPECT_EQ(unpack(header).status, GzipStatus::Truncated);
}
