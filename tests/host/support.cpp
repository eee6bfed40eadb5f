// SPDX-License-Identifier: MIT
// The surroundings of kernel code on the host: panic ends the program as failed (so
// that death tests can expect it), the log is dropped. Weak, so that a test which
// compiles the kernel's own definition gets that one. The CPU has every feature.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <arch/cpu.h>
#include <base/log.h>
#include <base/panic.h>

namespace base {

[[noreturn, gnu::weak]] void panic_with(char const* reason, std::source_location where, TrapFrame const*, void (*)()) {
    std::fprintf(stderr, "panic: %s (%s:%u)\n", reason, where.file_name(), where.line());
    std::abort();
}

[[gnu::weak]] bool panicking() { return false; }

[[gnu::weak]] constinit Log kernel_log;

[[gnu::weak]] void Log::vlog(LogLevel, std::string_view, std::string_view, std::span<FormatArgument const>) {}

}

namespace arch {

[[gnu::weak]] constinit CpuFeatures cpu_features = {.nx = true, .pge = true, .pat = true, .gigabyte_pages = true, .syscall = true,
                                                    .smep = true, .smap = true, .umip = true, .physical_bits = 40, .virtual_bits = 48};
[[gnu::weak]] void clear_page(void* page) { std::memset(page, 0, page_size); }
[[gnu::weak]] void copy_page(void* to, void const* from) { std::memcpy(to, from, page_size); }

}
