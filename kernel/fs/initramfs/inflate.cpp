// SPDX-License-Identifier: MIT
// Inflate, RFC 1951: bits, code tables, the output window, and the three kinds of block. fast_symbols() checks bounds once for
// each length and distance; near the end of input or room slow_symbol() takes over and checks every step.
#include "kernel/fs/initramfs/inflate.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace fs {

namespace {

constexpr unsigned literal_symbols = 288, distance_symbols = 32, length_symbols = 19;
constexpr unsigned end_of_block = 256, first_length = 257;
constexpr size_t longest_match = 258;

struct Base { u16 value; u8 extra; };

/// RFC 1951, 3.2.5.
constexpr std::array<Base, 29> length_bases = {{
    {3, 0}, {4, 0}, {5, 0}, {6, 0}, {7, 0}, {8, 0}, {9, 0}, {10, 0}, {11, 1}, {13, 1}, {15, 1}, {17, 1}, {19, 2}, {23, 2}, {27, 2},
    {31, 2}, {35, 3}, {43, 3}, {51, 3}, {59, 3}, {67, 4}, {83, 4}, {99, 4}, {115, 4}, {131, 5}, {163, 5}, {195, 5}, {227, 5}, {258, 0},
}};
constexpr std::array<Base, 30> distance_bases = {{
    {1, 0}, {2, 0}, {3, 0}, {4, 0}, {5, 1}, {7, 1}, {9, 2}, {13, 2}, {17, 3}, {25, 3}, {33, 4}, {49, 4}, {65, 5}, {97, 5}, {129, 6},
    {193, 6}, {257, 7}, {385, 7}, {513, 8}, {769, 8}, {1025, 9}, {1537, 9}, {2049, 10}, {3073, 10}, {4097, 11}, {6145, 11},
    {8193, 12}, {12289, 12}, {16385, 13}, {24577, 13},
}};
constexpr std::array<u8, length_symbols> order_of_lengths = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};

u64 load_word(u8 const* from) {
    u64 word;
    std::memcpy(&word, from, sizeof word);
    return word;
}

unsigned reverse_bits(unsigned code, unsigned count) {
    unsigned reversed = 0;
    for (; count > 0; --count, code >>= 1) reversed = reversed << 1 | (code & 1);
    return reversed;
}

}

// ---------------------------------------------------------------- bits

bool Inflater::need(unsigned bits) {
    while (bit_count_ < bits) {
        if (next_ == end_) return false;
        bits_ |= u64{*next_++} << bit_count_;
        bit_count_ += 8;
    }
    return true;
}

u32 Inflater::take(unsigned bits) {
    u32 const value = static_cast<u32>(bits_ & ((u64{1} << bits) - 1));
    bits_ >>= bits;
    bit_count_ -= bits;
    return value;
}

// ---------------------------------------------------------------- codes

Inflater::Entry Inflater::entry_of(Alphabet alphabet, unsigned symbol) {
    Entry entry;
    auto const base = [&](Base const& b) { entry = {b.value, 0, b.extra, Kind::Base}; };
    switch (alphabet) {
    case Alphabet::Lengths: entry = {static_cast<u16>(symbol), 0, 0, Kind::Literal}; break;
    case Alphabet::Distances:
        if (symbol < distance_bases.size()) base(distance_bases[symbol]);
        break;
    case Alphabet::Literals:
        if (symbol < end_of_block) entry = {static_cast<u16>(symbol), 0, 0, Kind::Literal};
        else if (symbol == end_of_block) entry.kind = Kind::End;
        else if (symbol - first_length < length_bases.size()) base(length_bases[symbol - first_length]);
        break;
    }
    return entry;
}

