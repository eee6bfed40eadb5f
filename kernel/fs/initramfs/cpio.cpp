// SPDX-License-Identifier: MIT
// The newc reader: a state machine over pieces of input. Each step takes what the input has for the current state; header, name
// and link target are collected in buffers of fixed size, data go straight to the sink.
#include "kernel/fs/initramfs/cpio.h"

#include <algorithm>
#include <cstring>

namespace fs {

namespace {

constexpr u32 format_mask = 0170000, format_regular = 0100000, format_link = 0120000;
constexpr std::string_view trailer = "TRAILER!!!";
constexpr std::string_view magic_plain = "070701", magic_checked = "070702";
constexpr size_t alignment = 4;

bool is_known(u32 format) {
    switch (format) {
    case 0010000: case 0020000: case 0040000: case 0060000: case 0100000: case 0120000: case 0140000: return true;
    default: return false;
    }
}

bool parse_hex(char const* text, u32& out) {
    out = 0;
    for (int i = 0; i < 8; ++i) {
        char const c = text[i];
        u32 digit;
        if (c >= '0' && c <= '9') digit = static_cast<u32>(c - '0');
        else if (c >= 'a' && c <= 'f') digit = static_cast<u32>(c - 'a' + 10);
        else if (c >= 'A' && c <= 'F') digit = static_cast<u32>(c - 'A' + 10);
        else return false;
        out = out << 4 | digit;
    }
    return true;
}

}

std::unexpected<Errno> CpioReader::bad(char const* problem) {
    problem_ = problem;
    return fail(EINVAL);
}

Result<size_t> CpioReader::feed(std::span<std::byte const> bytes) {
    size_t const size = bytes.size();
    for (;;) {
        State const before = state_;
        size_t const taken = TRY(step(bytes));
        bytes = bytes.subspan(taken);
        position_ += taken;
        offset_ += taken;
        if (taken == 0 && state_ == before) return size - bytes.size();
    }
}

Result<> CpioReader::finish() {
    // An archive may also end without its trailer, after a complete file.
    bool const behind_a_file = state_ == State::DataPadding || (state_ == State::Header && collected_ == 0);
    if (state_ != State::Between && !behind_a_file) return bad("the archive ends in the middle of a file");
    if (!any_archive_) return bad("there is no cpio archive");
    return {};
}

size_t CpioReader::collect(std::span<std::byte const> bytes, char* to, size_t wanted) {
    size_t const count = std::min(bytes.size(), wanted - collected_);
    std::memcpy(to + collected_, bytes.data(), count);
    collected_ += count;
    return count;
}

/// How much of `bytes` is padding up to the next multiple of 4.
size_t CpioReader::skip(std::span<std::byte const> bytes) {
    size_t const padding = (alignment - offset_ % alignment) % alignment;
    return std::min(bytes.size(), padding);
}

Result<size_t> CpioReader::step(std::span<std::byte const> bytes) {
    switch (state_) {
    case State::Between: {
        auto const end = std::ranges::find_if(bytes, [](std::byte b) { return b != std::byte{0}; });
        size_t const zeros = static_cast<size_t>(end - bytes.begin());
        if (zeros > 0) return zeros;
        if (bytes.empty() || bytes[0] != std::byte{'0'}) return 0;
        if (offset_ % alignment != 0) return bad("an archive does not start at a multiple of 4");
        state_ = State::Header;
        collected_ = 0;
        wanted_ = header_size;
        return 0;
    }
    case State::Header: {
        size_t const count = collect(bytes, header_, header_size);
        if (collected_ == header_size) TRY(header_complete());
        return count;
    }
    case State::Name: {
        size_t const count = collect(bytes, name_, wanted_);
        if (collected_ == wanted_) state_ = State::NamePadding;
        return count;
    }
    case State::NamePadding: {
        size_t const count = skip(bytes);
        if ((offset_ + count) % alignment == 0) TRY(name_complete());
        return count;
    }
    case State::Target: {
        size_t const count = collect(bytes, target_, wanted_);
        if (collected_ == wanted_) TRY(data_wanted());
        return count;
    }
    case State::Data: return take_data(bytes);
    case State::DataPadding: {
        size_t const count = skip(bytes);
        if ((offset_ + count) % alignment == 0) {
            state_ = State::Header;
            collected_ = 0;
            wanted_ = header_size;
        }
        return count;
    }
    }
    return 0;
}

Result<> CpioReader::header_complete() {
    std::string_view const magic(header_, magic_plain.size());
    if (magic != magic_plain && magic != magic_checked) return bad("a file's header has no newc magic");
    checked_ = magic == magic_checked;
    u32 fields[13];
    for (size_t i = 0; i < std::size(fields); ++i)
        if (!parse_hex(header_ + magic.size() + 8 * i, fields[i])) return bad("a file's header has a field that is no hexadecimal number");
    entry_ = CpioEntry{};
    entry_.inode = fields[0];
    entry_.mode = fields[1];
    entry_.uid = fields[2];
    entry_.gid = fields[3];
    entry_.links = fields[4];
    entry_.modified_seconds = fields[5];
    entry_.size = fields[6];
    entry_.device_major = fields[7];
    entry_.device_minor = fields[8];
    entry_.rdev_major = fields[9];
    entry_.rdev_minor = fields[10];
    expected_sum_ = fields[12];
    sum_ = 0;
    wanted_ = fields[11];
    collected_ = 0;
    if (wanted_ == 0 || wanted_ > name_limit) return bad("a file's name is empty or too long");
    state_ = State::Name;
    return {};
}

Result<> CpioReader::name_complete() {
    if (name_[wanted_ - 1] != 0) return bad("a file's name has no end");
    entry_.name = std::string_view(name_);
    collected_ = wanted_ = 0;
    if (entry_.name == trailer) {
        state_ = State::Between;
        any_archive_ = true;
        sink_.archive_ended();
        return {};
    }
    any_archive_ = true;
    data_left_ = entry_.size;
    u32 const format = entry_.mode & format_mask;
    // As on Linux, an entry without a name, or of no known type, is skipped.
    skipped_ = entry_.name.empty() || !is_known(format);
    if (skipped_) {
        state_ = State::Data;
        return data_left_ == 0 ? entry_complete() : Result<>{};
    }
    if (format == format_link) {
        if (entry_.size == 0 || entry_.size >= name_limit) return bad("a symbolic link's target is empty or too long");
        wanted_ = entry_.size;
        state_ = State::Target;
        return {};
    }
    return data_wanted();
}

/// Everything that comes before the data has been read: hands the entry to the sink.
Result<> CpioReader::data_wanted() {
    u32 const format = entry_.mode & format_mask;
    if (format == format_link) {
        entry_.target = {target_, wanted_};
        if (entry_.target.find('\0') != entry_.target.npos) entry_.target = std::string_view(target_);
        if (entry_.target.empty()) return bad("a symbolic link's target is empty or too long");
        data_left_ = 0;
    } else if (format != format_regular) {
        entry_.size = 0;
    }
    TRY(sink_.begin(entry_));
    state_ = State::Data;
    if (data_left_ == 0) return entry_complete();
    return {};
}

Result<size_t> CpioReader::take_data(std::span<std::byte const> bytes) {
    size_t const count = std::min<size_t>(bytes.size(), data_left_);
    auto const part = bytes.first(count);
    if (!skipped_ && (entry_.mode & format_mask) == format_regular) {
        if (checked_)
            for (std::byte b : part) sum_ += std::to_integer<u32>(b);
        if (count > 0) TRY(sink_.data(part));
    }
    data_left_ -= static_cast<u32>(count);
    if (data_left_ == 0) TRY(entry_complete());
    return count;
}

Result<> CpioReader::entry_complete() {
    if (!skipped_ && checked_ && entry_.size > 0 && (entry_.mode & format_mask) == format_regular && sum_ != expected_sum_) return bad("a file's checksum does not match");
    if (!skipped_) TRY(sink_.end());
    state_ = State::DataPadding;
    collected_ = wanted_ = 0;
    return {};
}

}
