// SPDX-License-Identifier: MIT
// The initial stack of a program: argc, argv, envp, the auxiliary vector and all strings.
// System V ABI x86-64 3.4.1, getauxval(3). All sizes are known first, so the stack is written once, upwards.
#include <algorithm>

#include <asm/resource.h>
#include <cpuid.h>
#include <linux/auxvec.h>

#include <arch/cpu.h>
#include "kernel/process/exec/image.h"
#include "kernel/process/signal/signal.h"

namespace process {
namespace {

constexpr std::string_view platform_name{"x86_64\0", 7};
constexpr u64 clock_ticks = 100;              // USER_HZ
constexpr u64 spare_stack = 128 * kib;        // mapped below what is written, as in Linux
constexpr u64 random_stack_pages = 1 << 22;   // 16 GiB
constexpr u64 random_stack_bytes = 8 * kib;   // within the first pages
constexpr u64 minimum_signal_stack_key = 51;  // AT_MINSIGSTKSZ

/// Collects bytes for consecutive addresses and writes them a page at a time.
class SpaceWriter {
public:
    static Result<SpaceWriter> create(mm::AddressSpace& space, u64 address) {
        SpaceWriter writer(space, address);
        writer.buffer_ = TRY(mm::frame_allocator.allocate(0));
        return writer;
    }
    Result<> put(std::string_view bytes) {
        while (!bytes.empty()) {
            size_t const part = std::min<size_t>(bytes.size(), page_size - used_);
            std::copy_n(bytes.data(), part, static_cast<char*>(buffer_.data()) + used_);
            used_ += part;
            bytes.remove_prefix(part);
            if (used_ == page_size) TRY(flush());
        }
        return {};
    }
    Result<> put(u64 word) { return put(std::string_view(reinterpret_cast<char const*>(&word), sizeof word)); }
    /// Zeros up to `address`.
    Result<> fill_to(u64 address) {
        while (address_ + used_ < address) TRY(put(std::string_view("\0", 1)));
        return {};
    }
    Result<> flush() {
        TRY(space_->write(UserAddr(address_), {static_cast<std::byte const*>(buffer_.data()), used_}));
        address_ += used_;
        used_ = 0;
        return {};
    }

private:
    SpaceWriter(mm::AddressSpace& space, u64 address) : space_(&space), address_(address) {}
    mm::AddressSpace* space_;
    u64 address_;
    size_t used_ = 0;
    mm::FrameRef buffer_;
};

/// The addresses of all parts, from the top down.
struct StackLayout {
    u64 top, path, environment, arguments, platform, random, pointer;
};

StackLayout lay_out(Arguments const& arguments, std::string_view path, u64 auxiliary_words, u64 top, u64 start) {
    StackLayout layout;
    layout.top = top;
    layout.path = start - sizeof(u64) - (path.size() + 1);
    layout.environment = layout.path - arguments.environment.bytes();
    layout.arguments = layout.environment - arguments.arguments.bytes();
    layout.platform = layout.arguments - platform_name.size();
    layout.random = align_down(layout.platform - sizeof(ImageRandom::seed), 16);
    u64 const words = 1 + arguments.arguments.count() + 1 + arguments.environment.count() + 1 + auxiliary_words;
    layout.pointer = align_down(layout.random - words * sizeof(u64), 16);
    return layout;
}

/// Appends to the auxiliary vector.
class AuxiliaryVector {
public:
    explicit AuxiliaryVector(std::array<u64, 2 * 24>& words) : words_(words) { words_ = {}; }
    void add(u64 key, u64 value) {
        words_[used_++] = key;
        words_[used_++] = value;
    }
private:
    std::array<u64, 2 * 24>& words_;
    size_t used_ = 0;
};

u64 hardware_capabilities() {
    u32 eax, ebx, ecx, edx = 0;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx)) return 0;
    return edx;
}

constexpr u64 auxiliary_count = 20;           // including AT_NULL

/// Its entries about rights, which are decided last: keys and values.
using RightsWords = std::array<std::pair<u64, u64>, 5>;
RightsWords rights_words(Image const& image) {
    fs::Credentials const& who = image.credentials;
    return {{{AT_UID, who.real_uid.value},
             {AT_EUID, who.effective_uid.value},
             {AT_GID, who.real_gid.value},
             {AT_EGID, who.effective_gid.value},
             {AT_SECURE, image.gains_rights}}};
}