/// Builds the table of the canonical code with these lengths: a first table of root_bits, then second tables. False: no valid code.
bool Inflater::build(std::span<u8 const> lengths, std::span<Entry> table, unsigned root_bits, Alphabet alphabet) {
    unsigned count[longest_code + 1] = {}, next_code[longest_code + 2] = {};
    for (u8 length : lengths) ++count[length];
    count[0] = 0;
    int left = 1;
    unsigned longest = 0;
    for (unsigned length = 1; length <= longest_code; ++length) {
        left = left * 2 - static_cast<int>(count[length]);
        if (left < 0) return false;
        next_code[length + 1] = (next_code[length] + count[length]) << 1;
        if (count[length]) longest = length;
    }
    // An incomplete code is allowed only where one distance (or none) is used: RFC 1951, 3.2.7.
    if (left > 0 && (alphabet == Alphabet::Lengths || longest > 1)) return false;
    size_t const root_size = size_t{1} << root_bits;
    std::fill_n(table.begin(), root_size, Entry{});
    u16 codes[literal_symbols];
    for (unsigned symbol = 0; symbol < lengths.size(); ++symbol) {
        unsigned const length = lengths[symbol];
        if (length == 0) continue;
        codes[symbol] = static_cast<u16>(reverse_bits(next_code[length]++, length));
        if (length <= root_bits) continue;
        Entry& link = table[codes[symbol] & (root_size - 1)];
        link = {0, static_cast<u8>(root_bits), std::max(link.extra, static_cast<u8>(length - root_bits)), Kind::Table};
    }
    return place_second_tables(table, root_size) && (fill(lengths, codes, table, root_bits, alphabet), true);
}

/// Gives each second table its place after the first.
bool Inflater::place_second_tables(std::span<Entry> table, size_t root_size) {
    size_t end = root_size;
    for (Entry& link : table.first(root_size)) {
        if (link.kind != Kind::Table) continue;
        size_t const size = size_t{1} << link.extra;
        if (size > table.size() - end) return false;
        link.value = static_cast<u16>(end);
        std::ranges::fill(table.subspan(end, size), Entry{});
        end += size;
    }
    return true;
}

void Inflater::fill(std::span<u8 const> lengths, u16 const* codes, std::span<Entry> table, unsigned root_bits, Alphabet alphabet) {
    size_t const root_size = size_t{1} << root_bits;
    for (unsigned symbol = 0; symbol < lengths.size(); ++symbol) {
        unsigned const length = lengths[symbol];
        if (length == 0) continue;
        Entry entry = entry_of(alphabet, symbol);
        entry.bits = static_cast<u8>(length);
        unsigned const code = codes[symbol];
        if (length <= root_bits) {
            for (size_t i = code; i < root_size; i += size_t{1} << length) table[i] = entry;
            continue;
        }
        Entry const& link = table[code & (root_size - 1)];
        size_t const size = size_t{1} << link.extra;
        for (size_t i = code >> root_bits; i < size; i += size_t{1} << (length - root_bits)) table[link.value + i] = entry;
    }
}

/// Takes the next code. Invalid with bits 0: the input ends within it.
Inflater::Entry Inflater::decode(std::span<Entry const> table, unsigned root_bits) {
    need(longest_code);
    Entry entry = table[bits_ & ((u64{1} << root_bits) - 1)];
    if (entry.kind == Kind::Table) entry = table[entry.value + ((bits_ >> root_bits) & ((u64{1} << entry.extra) - 1))];
    if (entry.bits > bit_count_ || (entry.kind == Kind::Invalid && bit_count_ < longest_code)) return Entry{};
    bits_ >>= entry.bits;
    bit_count_ -= entry.bits;
    if (entry.kind == Kind::Invalid) entry.bits = longest_code;
    return entry;
}

bool Inflater::use_fixed_tables() {
    std::array<u8, literal_symbols> lengths;
    for (unsigned i = 0; i < literal_symbols; ++i) lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    std::array<u8, distance_symbols> distances;
    distances.fill(5);
    return build(lengths, literals_, literal_bits, Alphabet::Literals) && build(distances, distances_, distance_bits, Alphabet::Distances);
}

InflateStatus Inflater::read_lengths(std::span<u8> lengths) {
    for (size_t i = 0; i < lengths.size();) {
        Entry const entry = decode(lengths_, length_bits);
        if (entry.kind == Kind::Invalid) return entry.bits ? InflateStatus::Corrupt : InflateStatus::Truncated;
        if (entry.value < 16) {
            lengths[i++] = static_cast<u8>(entry.value);
            continue;
        }
        struct Repeat { u8 base, extra; };
        constexpr Repeat repeats[] = {{3, 2}, {3, 3}, {11, 7}};
        auto const repeat = repeats[entry.value - 16];
        if (!need(repeat.extra)) return InflateStatus::Truncated;
        size_t const count = repeat.base + take(repeat.extra);
        if (count > lengths.size() - i || (entry.value == 16 && i == 0)) return InflateStatus::Corrupt;
        u8 const value = entry.value == 16 ? lengths[i - 1] : 0;
        std::ranges::fill(lengths.subspan(i, count), value);
        i += count;
    }
    return InflateStatus::Done;
}

