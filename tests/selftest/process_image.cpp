// SPDX-License-Identifier: MIT
// Images of programs, built but not run: what a good file gives, and that hundreds of damaged ones
// give an error or a harmless image, and every frame back.
#include <algorithm>
#include <cstring>

#include <elf.h>
#include <fcntl.h>
#include <linux/auxvec.h>

#include "kernel/process/exec/image.h"
#include "kernel/process/process_manager.h"
#include "mm/kernel_space.h"
#include "tests/selftest/self_test.h"

namespace {

using process::Image;

constexpr std::string_view file_name = "/self-test-program";
constexpr u64 load_address = 0x400000;
constexpr size_t file_size = 3 * page_size;

struct FileHead {
    Elf64_Ehdr header;
    Elf64_Phdr segments[3];
};
using FileBytes = std::array<std::byte, file_size>;

/// Text of one page, then data of one page with a page and a bit of bss behind it.
FileHead good_head() {
    FileHead head{};
    std::memcpy(head.header.e_ident, ELFMAG, SELFMAG);
    head.header.e_ident[EI_CLASS] = ELFCLASS64;
    head.header.e_ident[EI_DATA] = ELFDATA2LSB;
    head.header.e_ident[EI_VERSION] = EV_CURRENT;
    head.header.e_type = ET_EXEC;
    head.header.e_machine = EM_X86_64;
    head.header.e_version = EV_CURRENT;
    head.header.e_entry = load_address + 0x200;
    head.header.e_phoff = offsetof(FileHead, segments);
    head.header.e_ehsize = sizeof(Elf64_Ehdr);
    head.header.e_phentsize = sizeof(Elf64_Phdr);
    head.header.e_phnum = 3;
    head.segments[0] = {PT_LOAD, PF_R | PF_X, 0, load_address, load_address, page_size, page_size, page_size};
    head.segments[1] = {PT_LOAD, PF_R | PF_W, page_size, load_address + page_size, load_address, page_size + 100, 3 * page_size, page_size};
    head.segments[2] = {PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0, 0, 16};
    return head;
}

class NoArguments final : public process::ArgumentSource {
public:
    Result<> add_to(process::Arguments& arguments, u64, u64) override {
        TRY(arguments.arguments.add("first"));
        TRY(arguments.arguments.add("second"));
        return arguments.environment.add("A=1");
    }
};

/// Writes a file of these bytes and builds its image.
class Builder {
public:
    Builder() : context_(fs::vfs.root_context()) {
        for (auto& limit : limits_) limit = {};
        limits_[3].soft = 8 * mib;   // RLIMIT_STACK
    }
    ~Builder() { (void)fs::vfs.unlink(walk(), file_name); }

    Result<> store(std::span<std::byte const> bytes) {
        auto file = TRY(fs::vfs.open(walk(), file_name, O_CREAT | O_RDWR | O_TRUNC, 0755));
        auto buffer = mm::IoBuffer::kernel(static_cast<void const*>(bytes.data()), bytes.size());
        TRY(file->write(buffer));
        return {};
    }
    Result<> build(Image& image) {
        NoArguments arguments;
        auto file = TRY(process::open_executable(walk(), file_name));
        return process::build_image(image, {context_, credentials_, limits_, process::RandomLayout::Yes, true}, file_name, std::move(file), arguments);
    }

private:
    fs::Walk walk() const { return {context_, credentials_}; }
    fs::FsContext context_;
    fs::Credentials credentials_;
    std::array<process::ResourceLimit, 16> limits_;
};

FileBytes& good_file() {
    static constinit FileBytes bytes{};
    FileHead const head = good_head();
    std::fill(bytes.begin(), bytes.end(), std::byte{0xcc});
    std::memcpy(bytes.data(), &head, sizeof head);
    return bytes;
}

u64 word_at(mm::AddressSpace& space, u64 address) {
    u64 value = ~u64{0};
    (void)space.read(UserAddr(address), std::as_writable_bytes(std::span(&value, 1)));
    return value;
}

u64 auxiliary_value(Image const& image, u64 key) {
    for (size_t i = 0; i + 1 < image.auxiliary_vector.size(); i += 2)
        if (image.auxiliary_vector[i] == key) return image.auxiliary_vector[i + 1];
    return ~u64{0};
}

u64 next_random(u64& state) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

}

