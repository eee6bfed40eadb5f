// SPDX-License-Identifier: MIT
// Inflate: decompresses deflate data (RFC 1951) from one span into a sink, window by window.
// Pure: it uses no kernel service, and any input is safe. Codes are decoded with one or two
// table look-ups; while 16 bytes of input and 258 of room are left, only the code and the distance are checked.
#pragma once

#include <span>

#include <base/types.h>

namespace fs {

/// Takes the output in order; false stops the decompression.
class ByteSink {
public:
    virtual bool write(std::span<std::byte const> bytes) = 0;
protected:
    ~ByteSink() = default;
};

enum class InflateStatus : u8 { Done, Truncated, Corrupt, Stopped };

class Inflater {
public:
    static constexpr size_t window_size = 32 * kib;          ///< how far back a match may reach
    static constexpr size_t buffer_size = 4 * window_size;

    Inflater() = default;
    Inflater(Inflater const&) = delete;

    /// Decompresses one deflate stream; `consumed`: how many bytes of `input` it took.
    InflateStatus run(std::span<std::byte const> input, ByteSink& sink, size_t& consumed);

private:
    static constexpr unsigned literal_bits = 10, distance_bits = 8, length_bits = 7;
    static constexpr size_t literal_entries = 2048, distance_entries = 1024;   ///< more than any complete code needs
    static constexpr unsigned longest_code = 15;
    static constexpr size_t slack = 16;                      ///< matches are copied in words

    /// What a code means. Literal: its value is the byte. Base: a length or distance, to which the next `extra` bits are added.
    /// Table: `extra` more bits are the index into a second table, which starts at the value. `bits`: the length of the whole code.
    enum class Kind : u8 { Invalid, Literal, Base, End, Table };
    struct alignas(8) Entry { u16 value = 0; u8 bits = 0; u8 extra = 0; Kind kind = Kind::Invalid; };
    enum class Alphabet : u8 { Literals, Distances, Lengths };

    InflateStatus block(bool& last);
    InflateStatus stored_block();
    InflateStatus read_code_tables();
    InflateStatus read_lengths(std::span<u8> lengths);
    InflateStatus coded_block();
    /// Decodes while there is plenty of input and room; true: the block ended. Corrupt data is left to slow_symbol().
    bool fast_symbols();
    InflateStatus slow_symbol(bool& ended);
    bool use_fixed_tables();
    static bool build(std::span<u8 const> lengths, std::span<Entry> table, unsigned root_bits, Alphabet alphabet);
    static bool place_second_tables(std::span<Entry> table, size_t root_size);
    static void fill(std::span<u8 const> lengths, u16 const* codes, std::span<Entry> table, unsigned root_bits, Alphabet alphabet);
    static Entry entry_of(Alphabet alphabet, unsigned symbol);
    Entry decode(std::span<Entry const> table, unsigned root_bits);
    bool make_room(size_t bytes);
    bool flush();
    static void copy_match(u8* to, size_t length, size_t distance);

    bool need(unsigned bits);                                ///< false: the input ends before them
    u32 take(unsigned bits);

    u8 const* next_ = nullptr;
    u8 const* end_ = nullptr;
    u64 bits_ = 0;
    unsigned bit_count_ = 0;
    ByteSink* sink_ = nullptr;
    size_t used_ = 0, flushed_ = 0;                          ///< bytes in buffer_; of these, given to the sink
    Entry literals_[literal_entries];
    Entry distances_[distance_entries];
    Entry lengths_[1 << length_bits];
    u8 buffer_[buffer_size + slack];
};

}