InflateStatus Inflater::read_code_tables() {
    if (!need(14)) return InflateStatus::Truncated;
    unsigned const literals = take(5) + 257, distances = take(5) + 1, lengths = take(4) + 4;
    if (literals > 286 || distances > 30) return InflateStatus::Corrupt;
    std::array<u8, length_symbols> length_lengths{};
    for (unsigned i = 0; i < lengths; ++i) {
        if (!need(3)) return InflateStatus::Truncated;
        length_lengths[order_of_lengths[i]] = static_cast<u8>(take(3));
    }
    if (!build(length_lengths, lengths_, length_bits, Alphabet::Lengths)) return InflateStatus::Corrupt;
    std::array<u8, literal_symbols + distance_symbols> all{};
    std::span const used(all.data(), literals + distances);
    if (auto const status = read_lengths(used); status != InflateStatus::Done) return status;
    if (all[end_of_block] == 0) return InflateStatus::Corrupt;
    bool const good = build(used.first(literals), literals_, literal_bits, Alphabet::Literals) &&
                      build(used.subspan(literals), distances_, distance_bits, Alphabet::Distances);
    return good ? InflateStatus::Done : InflateStatus::Corrupt;
}

// ---------------------------------------------------------------- output

bool Inflater::flush() {
    if (used_ == flushed_) return true;
    bool const wanted = sink_->write(std::as_bytes(std::span(buffer_ + flushed_, used_ - flushed_)));
    flushed_ = used_;
    return wanted;
}

/// Makes room for `bytes` more and keeps the window. False: the sink wants no more.
bool Inflater::make_room(size_t bytes) {
    if (buffer_size - used_ >= bytes) return true;
    if (!flush()) return false;
    std::memmove(buffer_, buffer_ + used_ - window_size, window_size);
    used_ = flushed_ = window_size;
    return true;
}

/// May write up to `slack` bytes beyond the match.
void Inflater::copy_match(u8* to, size_t length, size_t distance) {
    u8 const* from = to - distance;
    u8* const end = to + length;
    if (distance >= sizeof(u64)) {
        do {
            std::memcpy(to, from, sizeof(u64));
            to += sizeof(u64);
            from += sizeof(u64);
        } while (to < end);
    } else if (distance == 1) {
        std::memset(to, *from, length);
    } else {
        while (to < end) *to++ = *from++;
    }
}

// ---------------------------------------------------------------- blocks

bool Inflater::fast_symbols() {
    constexpr size_t input_margin = 16;
    u64 bits = bits_;
    unsigned count = bit_count_;
    u8 const* next = next_;
    u8 const* const last_start = end_ - next_ >= static_cast<ptrdiff_t>(input_margin) ? end_ - input_margin : nullptr;
    u8* out = buffer_ + used_;
    u8* const last_out = buffer_ + buffer_size - longest_match - 2;
    auto const refill = [&] {
        // The bits above `count` already are those of the next bytes: or-ing them again changes nothing.
        bits |= load_word(next) << count;
        next += (63 - count) >> 3;
        count |= 56;
    };
    auto const look_up = [&](Entry const* table, unsigned root_bits) {
        Entry entry = table[bits & ((u64{1} << root_bits) - 1)];
        if (entry.kind == Kind::Table) [[unlikely]] entry = table[entry.value + ((bits >> root_bits) & ((u64{1} << entry.extra) - 1))];
        return entry;
    };
    bool ended = false;
    while (last_start && next <= last_start && out <= last_out) {
        refill();
        Entry entry = look_up(literals_, literal_bits);
        for (int literals = 0; entry.kind == Kind::Literal && literals < 2; ++literals) {
            bits >>= entry.bits;
            count -= entry.bits;
            *out++ = static_cast<u8>(entry.value);
            entry = look_up(literals_, literal_bits);
        }
        if (entry.kind == Kind::Literal) continue;
        u64 const saved_bits = bits;
        unsigned const saved_count = count;
        u8 const* const saved_next = next;
        if (entry.kind != Kind::Base) {
            if (entry.kind != Kind::End) break;
            bits >>= entry.bits;
            count -= entry.bits;
            ended = true;
            break;
        }
        bits >>= entry.bits;
        size_t const length = entry.value + (bits & ((u64{1} << entry.extra) - 1));
        bits >>= entry.extra;
        count -= entry.bits + entry.extra;
        refill();
        entry = look_up(distances_, distance_bits);
        bits >>= entry.bits;
        size_t const distance = entry.value + (bits & ((u64{1} << entry.extra) - 1));
        if (entry.kind != Kind::Base || distance > static_cast<size_t>(out - buffer_)) [[unlikely]] {
            bits = saved_bits;
            count = saved_count;
            next = saved_next;
            break;
        }
        bits >>= entry.extra;
        count -= entry.bits + entry.extra;
        copy_match(out, length, distance);
        out += length;
    }
    bits_ = bits;
    bit_count_ = count;
    next_ = next;
    used_ = static_cast<size_t>(out - buffer_);
    return ended;
}

