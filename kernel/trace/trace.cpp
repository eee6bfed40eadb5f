// SPDX-License-Identifier: MIT
// 256 events per CPU (more with trace=), written without a lock by their own CPU. An interrupt between taking
// a slot and filling it takes the next one, so at worst a reader sees one half-written row.
#include "kernel/trace/trace.h"

#include <algorithm>
#include <bit>

#include <arch/cpu.h>
#include <arch/interrupts.h>
#include <arch/per_cpu.h>
#include <arch/time.h>
#include <base/format.h>

namespace trace {

namespace {

struct Row {
    u64 tsc;
    Event event;
    u64 first, second;
};

constexpr size_t boot_capacity = 256;
constinit Row boot_rows[boot_capacity] = {};

PER_CPU arch::PerCpu<u64> recorded;                   // events ever recorded on this CPU
PER_CPU arch::PerCpu<Row*> rows{&boot_rows[0]};
PER_CPU arch::PerCpu<u64> slot_mask{boot_capacity - 1};

/// How an event's two words are shown. Text: eight characters of a name. Stop: the thread that comes in the low half, why
/// the one that goes leaves the CPU in the high half.
enum class Form : u8 { None, Number, Signed, Hex, Text, Stop };

struct Kind {
    char const* name;
    char const* first_key;
    Form first;
    char const* second_key;
    Form second;
};

constexpr Kind kinds[] = {
    {"none", "", Form::None, "", Form::None},
    {"switch", "to", Form::Stop, "from", Form::Text},
    {"wake", "thread", Form::Number, "name", Form::Text},
    {"fork", "parent", Form::Number, "child", Form::Number},
    {"exec", "process", Form::Number, "", Form::None},
    {"exit", "process", Form::Number, "status", Form::Hex},
    {"page_fault", "address", Form::Hex, "kind", Form::Hex},       // kind: 0x100 present; 0 read, 1 write, 2 execute
    {"cow_copy", "address", Form::Hex, "", Form::None},
    {"cow_reuse", "address", Form::Hex, "", Form::None},
    {"interrupt", "vector", Form::Number, "rip", Form::Hex},
    {"system_call", "number", Form::Number, "result", Form::Signed},
    {"signal", "process", Form::Number, "signal", Form::Number},
    {"ipi", "vector", Form::Number, "cpu", Form::Number},          // sent
    {"lock_contention", "rank", Form::Number, "lock", Form::Hex},  // a spin lock was not free
};

Kind const& kind_of(Event event) {
    auto const index = static_cast<size_t>(event);
    return kinds[index < std::size(kinds) ? index : 0];
}

void describe_word(base::Writer& out, char const* key, Form form, u64 word) {
    static constexpr char const* stops[] = {"idle", "preempted", "blocked", "ended"};
    if (form == Form::None) return;
    base::format_to(out, " {}=", key);
    if (form == Form::Number) return base::format_to(out, "{}", word);
    if (form == Form::Signed) return base::format_to(out, "{}", static_cast<i64>(word));
    if (form == Form::Hex) return base::format_to(out, "{:#x}", word);
    if (form == Form::Stop) return base::format_to(out, "{} why={}", static_cast<u32>(word), stops[(word >> 32) & 3]);
    char text[sizeof word];
    for (size_t i = 0; i < sizeof word; ++i) text[i] = static_cast<char>(word >> (8 * i));
    std::string_view const name(text, static_cast<size_t>(std::find(text, text + sizeof text, 0) - text));
    out.write(name);
}

constexpr u32 every_event = (u32{1} << std::size(kinds)) - 1;

}

constinit u32 enabled_events = every_event & ~(u32{1} << static_cast<u16>(Event::SystemCall));

void record(Event event, u64 first, u64 second) {
    arch::preempt_disable();   // the ring is this CPU's
    u64 const slot = recorded.fetch_add(1);
    rows.read()[slot & slot_mask.read()] = {arch::read_tsc(), event, first, second};
    arch::preempt_enable_no_check();
}

size_t last_records(std::span<Record> out) {
    u64 const end = recorded.read();
    size_t const count = std::min<u64>({end, out.size(), slot_mask.read() + 1});
    for (size_t i = 0; i < count; ++i) {
        Row const& row = rows.read()[(end - count + i) & slot_mask.read()];
        out[i] = {arch::tsc_to_clock_ns(row.tsc), row.event, row.first, row.second};
    }
    return count;
}

char const* name_of(Event event) { return kind_of(event).name; }

u64 recorded_on(CpuId cpu) { return recorded.on(cpu); }
u64 kept_on(CpuId cpu) { return std::min(recorded.on(cpu), slot_mask.on(cpu) + 1); }

std::optional<Record> record_at(CpuId cpu, u64 number) {
    u64 const volatile& count = recorded.on(cpu);
    if (number >= count) return std::nullopt;
    Row const row = rows.on(cpu)[number & slot_mask.on(cpu)];
    if (count - number > slot_mask.on(cpu)) return std::nullopt;   // it may have been overwritten meanwhile
    return Record{arch::tsc_to_clock_ns(row.tsc), row.event, row.first, row.second};
}

void describe(base::Writer& out, Record const& record) {
    Kind const& kind = kind_of(record.event);
    out.write(kind.name);
    describe_word(out, kind.first_key, kind.first, record.first);
    describe_word(out, kind.second_key, kind.second, record.second);
}

bool choose_events(std::string_view list) {
    u32 chosen = 0;
    bool all_known = true;
    while (!list.empty()) {
        auto const word = list.substr(0, list.find(','));
        list.remove_prefix(std::min(word.size() + 1, list.size()));
        auto const found = std::ranges::find_if(kinds, [&](Kind const& kind) { return word == kind.name; });
        if (word == "all") chosen = every_event;
        else if (found != std::end(kinds)) chosen |= u32{1} << (found - std::begin(kinds));
        else all_known = false;
    }
    enabled_events = chosen;
    return all_known;
}

size_t ring_bytes(size_t events) { return events * sizeof(Row); }

void use_ring(CpuId cpu, std::span<std::byte> memory) {
    size_t const capacity = std::bit_floor(memory.size() / sizeof(Row));
    auto* const fresh = reinterpret_cast<Row*>(memory.data());
    std::fill_n(fresh, capacity, Row{});
    recorded.on(cpu) = 0;
    rows.on(cpu) = fresh;
    slot_mask.on(cpu) = capacity - 1;
}

}
