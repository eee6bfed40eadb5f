// SPDX-License-Identifier: MIT
// Interprets the command line at boot, and takes the last step: the self-tests, or the initramfs and process 1.
// Unknown words are ignored with one warning each.
#include "kernel/init.h"

#include <algorithm>
#include <array>

#include <arch/cpu.h>
#include <arch/paging.h>
#include <arch/power.h>
#include <base/log.h>
#include <base/panic.h>
#include <boot/boot_info.h>
#include <boot/early_screen.h>

#include "kernel/base/command_line.h"
#include "kernel/base/host_identity.h"
#include "kernel/base/panic_policy.h"
#include "kernel/drivers/drivers.h"
#include "kernel/fs/devfs/device.h"
#include "kernel/fs/initramfs/initramfs.h"
#include "kernel/fs/procfs/procfs.h"
#include "kernel/process/process_manager.h"
#include "kernel/self_tests.h"
#include "kernel/trace/trace.h"
#include "kernel/tty/pty.h"
#include "mm/frame_allocator.h"
#include "mm/kernel_space.h"

namespace kernel {
namespace {

using base::CommandLine;

constexpr size_t max_consoles = 8;
constexpr size_t max_init_words = 32;

/// Words that the kernel obeys, or that have no meaning here but appear on every Linux command line.
constexpr std::string_view known_words[] = {
    "init", "rdinit", "sched", "quantum_ms", "selftest", "strace", "trace", "loglevel", "quiet", "debug", "console", "panic",
    "norandmaps", "maxcpus", "nosmp", "nopcid", "noinvpcid", "nox2apic", "keymap", "i8042.direct", "BOOT_IMAGE", "ro", "rw", "root", "earlyprintk",
};

CommandLine command_line() { return CommandLine(boot::boot_info.command()); }

/// A fixed-size list of words: the first one is made before memory can be allocated.
template <size_t capacity>
struct WordList {
    std::array<std::string_view, capacity> words{};
    size_t count = 0;
    void add(std::string_view word) { if (count < capacity) words[count++] = word; }
    std::span<std::string_view const> view() const { return {words.data(), count}; }
};

WordList<max_consoles> console_words() {
    WordList<max_consoles> list;
    command_line().for_each([&](CommandLine::Word const& word) {
        if (word.name == "console" && word.has_value) list.add(word.value);
    });
    return list;
}

u8 console_level() {
    auto const line = command_line();
    if (auto const level = line.number("loglevel")) return static_cast<u8>(std::clamp<i64>(*level, 0, 8));
    if (line.flag("quiet")) return 4;
    if (line.flag("debug")) return 8;
    return 7;
}

void warn_of_unknown_words() {
    command_line().for_each([](CommandLine::Word const& word) {
        if (std::ranges::find(known_words, word.name) == std::end(known_words))
            log_warning("boot", "unknown word '{}' on the command line is ignored", word.text);
    });
}

fs::Walk root_walk(fs::FsContext const& context, fs::Credentials const& root) { return {context, root}; }

void mount_kernel_file_systems() {
    if (!fs::device_registry.mount()) log_error("boot", "/dev could not be mounted");
    auto const context = fs::vfs.root_context();
    fs::Credentials const root;
    auto const walk = root_walk(context, root);
    (void)fs::vfs.make_directory(walk, "/proc", 0555);
    if (!fs::vfs.mount(fs::procfs.file_system(), "proc", walk, "/proc")) log_error("boot", "/proc could not be mounted");
    if (!fs::vfs.mount(tty::devpts(), "devpts", walk, "/dev/pts")) log_error("boot", "/dev/pts could not be mounted");
}

void load_initramfs() {
    auto const& info = boot::boot_info;
    if (info.initramfs_size == 0) {
        log_warning("initramfs", "the loader brought no initramfs");
        return;
    }
    auto const archive = mm::kernel_space.look_at(info.initramfs, info.initramfs_size);
    if (!archive) return log_error("initramfs", "the archive at {} cannot be read: error {}", info.initramfs, archive.error().value);
    if (auto const statistics = fs::unpack_initramfs(*archive))
        log_info("initramfs", "{} files, {} KiB from an archive of {} KiB", statistics->files, statistics->bytes / kib,
                 info.initramfs_size / kib);
    mm::frame_allocator.free_boot_range(info.initramfs, info.initramfs_size);
}

/// Starts `init=` or `rdinit=` if given, else the paths that Linux tries, in its order.
void start_init() {
    WordList<max_init_words> arguments;
    command_line().for_each_init_argument([&](CommandLine::Word const& word) { arguments.add(word.text); });
    constexpr std::string_view environment[] = {"HOME=/", "TERM=linux"};
    auto const line = command_line();
    auto const asked = line.find("rdinit") ? line.find("rdinit") : line.find("init");
    constexpr std::string_view usual[] = {"/init", "/sbin/init", "/etc/init", "/bin/init", "/bin/sh"};
    auto const candidates = asked ? std::span<std::string_view const>(&*asked, 1) : std::span<std::string_view const>(usual);
    Errno last(ENOENT);
    for (auto const path : candidates) {
        auto const started = process::process_manager.start_init(path, arguments.view(), environment);
        if (started) {
            log_info("boot", "{} is process 1", path);
            return;
        }
        last = started.error();
        if (last != Errno(ENOENT)) log_error("boot", "{}: error {}", path, last.value);
    }
    log_error("boot", "no init could be started (error {}): give one with init= or an initramfs with /init", last.value);
    panic("no init found");
}

[[noreturn]] void run_self_tests() {
    drivers::settle();   // the tests count memory, and a newly found device takes some
    u32 const failures = selftest::run_all();
    arch::debug_exit(failures == 0 ? arch::debug_exit_success : arch::debug_exit_test_failure);
    arch::power_off();
}

}

std::string_view policy_name() { return command_line().find("sched").value_or("rr"); }

u64 quantum_ns() { return static_cast<u64>(std::clamp<i64>(command_line().number("quantum_ms").value_or(4), 1, 1000)) * ns_per_ms; }

size_t trace_ring_events() {
    auto const list = command_line().find("trace");
    return list && !list->empty() ? 16'384 : 256;
}

void start_tracing() {
    size_t const events = trace_ring_events();
    auto const list = command_line().find("trace");
    if (!list || list->empty()) return;
    if (!trace::choose_events(*list)) log_warning("trace", "trace={} names an event that there is not", *list);
    size_t const bytes = trace::ring_bytes(events);
    void* const memory = mm::heap_allocate(bytes);
    if (!memory) return log_warning("trace", "no memory for {} events", events);
    trace::use_ring(CpuId(0), {static_cast<std::byte*>(memory), bytes});
    log_info("trace", "the last {} events of {} are kept in /proc/trace", events, *list);
}

u64 strace_level() { return static_cast<u64>(std::max<i64>(command_line().number("strace").value_or(0), 0)); }

void forgo_cpu_features() {
    for (std::string_view const name : {"pcid", "invpcid", "x2apic"}) {
        char word[16] = "no";
        std::ranges::copy(name, word + 2);
        if (command_line().flag({word, name.size() + 2})) arch::forgo_feature(name);
    }
}

void prepare_for_panic() {
    base::kernel_log.set_console_level(console_level());
    base::set_panic_timeout(command_line().number("panic").value_or(0));
    boot::early_screen_show();
}

void announce() {
    drivers::start_early_log(console_words().view());
    log_info("boot", "Aubrac {} ({}), g++ {}", base::system_release, config::debug ? "debug" : "release", __VERSION__);
    log_info("boot", "loaded by {}{}, command line: {}", boot::boot_info.loader_name, boot::boot_info.uefi ? " under UEFI" : "",
             boot::boot_info.command());
    warn_of_unknown_words();
}

void initialize_drivers() {
    if (!drivers::initialize(console_words().view())) panic("no memory for the drivers");
}

void start() {
    if (command_line().flag("selftest")) run_self_tests();
    load_initramfs();
    mount_kernel_file_systems();
    drivers::settle();
    start_init();
    sched::scheduler.exit_current();
}

}
