// SPDX-License-Identifier: MIT
// Image: a program made ready to run in an address space of its own, before any part of the old one
// is given up. Everything that depends on the file and on memory for the image fails while it is built.
#pragma once

#include <array>

#include "kernel/fs/vfs.h"
#include "kernel/process/exec/arguments.h"
#include "kernel/process/exec/elf.h"
#include "kernel/process/process.h"

namespace process {

/// Whether stack, heap, mappings and position-independent programs get random places (ASLR).
enum class RandomLayout : u8 { No, Yes };

/// All random values that one image needs, requested at once: a request costs more than its bytes.
struct ImageRandom {
    u64 program = 0, heap = 0, mappings = 0, stack = 0, stack_shift = 0;   ///< 0 without ASLR
    std::array<std::byte, 16> seed{};                                      ///< AT_RANDOM
    explicit ImageRandom(RandomLayout layout);
};

/// The process that an image is built for.
struct ImageRequest {
    fs::FsContext const& context;
    fs::Credentials const& credentials;
    std::array<ResourceLimit, 16> const& limits;
    RandomLayout random;                     ///< ignored if the program sets ids: then the layout is random
    bool may_gain_rights;                    ///< false: set-user-ID bits have no effect (PR_SET_NO_NEW_PRIVS)
};

struct Image {
    Ref<mm::AddressSpace> space;
    Executable executable;
    fs::Ownership owner;                     ///< of the program, read when nobody could write to it any more
    bool allows_set_id = false;              ///< its file system is not mounted nosuid
    fs::Credentials credentials;             ///< with the effects of setuid bits
    mm::ImageLayout layout;
    bool sets_id = false;                    ///< such bits took effect
    bool gains_rights = false;               ///< AT_SECURE
    bool is_secret = false;                  ///< the caller may execute but not read it: its memory is closed to others, too
    u64 entry = 0, stack_pointer = 0;
    std::array<u64, 2 * 24> auxiliary_vector{};
    u64 auxiliary_address = 0;               ///< its place on the stack
    char name[sched::Thread::name_capacity] = {};
};

/// The source of argv and envp: a program's memory, or the kernel (init).
class ArgumentSource {
public:
    /// Adds argv from element `first` on, and the environment.
    virtual Result<> add_to(Arguments& arguments, u64 first, u64 stack_limit) = 0;
protected:
    ~ArgumentSource() = default;
};

/// Opens a file that the caller may execute: a regular file with execute permission, which need not be readable. EACCES ENOENT …
Result<Ref<fs::File>> open_executable(fs::Walk const& walk, std::string_view path);

/// Follows scripts to a program, maps it and its interpreter, and lays out its stack.
Result<> build_image(Image& image, ImageRequest const& request, std::string_view path, Ref<fs::File> file, ArgumentSource& source);

/// The rights of the program if `who` executes it: sets credentials, sets_id, gains_rights, is_secret. The last call counts, made
/// when nobody else can change `who`.
void take_rights(Image& image, fs::Credentials const& who, bool may_gain_rights);
/// Writes the result of take_rights() to the auxiliary vector, and to its copy on the stack if it has changed.
Result<> tell_rights(Image& image);

/// Where the program lies, for its auxiliary vector.
struct ProgramPlace {
    ElfMapping program;
    u64 program_header_count = 0;
    u64 interpreter_base = 0;
    bool executable_stack = false;
};
/// Chooses the stack's place, maps it and fills it. Sets stack_pointer, auxiliary_vector and the layout's stack fields.
Result<> build_stack(Image& image, ImageRequest const& request, ImageRandom const& random, ProgramPlace const& place,
                     Arguments const& arguments, std::string_view path);

/// The register frame with which a new program starts.
TrapFrame first_frame(Image const& image);

/// `norandmaps` on the kernel command line.
void disable_random_layout();
bool random_layout_allowed();

}
