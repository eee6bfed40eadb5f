// SPDX-License-Identifier: MIT
// ELF64 headers and segments. Text and data are private mappings of the file, so that their
// pages are shared with the page cache and with every other process that runs the file.
#include "kernel/process/exec/elf.h"

#include <algorithm>

namespace process {
namespace {

constexpr u64 lowest_user_address = 64 * kib;         // Linux's mmap_min_addr
constexpr u64 largest_table = 64 * kib;               // of program headers, as in Linux

/// Reads exactly `size` bytes at `offset`. ENOEXEC: the file is shorter.
Result<> read_exactly(fs::File& file, u64 offset, void* to, size_t size) {
    auto* bytes = static_cast<std::byte*>(to);
    size_t done = 0;
    while (done < size) {
        auto buffer = mm::IoBuffer::kernel(bytes + done, size - done);
        size_t const got = TRY(file.read_at(offset + done, buffer));
        if (got == 0) return fail(ENOEXEC);
        done += got;
    }
    return {};
}

bool is_program_header(Elf64_Ehdr const& header) {
    return std::equal(header.e_ident, header.e_ident + SELFMAG, ELFMAG) && header.e_ident[EI_CLASS] == ELFCLASS64 &&
           header.e_ident[EI_DATA] == ELFDATA2LSB && (header.e_type == ET_EXEC || header.e_type == ET_DYN) &&
           header.e_machine == EM_X86_64 && header.e_phentsize == sizeof(Elf64_Phdr) && header.e_phnum != 0 &&
           header.e_phnum <= largest_table / sizeof(Elf64_Phdr);
}

bool segment_is_sound(Elf64_Phdr const& segment) {
    u64 end, file_end;
    if (__builtin_add_overflow(segment.p_vaddr, segment.p_memsz, &end) || end > arch::user_space_end) return false;
    if (__builtin_add_overflow(segment.p_offset, segment.p_filesz, &file_end) || file_end > INT64_MAX - page_size) return false;
    if (segment.p_filesz > segment.p_memsz) return false;
    return (segment.p_vaddr & page_mask) == (segment.p_offset & page_mask);
}

}

Elf64_Phdr const* ElfFile::find(u32 type) const {
    for (Elf64_Phdr const& segment : segments())
        if (segment.p_type == type) return &segment;
    return nullptr;
}

Result<ElfFile> ElfFile::read(Ref<fs::File> file) {
    ElfFile elf;
    TRY(read_exactly(*file, 0, &elf.header_, sizeof elf.header_));
    if (!is_program_header(elf.header_)) return fail(ENOEXEC);
    size_t const table_size = elf.header_.e_phnum * sizeof(Elf64_Phdr);
    if (elf.header_.e_phoff > INT64_MAX - table_size) return fail(ENOEXEC);
    elf.table_ = TRY(mm::Buffer::allocate(table_size));
    TRY(read_exactly(*file, elf.header_.e_phoff, elf.table_.data(), table_size));
    elf.file_ = std::move(file);
    TRY(elf.check_segments());
    return elf;
}

Result<> ElfFile::check_segments() {
    lowest_ = ~u64{0};
    for (Elf64_Phdr const& segment : segments()) {
        if (segment.p_type != PT_LOAD || segment.p_memsz == 0) continue;
        if (!segment_is_sound(segment)) return fail(ENOEXEC);
        lowest_ = std::min(lowest_, align_down<u64>(segment.p_vaddr, page_size));
        highest_ = std::max(highest_, align_up<u64>(segment.p_vaddr + segment.p_memsz, page_size));
        bool const usable = segment.p_align > page_size && (segment.p_align & (segment.p_align - 1)) == 0 && segment.p_align <= gib;
        if (usable) alignment_ = std::max<u64>(alignment_, segment.p_align);
    }
    if (highest_ == 0) return fail(ENOEXEC);
    if (!is_position_independent() && lowest_ < lowest_user_address) return fail(ENOEXEC);
    return {};
}

Result<std::string_view> ElfFile::interpreter(std::span<char> buffer) const {
    Elf64_Phdr const* segment = find(PT_INTERP);
    if (!segment || segment->p_filesz < 2 || segment->p_filesz > buffer.size() || segment->p_offset > INT64_MAX - buffer.size())
        return fail(ENOEXEC);
    TRY(read_exactly(*file_, segment->p_offset, buffer.data(), segment->p_filesz));
    if (buffer[segment->p_filesz - 1] != '\0') return fail(ENOEXEC);
    return std::string_view(buffer.data());
}

bool ElfFile::wants_executable_stack() const {
    Elf64_Phdr const* segment = find(PT_GNU_STACK);
    return segment && (segment->p_flags & PF_X);
}

namespace {

mm::Protection protection_of(Elf64_Phdr const& segment) {
    return {(segment.p_flags & PF_R) != 0, (segment.p_flags & PF_W) != 0, (segment.p_flags & PF_X) != 0};
}

Result<> map_fixed(mm::AddressSpace& space, u64 start, u64 end, mm::Protection protection, Ref<mm::VmObject> object, u64 offset) {
    if (start >= end) return {};
    mm::MapRequest request;
    request.address = UserAddr(start);
    request.size = end - start;
    request.placement = mm::MapRequest::Placement::Fixed;
    request.protection = protection;
    request.object = std::move(object);
    request.offset = offset;
    TRY(space.map(request));
    return {};
}

/// Zeroes the rest of the data's last page, which holds more of the file: bss begins there.
Result<> zero_page_rest(mm::AddressSpace& space, u64 from) {
    static constexpr std::byte zeros[page_size] = {};
    u64 const rest = align_up(from, page_size) - from;
    return space.write(UserAddr(from), {zeros, rest});
}

Result<> map_segment(mm::AddressSpace& space, Elf64_Phdr const& segment, Ref<mm::VmObject> const& object, u64 bias) {
    u64 const start = align_down<u64>(bias + segment.p_vaddr, page_size);
    u64 const file_end = bias + segment.p_vaddr + segment.p_filesz;
    u64 const end = align_up<u64>(bias + segment.p_vaddr + segment.p_memsz, page_size);
    u64 const file_pages_end = segment.p_filesz == 0 ? start : align_up(file_end, page_size);
    mm::Protection const protection = protection_of(segment);
    TRY(map_fixed(space, start, file_pages_end, protection, object, align_down<u64>(segment.p_offset, page_size)));
    TRY(map_fixed(space, file_pages_end, end, protection, nullptr, 0));
    bool const has_bss_in_page = segment.p_filesz != 0 && segment.p_memsz > segment.p_filesz && !is_aligned(file_end, page_size);
    if (has_bss_in_page && protection.write) TRY(zero_page_rest(space, file_end));
    return {};
}

void note_extent(ElfMapping& mapping, Elf64_Phdr const& segment) {
    u64 const start = mapping.bias + segment.p_vaddr;
    u64 const end = start + segment.p_filesz;
    if (segment.p_flags & PF_X) {
        if (mapping.code_end == 0) mapping.code_start = start;
        mapping.code_end = std::max(mapping.code_end, end);
    } else if (segment.p_flags & PF_W) {
        if (mapping.data_end == 0) mapping.data_start = start;
        mapping.data_end = std::max(mapping.data_end, end);
    }
}

}

Result<ElfMapping> map_elf(mm::AddressSpace& space, ElfFile const& elf, u64 bias) {
    Ref<mm::VmObject> const object = TRY(elf.file().vm_object());
    ElfMapping mapping;
    mapping.bias = bias;
    mapping.entry = bias + elf.header().e_entry;
    u64 const table = elf.header().e_phoff;
    for (Elf64_Phdr const& segment : elf.segments()) {
        if (segment.p_type != PT_LOAD || segment.p_memsz == 0) continue;
        TRY(map_segment(space, segment, object, bias));
        note_extent(mapping, segment);
        mapping.end = std::max(mapping.end, align_up<u64>(bias + segment.p_vaddr + segment.p_memsz, page_size));
        if (table >= segment.p_offset && table < segment.p_offset + segment.p_filesz)
            mapping.headers = bias + segment.p_vaddr + (table - segment.p_offset);
    }
    return mapping;
}

}
