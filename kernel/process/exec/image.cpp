// SPDX-License-Identifier: MIT
// Builds the image of a new program: `#!` lines, the ELF file and its interpreter, the place of each
// part, the program's rights. execve(2). Nothing here changes the running process.
#include "kernel/process/exec/image.h"

#include <algorithm>

#include <asm/resource.h>
#include <sys/stat.h>

#include "kernel/base/random.h"
#include "kernel/process/exec/script.h"
#include "kernel/process/process_manager.h"
#include "kernel/process/signal/fault_log.h"

namespace process {
namespace {

constinit bool layout_is_random = true;

constexpr u64 program_base = 0x5555'5555'4000;     // position-independent programs, as in Linux: 2/3 of the space
constexpr u64 random_program_pages = 1 << 28;      // Linux's mmap_rnd_bits
constexpr u64 random_mapping_pages = 1 << 28;
constexpr u64 random_heap_pages = 0x02000000 >> page_shift;
constexpr u64 smallest_stack_gap = 128 * mib;
constexpr size_t most_scripts = 5;                 // as in Linux: deeper is ELOOP

/// The first bytes of one file of a chain of scripts, and its `#!` line.
struct ScriptLevel {
    char head[head_size];
    ScriptLine line;
};

Result<bool> read_head(fs::File& file, std::span<char> head) {
    std::fill(head.begin(), head.end(), '\0');
    auto buffer = mm::IoBuffer::kernel(head.data(), head.size());
    TRY(file.read_at(0, buffer));
    return is_script({head.data(), head.size()});
}

/// Opens the file that `program` needs to run: its dynamic linker, or the interpreter of its `#!` line. The caller gets just ENOENT,
/// as if the program were missing, so the log says which file is.
Result<Ref<fs::File>> open_interpreter(ImageRequest const& request, std::string_view program, std::string_view wanted) {
    auto file = open_executable({request.context, request.credentials}, wanted);
    if (!file && file.error() == Errno(ENOENT)) log_missing_interpreter(program, wanted);
    return file;
}

/// Follows `#!` lines from `file`, which `path` names, to a program; both then refer to the program. Returns the number of lines.
Result<size_t> follow_scripts(Image& image, ImageRequest const& request, std::string_view& path, Ref<fs::File>& file,
                              std::span<mm::Owned<ScriptLevel>> levels) {
    char head[head_size];
    for (size_t depth = 0;; ++depth) {
        image.executable = TRY(Executable::claim(*file->dentry()));
        if (!TRY(read_head(*file, head))) return depth;
        if (depth == levels.size()) return fail(ELOOP);
        levels[depth] = mm::Owned<ScriptLevel>(TRY(mm::make<ScriptLevel>()));
        ScriptLevel& level = *levels[depth];
        std::copy_n(head, head_size, level.head);
        level.line = TRY(parse_script_line({level.head, head_size}));
        file = TRY(open_interpreter(request, path, level.line.interpreter));
        path = level.line.interpreter;
    }
}

/// argv of the last interpreter: its name, its argument, then each script that it runs, the outermost last.
Result<> add_script_arguments(Arguments& arguments, std::span<mm::Owned<ScriptLevel> const> levels, std::string_view path) {
    for (size_t i = levels.size(); i-- > 0;) {
        ScriptLine const& line = levels[i]->line;
        TRY(arguments.arguments.add(line.interpreter));
        if (!line.argument.empty()) TRY(arguments.arguments.add(line.argument));
    }
    return arguments.arguments.add(path);
}

/// Reads the owner and the mode bits when nobody can write to the program any more: it is claimed.
void look_at_owner(Image& image, fs::Inode const& inode) {
    image.owner = inode.ownership();
    image.allows_set_id = !inode.file_system().flags().has(fs::MountFlags::nosuid);
}

/// A multiple of a page below `limit` pages.
u64 offset_from(u64 random, u64 limit_pages) { return random % limit_pages * page_size; }

u64 choose_bias(ElfFile const& elf, u64 random) {
    if (!elf.is_position_independent()) return 0;
    return align_up(program_base + offset_from(random, random_program_pages), elf.alignment()) - elf.lowest_page();
}

/// The dynamic linker goes where there is room, or to its fixed addresses (klibc's has such); its place is reserved before
/// its segments are mapped there.
Result<ElfMapping> map_interpreter(mm::AddressSpace& space, ElfFile const& elf) {
    mm::MapRequest request;
    request.size = elf.size();
    if (!elf.is_position_independent()) {
        request.address = UserAddr(elf.lowest_page());
        request.placement = mm::MapRequest::Placement::FixedNoReplace;
    }
    u64 const start = TRY(space.map(request)).value();
    return map_elf(space, elf, start - elf.lowest_page());
}

Result<> map_program(Image& image, ImageRequest const& request, ImageRandom const& random, std::string_view path, ElfFile const& elf, ProgramPlace& place) {
    u64 const bias = choose_bias(elf, random.program);
    u64 first, end;
    if (__builtin_add_overflow(elf.lowest_page(), bias, &first) || __builtin_add_overflow(first, elf.size(), &end) ||
        end > arch::user_space_end)
        return fail(ENOMEM);
    place.program = TRY(map_elf(*image.space, elf, bias));
    place.program_header_count = elf.header().e_phnum;
    place.executable_stack = elf.wants_executable_stack();
    image.entry = place.program.entry;
    if (!elf.has_interpreter()) return {};
    mm::Buffer room = TRY(mm::Buffer::allocate(page_size));
    auto const name = TRY(elf.interpreter({room.chars(), room.size()}));
    auto const linker = TRY(ElfFile::read(TRY(open_interpreter(request, path, name))));
    ElfMapping const mapping = TRY(map_interpreter(*image.space, linker));
    place.interpreter_base = mapping.bias + linker.lowest_page();
    image.entry = mapping.entry;
    return {};
}

/// Where brk begins, with a random offset.
void place_heap(Image& image, ImageRandom const& random, ElfMapping const& program) {
    u64 const heap = program.end + offset_from(random.heap, random_heap_pages);
    image.space->set_heap(UserAddr(heap));
    image.layout.heap_start = image.layout.heap_end = UserAddr(heap);
    image.layout.code_start = UserAddr(program.code_start);
    image.layout.code_end = UserAddr(program.code_end);
    image.layout.data_start = UserAddr(program.data_start);
    image.layout.data_end = UserAddr(program.data_end);
}

void place_mappings(Image& image, ImageRequest const& request, ImageRandom const& random) {
    u64 const stack = request.limits[RLIMIT_STACK].soft;
    u64 const random_stack = u64{16} * gib;
    u64 const gap = std::clamp(stack, smallest_stack_gap, arch::user_space_end / 6 * 5) + random_stack + mib;
    u64 const base = arch::user_space_end - gap - offset_from(random.mappings, random_mapping_pages);
    image.space->set_mmap_base(UserAddr(align_down(base, page_size)));
    image.space->set_limits({request.limits[RLIMIT_AS].soft, request.limits[RLIMIT_DATA].soft, stack});
}

void take_name(Image& image, std::string_view path) {
    std::string_view const name = path.substr(path.rfind('/') + 1);
    std::copy_n(name.data(), std::min(name.size(), sizeof image.name - 1), image.name);
}

bool is_user_code(u64 address) { return address < arch::user_space_end; }

}

/// Applies set-user-ID and set-group-ID bits (credentials(7), execve(2)).
void take_rights(Image& image, fs::Credentials const& now, bool may_gain_rights) {
    constexpr u32 group_bits = S_ISGID | S_IXGRP;
    fs::Credentials& who = image.credentials = now;
    bool const may_gain = may_gain_rights && image.allows_set_id;
    bool const sets_user = may_gain && (image.owner.permissions & S_ISUID);
    bool const sets_group = may_gain && (image.owner.permissions & group_bits) == group_bits;
    if (sets_user) who.effective_uid = image.owner.uid;
    if (sets_group) who.effective_gid = image.owner.gid;
    who.saved_uid = who.fs_uid = who.effective_uid;
    who.saved_gid = who.fs_gid = who.effective_gid;
    image.sets_id = sets_user || sets_group;
    image.is_secret = !fs::permission(image.owner, now, fs::may_read);
    image.gains_rights = who.effective_uid != who.real_uid || who.effective_gid != who.real_gid;
}

void disable_random_layout() { layout_is_random = false; }
bool random_layout_allowed() { return layout_is_random; }

ImageRandom::ImageRandom(RandomLayout wanted) {
    u64 words[7];
    base::random_bytes(std::as_writable_bytes(std::span(words)));
    std::copy_n(reinterpret_cast<std::byte const*>(words), seed.size(), seed.begin());
    if (wanted == RandomLayout::No) return;
    program = words[2];
    heap = words[3];
    mappings = words[4];
    stack = words[5];
    stack_shift = words[6];
}

Result<Ref<fs::File>> open_executable(fs::Walk const& walk, std::string_view path) {
    Ref<fs::Dentry> const dentry = TRY(fs::vfs.resolve(walk, path));
    Ref<fs::Inode> const inode = dentry->inode();
    TRY(fs::vfs.check_executable(*inode, walk.credentials));
    return inode->open(*dentry, 0);
}

Result<> build_image(Image& image, ImageRequest const& request, std::string_view path, Ref<fs::File> file, ArgumentSource& source) {
    std::array<mm::Owned<ScriptLevel>, most_scripts> levels;
    std::string_view program = path;
    size_t const scripts = TRY(follow_scripts(image, request, program, file, levels));
    ElfFile const elf = TRY(ElfFile::read(file));
    look_at_owner(image, *file->inode());
    take_rights(image, request.credentials, request.may_gain_rights);

    Arguments arguments;
    u64 const stack_limit = request.limits[RLIMIT_STACK].soft;
    if (scripts != 0) TRY(add_script_arguments(arguments, {levels.data(), scripts}, path));
    TRY(source.add_to(arguments, scripts != 0 ? 1 : 0, stack_limit));

    image.space = TRY(mm::AddressSpace::create());
    // The caller does not choose the layout of a program with more rights (Linux's PER_CLEAR_ON_SETID).
    ImageRandom const random(image.sets_id && random_layout_allowed() ? RandomLayout::Yes : request.random);
    place_mappings(image, request, random);
    ProgramPlace place;
    TRY(map_program(image, request, random, program, elf, place));
    if (!is_user_code(image.entry)) return fail(ENOEXEC);
    place_heap(image, random, place.program);
    TRY(build_stack(image, request, random, place, arguments, path));
    image.space->set_layout(image.layout);
    take_name(image, path);
    return {};
}

TrapFrame first_frame(Image const& image) {
    TrapFrame frame{};
    frame.rip = image.entry;
    frame.rsp = image.stack_pointer;
    frame.cs = arch::user_code_selector;
    frame.ss = arch::user_data_selector;
    frame.rflags = 0x202;   // IF, and the bit that is always 1
    frame.vector_or_syscall = ~u64{0};
    return frame;
}

}