SELF_TEST(process_image_of_a_good_file) {
    Builder builder;
    REQUIRE(builder.store(good_file()));
    Image image;
    REQUIRE(builder.build(image));
    CHECK(image.entry == load_address + 0x200);
    CHECK(image.stack_pointer % 16 == 0);
    CHECK(word_at(*image.space, image.stack_pointer) == 2);            // argc
    u64 const second = word_at(*image.space, image.stack_pointer + 16);
    char text[7] = {};
    CHECK(image.space->read(UserAddr(second), std::as_writable_bytes(std::span(text))));
    CHECK(std::string_view(text) == "second");
    CHECK(word_at(*image.space, image.stack_pointer + 24) == 0);       // end of argv
    CHECK(auxiliary_value(image, AT_ENTRY) == image.entry);
    CHECK(auxiliary_value(image, AT_PHDR) == load_address + offsetof(FileHead, segments));
    CHECK(auxiliary_value(image, AT_PHNUM) == 3);
    CHECK(auxiliary_value(image, AT_SECURE) == 0);
    // File bytes, then bss: the rest of the file's page is zeros, and so is the page behind it.
    CHECK(word_at(*image.space, load_address + page_size + 8) == 0xcccc'cccc'cccc'cccc);
    CHECK(word_at(*image.space, load_address + 2 * page_size + 104) == 0);
    CHECK(word_at(*image.space, load_address + 3 * page_size) == 0);
    CHECK(!image.gains_rights);
}

SELF_TEST(process_image_refuses_what_cannot_be) {
    Builder builder;
    struct Damage { void (*apply)(FileHead& head); };
    Damage const damages[] = {
        {[](FileHead& head) { head.header.e_ident[0] = 0; }},
        {[](FileHead& head) { head.header.e_ident[EI_CLASS] = ELFCLASS32; }},
        {[](FileHead& head) { head.header.e_machine = EM_AARCH64; }},
        {[](FileHead& head) { head.header.e_type = ET_REL; }},
        {[](FileHead& head) { head.header.e_phnum = 0; }},
        {[](FileHead& head) { head.header.e_phnum = 0xffff; }},
        {[](FileHead& head) { head.header.e_phentsize = 1; }},
        {[](FileHead& head) { head.header.e_phoff = ~u64{0}; }},
        {[](FileHead& head) { head.header.e_phoff = file_size; }},
        {[](FileHead& head) { head.header.e_entry = 0xffff'8000'0000'0000; }},
        {[](FileHead& head) { head.segments[0].p_vaddr = ~u64{0} - page_mask; }},
        {[](FileHead& head) { head.segments[0].p_vaddr = arch::user_space_end; }},
        {[](FileHead& head) { head.segments[0].p_vaddr = 0; }},
        {[](FileHead& head) { head.segments[0].p_vaddr += 8; }},
        {[](FileHead& head) { head.segments[0].p_filesz = head.segments[0].p_memsz + 1; }},
        {[](FileHead& head) { head.segments[1].p_memsz = ~u64{0}; }},
        {[](FileHead& head) { head.segments[1].p_offset = ~u64{0} << 12; }},
    };
    for (Damage const& damage : damages) {
        FileBytes& bytes = good_file();
        FileHead head = good_head();
        damage.apply(head);
        std::memcpy(bytes.data(), &head, sizeof head);
        REQUIRE(builder.store(bytes));
        Image image;
        auto const built = builder.build(image);
        CHECK(!built && built.error().value == ENOEXEC);
    }
}

SELF_TEST(process_image_survives_damaged_files) {
    Builder builder;
    REQUIRE(builder.store(good_file()));
    { Image image; CHECK(builder.build(image)); }
    u64 const before = mm::free_frames();
    u64 state = 0x243f'6a88'85a3'08d3;
    u32 built = 0, refused = 0;
    for (int round = 0; round < 400; ++round) {
        FileBytes& bytes = good_file();
        for (u64 changes = next_random(state) % 4 + 1; changes > 0; --changes)
            bytes[next_random(state) % sizeof(FileHead)] = static_cast<std::byte>(next_random(state));
        size_t const length = round % 4 == 0 ? next_random(state) % file_size : file_size;
        REQUIRE(builder.store({bytes.data(), length}));
        Image image;
        if (builder.build(image)) ++built;
        else ++refused;
    }
    CHECK(refused > 0 && built > 0);
    REQUIRE(builder.store(good_file()));
    { Image image; CHECK(builder.build(image)); }
    CHECK(mm::free_frames() == before);
}
