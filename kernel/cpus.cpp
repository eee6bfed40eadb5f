// SPDX-License-Identifier: MIT
// Starts the other CPUs, one after another: each gets its memory, its trace ring, its run queue and its threads
// first.
#include "kernel/cpus.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include <arch/per_cpu.h>
#include <arch/processors.h>
#include <base/log.h>
#include <boot/boot_info.h>

#include "kernel/base/command_line.h"
#include "kernel/init.h"
#include "kernel/trace/trace.h"
#include "mm/frame_allocator.h"
#include "mm/kernel_space.h"
#include "sched/scheduler.h"

namespace kernel {
namespace {

u32 wanted_cpus() {
    base::CommandLine const line(boot::boot_info.command());
    i64 const most = line.flag("nosmp") ? 1 : line.number("maxcpus").value_or(max_cpus);
    u32 const allowed = static_cast<u32>(std::clamp<i64>(most, 1, max_cpus));
    return std::min(allowed, arch::present_cpus());
}

/// The highest page of RAM below 640 KiB that holds no part of the initramfs, the only thing of the loader's still
/// needed.
std::optional<PhysAddr> low_page() {
    constexpr u64 end_of_low_memory = 640 * kib;
    auto const& info = boot::boot_info;
    for (u64 page = end_of_low_memory - page_size; page != 0; page -= page_size) {
        bool const holds_archive = page < info.initramfs.value() + info.initramfs_size && info.initramfs.value() < page + page_size;
        if (!holds_archive && mm::frame_allocator.ram().contains(page)) return PhysAddr(page);
    }
    return std::nullopt;
}

/// Prepares memory and threads of one more CPU; returns the stack that it starts on. ENOMEM.
Result<u64> prepare(CpuId cpu) {
    size_t const size = arch::cpu_area_size();
    void* const area = TRY(mm::kernel_space.allocate_pages(size));
    std::memset(area, 0, size);
    arch::prepare_cpu(cpu, area);
    size_t const ring_size = trace::ring_bytes(trace_ring_events());
    auto* const ring = static_cast<std::byte*>(TRY(mm::kernel_space.allocate_pages(ring_size)));
    trace::use_ring(cpu, {ring, ring_size});
    return sched::scheduler.add_cpu(cpu);
}

}

void start_other_cpus() {
    u32 const wanted = wanted_cpus();
    if (wanted == 1) return;
    auto const page = low_page();
    auto const window = page ? mm::kernel_space.map_mmio(*page, page_size, arch::CacheMode::WriteBack) : fail(ENOMEM);
    if (!window) return log_warning("cpu", "no memory below 640 KiB to start other CPUs in");
    arch::reset_other_cpus();
    arch::StartPage const start{*page, *window};
    std::optional<u64> stack;   // prepared for a CPU that did not answer, it serves the next one
    for (u32 index = 1; index < arch::present_cpus() && arch::online_cpus() < wanted; ++index) {
        CpuId const cpu(arch::online_cpus());
        if (!stack) {
            auto const prepared = prepare(cpu);
            if (!prepared) return log_warning("cpu", "no memory for CPU {}", cpu);
            stack = *prepared;
        }
        if (!arch::start_cpu(index, cpu, start, *stack)) {
            log_warning("cpu", "a CPU does not start");
            continue;
        }
        stack.reset();
    }
    log_info("cpu", "{} of {} CPUs run", arch::online_cpus(), arch::present_cpus());
}

}
