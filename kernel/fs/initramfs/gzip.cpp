// SPDX-License-Identifier: MIT
// gzip members, RFC 1952: skips the header, inflates, and compares checksum and length with the trailer. Any input is safe.
#include "kernel/fs/initramfs/gzip.h"

#include <array>
#include <cstring>

namespace fs {

namespace {

constexpr u8 magic_1 = 0x1f, magic_2 = 0x8b, method_deflate = 8;
constexpr u8 has_header_crc = 2, has_extra = 4, has_name = 8, has_comment = 16, reserved_flags = 0xe0;
constexpr size_t header_size = 10, trailer_size = 8;

/// Eight tables, to take eight bytes at once ("slicing by 8", Kounavis and Berry, 2005).
constexpr auto crc_tables = [] {
    constexpr u32 polynomial = 0xedb88320;
    std::array<std::array<u32, 256>, 8> tables{};
    for (u32 i = 0; i < 256; ++i) {
        u32 crc = i;
        for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? polynomial : 0);
        tables[0][i] = crc;
    }
    for (u32 i = 0; i < 256; ++i)
        for (size_t t = 1; t < tables.size(); ++t) tables[t][i] = tables[t - 1][i] >> 8 ^ tables[0][tables[t - 1][i] & 0xff];
    return tables;
}();

u32 load32(std::byte const* from) {
    u32 word;
    std::memcpy(&word, from, sizeof word);
    return word;
}

class CheckedSink final : public ByteSink {
public:
    explicit CheckedSink(ByteSink& inner) : inner_(inner) {}
    bool write(std::span<std::byte const> bytes) override {
        crc_ = crc32(crc_, bytes);
        size_ += static_cast<u32>(bytes.size());
        return inner_.write(bytes);
    }
    bool matches(std::byte const* trailer) const { return load32(trailer) == crc_ && load32(trailer + 4) == size_; }
private:
    ByteSink& inner_;
    u32 crc_ = 0, size_ = 0;
};

/// Skips a NUL-terminated field; false: the input ends before the NUL.
bool skip_text(std::span<std::byte const>& input) {
    for (size_t i = 0; i < input.size(); ++i)
        if (input[i] == std::byte{0}) return input = input.subspan(i + 1), true;
    return false;
}

GzipStatus skip_header(std::span<std::byte const>& input) {
    if (!is_gzip(input)) return GzipStatus::NotGzip;
    if (input.size() < header_size) return GzipStatus::Truncated;
    auto const flags = std::to_integer<u8>(input[3]);
    if (std::to_integer<u8>(input[2]) != method_deflate || (flags & reserved_flags)) return GzipStatus::Corrupt;
    input = input.subspan(header_size);
    if (flags & has_extra) {
        if (input.size() < 2) return GzipStatus::Truncated;
        size_t const size = 2 + (std::to_integer<size_t>(input[0]) | std::to_integer<size_t>(input[1]) << 8);
        if (input.size() < size) return GzipStatus::Truncated;
        input = input.subspan(size);
    }
    if ((flags & has_name) && !skip_text(input)) return GzipStatus::Truncated;
    if ((flags & has_comment) && !skip_text(input)) return GzipStatus::Truncated;
    if (flags & has_header_crc) {
        if (input.size() < 2) return GzipStatus::Truncated;
        input = input.subspan(2);
    }
    return GzipStatus::Done;
}

}

u32 crc32(u32 crc, std::span<std::byte const> bytes) {
    crc = ~crc;
    auto const* next = bytes.data();
    auto const* const end = next + bytes.size();
    auto const& t = crc_tables;
    for (; end - next >= 8; next += 8) {
        u32 const low = load32(next) ^ crc, high = load32(next + 4);
        crc = t[7][low & 0xff] ^ t[6][low >> 8 & 0xff] ^ t[5][low >> 16 & 0xff] ^ t[4][low >> 24] ^ t[3][high & 0xff] ^
              t[2][high >> 8 & 0xff] ^ t[1][high >> 16 & 0xff] ^ t[0][high >> 24];
    }
    for (; next < end; ++next) crc = crc >> 8 ^ t[0][(crc ^ std::to_integer<u32>(*next)) & 0xff];
    return ~crc;
}

char const* describe(GzipStatus status) {
    switch (status) {
    case GzipStatus::Done: return "gzip data is whole";
    case GzipStatus::NotGzip: return "not gzip data";
    case GzipStatus::Truncated: return "gzip data ends too early";
    case GzipStatus::Corrupt: return "gzip data is corrupt";
    case GzipStatus::BadChecksum: return "gzip checksum does not match";
    case GzipStatus::Stopped: return "gzip data was not wanted";
    }
    return "?";
}

bool is_gzip(std::span<std::byte const> input) { return input.size() >= 2 && input[0] == std::byte{magic_1} && input[1] == std::byte{magic_2}; }

GzipStatus gunzip(Inflater& inflater, std::span<std::byte const> input, ByteSink& sink, size_t& consumed) {
    auto rest = input;
    consumed = 0;
    if (auto const status = skip_header(rest); status != GzipStatus::Done) return status;
    CheckedSink checked(sink);
    size_t used = 0;
    auto const status = inflater.run(rest, checked, used);
    rest = rest.subspan(used);
    consumed = input.size() - rest.size();
    switch (status) {
    case InflateStatus::Truncated: return GzipStatus::Truncated;
    case InflateStatus::Corrupt: return GzipStatus::Corrupt;
    case InflateStatus::Stopped: return GzipStatus::Stopped;
    case InflateStatus::Done: break;
    }
    if (rest.size() < trailer_size) return GzipStatus::Truncated;
    if (!checked.matches(rest.data())) return GzipStatus::BadChecksum;
    consumed += trailer_size;
    return GzipStatus::Done;
}

}