/// One symbol with every check.
InflateStatus Inflater::slow_symbol(bool& ended) {
    auto const bad = [](Entry const& entry) { return entry.bits ? InflateStatus::Corrupt : InflateStatus::Truncated; };
    if (!make_room(longest_match)) return InflateStatus::Stopped;
    Entry entry = decode(literals_, literal_bits);
    if (entry.kind == Kind::Invalid) return bad(entry);
    if (entry.kind == Kind::End) {
        ended = true;
        return InflateStatus::Done;
    }
    if (entry.kind == Kind::Literal) {
        buffer_[used_++] = static_cast<u8>(entry.value);
        return InflateStatus::Done;
    }
    if (!need(entry.extra)) return InflateStatus::Truncated;
    size_t const length = entry.value + take(entry.extra);
    entry = decode(distances_, distance_bits);
    if (entry.kind != Kind::Base) return bad(entry);
    if (!need(entry.extra)) return InflateStatus::Truncated;
    size_t const distance = entry.value + take(entry.extra);
    if (distance > used_) return InflateStatus::Corrupt;
    copy_match(buffer_ + used_, length, distance);
    used_ += length;
    return InflateStatus::Done;
}

InflateStatus Inflater::coded_block() {
    for (bool ended = false; !ended;) {
        if (!make_room(2 * longest_match)) return InflateStatus::Stopped;
        if (fast_symbols()) return InflateStatus::Done;
        if (auto const status = slow_symbol(ended); status != InflateStatus::Done) return status;
    }
    return InflateStatus::Done;
}

InflateStatus Inflater::stored_block() {
    take(bit_count_ & 7);
    next_ -= bit_count_ / 8;   // gives whole bytes back to the input
    bits_ = 0;
    bit_count_ = 0;
    if (end_ - next_ < 4) return InflateStatus::Truncated;
    size_t left = next_[0] | next_[1] << 8;
    size_t const complement = next_[2] | next_[3] << 8;
    if (left != (~complement & 0xffff)) return InflateStatus::Corrupt;
    next_ += 4;
    while (left > 0) {
        if (next_ == end_) return InflateStatus::Truncated;
        if (!make_room(longest_match)) return InflateStatus::Stopped;
        size_t const count = std::min({left, buffer_size - used_, static_cast<size_t>(end_ - next_)});
        std::memcpy(buffer_ + used_, next_, count);
        used_ += count;
        next_ += count;
        left -= count;
    }
    return InflateStatus::Done;
}

InflateStatus Inflater::block(bool& last) {
    if (!need(3)) return InflateStatus::Truncated;
    last = take(1) != 0;
    switch (take(2)) {
    case 0: return stored_block();
    case 1: return use_fixed_tables() ? coded_block() : InflateStatus::Corrupt;
    case 2:
        if (auto const status = read_code_tables(); status != InflateStatus::Done) return status;
        return coded_block();
    default: return InflateStatus::Corrupt;
    }
}

InflateStatus Inflater::run(std::span<std::byte const> input, ByteSink& sink, size_t& consumed) {
    auto const* const start = reinterpret_cast<u8 const*>(input.data());
    next_ = start;
    end_ = start + input.size();
    bits_ = 0;
    bit_count_ = 0;
    sink_ = &sink;
    used_ = flushed_ = 0;
    InflateStatus status = InflateStatus::Done;
    for (bool last = false; status == InflateStatus::Done && !last;) status = block(last);
    if (status == InflateStatus::Done && !flush()) status = InflateStatus::Stopped;
    next_ -= bit_count_ / 8;
    consumed = static_cast<size_t>(next_ - start);
    return status;
}

}
