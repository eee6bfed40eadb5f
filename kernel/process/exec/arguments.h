// SPDX-License-Identifier: MIT
// The strings of execve(2), kept in a chain of separate frames while the new image replaces the old one.
// In each frame the bytes grow upwards, and the lengths of the strings that end in it grow downwards.
#pragma once

#include <string_view>
#include <utility>

#include <base/result.h>
#include <base/types.h>

#include "mm/frame_allocator.h"

namespace process {

class StringList {
public:
    StringList() = default;
    ~StringList();
    StringList(StringList const&) = delete;

    /// Takes the strings of `other`, which gets this list's (none).
    void take(StringList& other) {
        std::swap(first_, other.first_);
        std::swap(last_, other.last_);
        std::swap(count_, other.count_);
        std::swap(bytes_, other.bytes_);
    }
    Result<> add(std::string_view text);
    /// A program's string. EFAULT; E2BIG when it is longer than Linux's MAX_ARG_STRLEN.
    Result<> add_user(UserAddr from);
    u64 count() const { return count_; }
    u64 bytes() const { return bytes_; }   ///< including the NULs

    /// All bytes in order, piece by piece: visit(std::string_view) -> Result<>.
    template <class Visitor>
    Result<> for_each_piece(Visitor&& visit) const {
        for (Chunk const* chunk = first_; chunk; chunk = chunk->next) TRY(visit(std::string_view(chunk->data(), chunk->used)));
        return {};
    }
    /// The length of each string, with its NUL, in order: visit(u32) -> Result<>.
    template <class Visitor>
    Result<> for_each_length(Visitor&& visit) const {
        for (Chunk const* chunk = first_; chunk; chunk = chunk->next)
            for (u32 i = 0; i < chunk->ended; ++i) TRY(visit(*chunk->length(i)));
        return {};
    }

private:
    /// Lies at the start of a frame of its own.
    struct Chunk {
        Chunk* next;
        u32 used, ended;
        char* data() { return reinterpret_cast<char*>(this + 1); }
        char const* data() const { return reinterpret_cast<char const*>(this + 1); }
        u32* length(u32 index) { return reinterpret_cast<u32*>(reinterpret_cast<u64>(this) + page_size) - 1 - index; }
        u32 const* length(u32 index) const { return const_cast<Chunk*>(this)->length(index); }
        /// Bytes that may be added so that the length of the string still fits.
        size_t room() const {
            size_t const taken = sizeof(Chunk) + used + (ended + 1) * sizeof(u32);
            return taken < page_size ? page_size - taken : 0;
        }
    };
    /// The chunk to write to, with room for at least one byte.
    Result<Chunk*> chunk_with_room();
    void end_string(Chunk& chunk, u64 length);

    Chunk* first_ = nullptr;
    Chunk* last_ = nullptr;
    u64 count_ = 0, bytes_ = 0;
};

/// argv and envp of the new program.
struct Arguments {
    StringList arguments, environment;
    /// E2BIG: strings and pointers together exceed what `stack_limit` allows (execve(2)).
    Result<> check_size(u64 stack_limit) const;
    /// Adds argv[first…] and envp from a program's memory; a null array is an empty one.
    Result<> add_user(u64 argv, u64 envp, u64 first, u64 stack_limit);
};

}
