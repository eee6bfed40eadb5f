// SPDX-License-Identifier: MIT
// Copies argv and envp out of the old image. The size is checked after each string, so that a
// program cannot make the kernel keep more than the limit and one string.
#include "kernel/process/exec/arguments.h"

#include <algorithm>

#include "mm/user/user_access.h"

namespace process {
namespace {

// <linux/binfmts.h>, include/linux/limits.h and execve(2), "Limits on size of arguments".
constexpr u64 longest_string = 128 * kib;
constexpr u64 least_total = 128 * kib;
constexpr u64 greatest_total = 6 * mib;

/// Reads a program's array of pointers, a few at a time, and never beyond the page that contains its end.
class PointerArray {
public:
    explicit PointerArray(u64 address) : address_(address) {}
    /// The next pointer; 0 at the end.
    Result<u64> next() {
        if (index_ == filled_) TRY(fill());
        return pointers_[index_++];
    }

private:
    Result<> fill() {
        u64 const to_page_end = (page_size - (address_ & page_mask)) / sizeof(u64);
        filled_ = static_cast<u32>(std::clamp<u64>(to_page_end, 1, std::size(pointers_)));
        index_ = 0;
        TRY(mm::UserPtr<u64>(address_).read_array({pointers_, filled_}));
        address_ += filled_ * sizeof(u64);
        return {};
    }
    u64 address_;
    u32 index_ = 0, filled_ = 0;
    u64 pointers_[32];
};

}

StringList::~StringList() {
    while (first_) {
        Chunk* chunk = std::exchange(first_, first_->next);
        (void)mm::FrameRef::adopt(mm::frame_record(arch::direct_map_inverse(chunk)));
    }
}

Result<StringList::Chunk*> StringList::chunk_with_room() {
    if (last_ && last_->room() > 0) return last_;
    mm::FrameRef frame = TRY(mm::frame_allocator.allocate(0, mm::Fill::Dirty, mm::Urgency::User));
    auto* chunk = new (frame.data()) Chunk{nullptr, 0, 0};
    (void)frame.leak();
    (last_ ? last_->next : first_) = chunk;
    last_ = chunk;
    return chunk;
}

void StringList::end_string(Chunk& chunk, u64 length) {
    *chunk.length(chunk.ended++) = static_cast<u32>(length);
    bytes_ += length;
    ++count_;
}

Result<> StringList::add(std::string_view text) {
    u64 const length = text.size() + 1;
    for (;;) {
        Chunk& chunk = *TRY(chunk_with_room());
        size_t const part = std::min(text.size(), chunk.room());
        std::copy_n(text.data(), part, chunk.data() + chunk.used);
        text.remove_prefix(part);
        if (chunk.room() > part) {
            chunk.data()[chunk.used + part] = '\0';
            chunk.used += static_cast<u32>(part + 1);
            end_string(chunk, length);
            return {};
        }
        chunk.used += static_cast<u32>(part);
    }
}

Result<> StringList::add_user(UserAddr from) {
    u64 length = 0;
    for (;;) {
        Chunk& chunk = *TRY(chunk_with_room());
        size_t const room = chunk.room();
        i64 const copied = arch::copy_string_from_user(chunk.data() + chunk.used, from + length, room);
        if (copied < 0) return fail(EFAULT);
        length += static_cast<u64>(copied);
        if (length >= longest_string) return fail(E2BIG);
        chunk.used += static_cast<u32>(copied);
        if (static_cast<size_t>(copied) < room) {
            chunk.data()[chunk.used++] = '\0';
            end_string(chunk, length + 1);
            return {};
        }
    }
}

Result<> Arguments::check_size(u64 stack_limit) const {
    u64 const limit = std::max(least_total, std::min(stack_limit / 4, greatest_total));
    u64 const pointers = (std::max<u64>(arguments.count(), 1) + environment.count()) * sizeof(u64);
    if (pointers + arguments.bytes() + environment.bytes() > limit) return fail(E2BIG);
    return {};
}

Result<> Arguments::add_user(u64 argv, u64 envp, u64 first, u64 stack_limit) {
    PointerArray argument_pointers(argv);
    for (u64 index = 0; argv != 0; ++index) {
        u64 const pointer = TRY(argument_pointers.next());
        if (pointer == 0) break;
        if (index < first) continue;
        TRY(arguments.add_user(UserAddr(pointer)));
        TRY(check_size(stack_limit));
    }
    // Since Linux 5.18 a program always has an argv[0].
    if (arguments.count() == 0) TRY(arguments.add(""));
    PointerArray environment_pointers(envp);
    while (envp != 0) {
        u64 const pointer = TRY(environment_pointers.next());
        if (pointer == 0) break;
        TRY(environment.add_user(UserAddr(pointer)));
        TRY(check_size(stack_limit));
    }
    return {};
}

}
