// SPDX-License-Identifier: MIT
// Image: a program made ready to run in an address space of its own, before anything of the
// old one is given up. All that can fail in execve(2) fails while it is built.
#pragma once

#include <array>

#include "kernel/fs/vfs.h"
#include "kernel/process/exec/arguments.h"
#include "kernel/process/exec/elf.h"
#include "kernel/process/process.h"

namespace process {

/// Whether stack, heap, mappings and position-independent programs move about (ASLR).
enum class RandomLayout : u8 { No, Yes };

/// All that one image needs of chance, asked for at once: a request costs more than its bytes.
struct ImageRandom {
    u64 program = 0, heap = 0, mappings = 0, stack = 0, stack_shift = 0;   ///< 0 without ASLR
    std::array<std::byte, 16> seed{};                                      ///< AT_RANDOM
    explicit ImageRandom(RandomLayout layout);
};

/// For whom an image is built.
struct ImageRequest {
    fs::FsContext const& context;
    fs::Credentials const& credentials;
    std::array<ResourceLimit, 16> const& limits;
    RandomLayout random;                     ///< unless it may gain rights: then the layout is random whatever was asked for
    bool may_gain_rights;                    ///< false: set-user-ID bits mean nothing (PR_SET_NO_NEW_PRIVS)
};

struct Image {
    Ref<mm::AddressSpace> space;
    Executable executable;
    fs::Ownership owner;                     ///< of the program, as it was when nobody could change the program any more
    bool allows_set_id = false;              ///< its file system does
    fs::Credentials credentials;             ///< with the effects of setuid bits
    mm::ImageLayout layout;
    bool sets_id = false;                    ///< such bits had their effect
    bool gains_rights = false;               ///< AT_SECURE
    bool is_secret = false;                  ///< who executes it may not read it: others shall not read it from its memory
    u64 entry = 0, stack_pointer = 0;
    std::array<u64, 2 * 24> auxiliary_vector{};
    u64 auxiliary_address = 0;               ///< where it lies on the stack
    char name[sched::Thread::name_capacity] = {};
};

/// Who supplies argv and envp: a program's memory, or the kernel (init).
class ArgumentSource {
public:
    /// Adds argv from element `first` on, and the environment.
    virtual Result<> add_to(Arguments& arguments, u64 first, u64 stack_limit) = 0;
protected:
    ~ArgumentSource() = default;
};

/// A file that the caller may execute: regular, with the right to; it need not be readable. EACCES ENOENT …
Result<Ref<fs::File>> open_executable(fs::Walk const& walk, std::string_view path);

/// Follows scripts to a program, maps it and its interpreter, and lays out its stack.
Result<> build_image(Image& image, ImageRequest const& request, std::string_view path, Ref<fs::File> file, ArgumentSource& source);

/// Whose rights it has if `who` executes it: sets credentials, sets_id, gains_rights, is_secret. For the last time when nobody else can
/// change `who`.
void take_rights(Image& image, fs::Credentials const& who, bool may_gain_rights);
/// Writes what take_rights() decided to the auxiliary vector, on the stack too if it has changed.
Result<> tell_rights(Image& image);

/// Where the program lies, as its auxiliary vector says.
struct ProgramPlace {
    ElfMapping program;
    u64 program_header_count = 0;
    u64 interpreter_base = 0;
    bool executable_stack = false;
};
/// Chooses the stack's place, maps it and fills it. Sets stack_pointer, auxiliary_vector and the layout's stack fields.
Result<> build_stack(Image& image, ImageRequest const& request, ImageRandom const& random, ProgramPlace const& place,
                     Arguments const& arguments, std::string_view path);

/// A registers frame with which a new program starts.
TrapFrame first_frame(Image const& image);

/// `norandmaps` on the kernel command line.
void disable_random_layout();
bool random_layout_allowed();

}
