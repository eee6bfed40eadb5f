// SPDX-License-Identifier: MIT
// ELF64 programs: reads and checks the headers, maps the segments. elf(5), System V ABI ch. 4 and 5.
// A file may contain anything; impossible values fail with ENOEXEC before anything is mapped where it can be seen.
#pragma once

#include <span>

#include <elf.h>

#include "kernel/fs/file.h"
#include "mm/user/address_space.h"

namespace process {

/// The headers of a program or interpreter.
class ElfFile {
public:
    /// ENOEXEC, EIO, ENOMEM.
    static Result<ElfFile> read(Ref<fs::File> file);

    fs::File& file() const { return *file_; }
    Elf64_Ehdr const& header() const { return header_; }
    std::span<Elf64_Phdr const> segments() const {
        return {reinterpret_cast<Elf64_Phdr const*>(table_.data()), header_.e_phnum};
    }
    bool is_position_independent() const { return header_.e_type == ET_DYN; }
    bool has_interpreter() const { return find(PT_INTERP) != nullptr; }
    /// The path in PT_INTERP; views `buffer`. ENOEXEC.
    Result<std::string_view> interpreter(std::span<char> buffer) const;
    bool wants_executable_stack() const;

    /// Pages from the first to the last byte of all PT_LOAD segments, before any bias.
    u64 lowest_page() const { return lowest_; }
    u64 size() const { return highest_ - lowest_; }
    u64 alignment() const { return alignment_; }

private:
    Elf64_Phdr const* find(u32 type) const;
    Result<> check_segments();

    Ref<fs::File> file_;
    Elf64_Ehdr header_{};
    mm::Buffer table_;
    u64 lowest_ = 0, highest_ = 0, alignment_ = page_size;
};

/// Where a mapped ELF file lies.
struct ElfMapping {
    u64 bias = 0;
    u64 entry = 0;
    u64 headers = 0;        ///< address of the program headers, or 0 if no segment contains them
    u64 end = 0;            ///< after the last segment, page aligned
    u64 code_start = 0, code_end = 0, data_start = 0, data_end = 0;
};

/// Maps all segments, `bias` added to their addresses. ENOEXEC, ENOMEM.
Result<ElfMapping> map_elf(mm::AddressSpace& space, ElfFile const& elf, u64 bias);

}