void fill_auxiliary(Image& image, ProgramPlace const& place, StackLayout const& stack) {
    AuxiliaryVector vector(image.auxiliary_vector);
    vector.add(minimum_signal_stack_key, minimum_signal_stack());
    vector.add(AT_HWCAP, hardware_capabilities());
    vector.add(AT_PAGESZ, page_size);
    vector.add(AT_CLKTCK, clock_ticks);
    vector.add(AT_PHDR, place.program.headers);
    vector.add(AT_PHENT, sizeof(Elf64_Phdr));
    vector.add(AT_PHNUM, place.program_header_count);
    vector.add(AT_BASE, place.interpreter_base);
    vector.add(AT_FLAGS, 0);
    vector.add(AT_ENTRY, place.program.entry);
    for (auto const& [key, value] : rights_words(image)) vector.add(key, value);
    vector.add(AT_RANDOM, stack.random);
    vector.add(AT_HWCAP2, arch::cpu_features.fsgsbase ? 2 : 0);   // HWCAP2_FSGSBASE
    vector.add(AT_EXECFN, stack.path);
    vector.add(AT_PLATFORM, stack.platform);
    vector.add(AT_NULL, 0);
}

Result<> put_pointers(SpaceWriter& writer, StringList const& strings, u64 address) {
    TRY(strings.for_each_length([&](u32 length) -> Result<> {
        TRY(writer.put(address));
        address += length;
        return {};
    }));
    return writer.put(u64{0});
}

Result<> write_stack(Image& image, ImageRandom const& random, Arguments const& arguments, std::string_view path, StackLayout const& stack) {
    SpaceWriter writer = TRY(SpaceWriter::create(*image.space, stack.pointer));
    TRY(writer.put(arguments.arguments.count()));
    TRY(put_pointers(writer, arguments.arguments, stack.arguments));
    TRY(put_pointers(writer, arguments.environment, stack.environment));
    for (u64 i = 0; i < 2 * auxiliary_count; ++i) TRY(writer.put(image.auxiliary_vector[i]));
    TRY(writer.fill_to(stack.random));
    TRY(writer.put(std::string_view(reinterpret_cast<char const*>(random.seed.data()), random.seed.size())));
    TRY(writer.fill_to(stack.platform));
    TRY(writer.put(platform_name));
    auto const put = [&](std::string_view piece) { return writer.put(piece); };
    TRY(arguments.arguments.for_each_piece(put));
    TRY(arguments.environment.for_each_piece(put));
    TRY(writer.put(path));
    TRY(writer.fill_to(stack.top));
    return writer.flush();
}

Result<> map_stack(mm::AddressSpace& space, u64 bottom, u64 top, bool executable) {
    mm::MapRequest request;
    request.address = UserAddr(bottom);
    request.size = top - bottom;
    request.placement = mm::MapRequest::Placement::FixedNoReplace;
    request.protection = {true, true, executable};
    request.kind = mm::VmaKind::Stack;
    TRY(space.map(request));
    return {};
}

}

Result<> build_stack(Image& image, ImageRequest const& request, ImageRandom const& random, ProgramPlace const& place,
                     Arguments const& arguments, std::string_view path) {
    u64 const page_top = arch::user_space_end - random.stack % random_stack_pages * page_size;
    u64 const start = align_down(page_top - random.stack_shift % random_stack_bytes, 16);
    StackLayout const stack = lay_out(arguments, path, 2 * auxiliary_count, start, start);
    u64 const used = page_top - align_down(stack.pointer, page_size);
    if (used > request.limits[RLIMIT_STACK].soft) return fail(E2BIG);
    u64 const mapped = std::min<u64>(used + spare_stack, std::max(used, align_down(request.limits[RLIMIT_STACK].soft, page_size)));
    TRY(map_stack(*image.space, page_top - mapped, page_top, place.executable_stack));
    fill_auxiliary(image, place, stack);
    TRY(write_stack(image, random, arguments, path, stack));
    image.stack_pointer = stack.pointer;
    u64 const words_before = 1 + arguments.arguments.count() + 1 + arguments.environment.count() + 1;
    image.auxiliary_address = stack.pointer + words_before * sizeof(u64);
    image.layout.stack_start = UserAddr(stack.pointer);
    image.layout.arguments_start = UserAddr(stack.arguments);
    image.layout.arguments_end = UserAddr(stack.environment);
    image.layout.environment_start = UserAddr(stack.environment);
    image.layout.environment_end = UserAddr(stack.path);
    return {};
}

Result<> tell_rights(Image& image) {
    auto& vector = image.auxiliary_vector;
    for (auto const& [key, value] : rights_words(image)) {
        size_t at = 0;
        while (vector[at] != key) at += 2;
        if (vector[at + 1] == value) continue;
        vector[at + 1] = value;
        TRY(image.space->write(UserAddr(image.auxiliary_address + (at + 1) * sizeof(u64)), std::as_bytes(std::span(&vector[at + 1], 1))));
    }
    return {};
}

}
