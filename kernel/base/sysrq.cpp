// SPDX-License-Identifier: MIT
// The SysRq keys: checks the mask, and executes at once, in any context, the keys that need nothing from the kernel;
// the handler does the others.
#include "kernel/base/sysrq.h"

#include <algorithm>

#include <arch/power.h>
#include <base/log.h>
#include <base/panic.h>

namespace base {

namespace {

constexpr u32 allows_loglevel = 2, allows_dumps = 8, allows_sync = 16, allows_signals = 64, allows_boot = 128;
constexpr u32 debian_default = 0x1b6;   // all but dumps and signals

struct Key {
    char key;
    u32 allowed_by;
    char const* action;
    char const* help;
    bool handler_does;
};

constexpr Key keys[] = {
    {'b', allows_boot, "Resetting", "reboot(b)", false},
    {'c', allows_dumps, "Trigger a crash", "crash(c)", false},
    {'e', allows_signals, "Terminate All Tasks", "terminate-all-tasks(e)", true},
    {'f', allows_signals, "Manual OOM execution", "memory-full-oom-kill(f)", true},
    {'i', allows_signals, "Kill All Tasks", "kill-all-tasks(i)", true},
    {'l', allows_dumps, "Show backtrace of all active CPUs", "show-backtrace-all-active-cpus(l)", true},
    {'m', allows_dumps, "Show Memory", "show-memory-usage(m)", true},
    {'o', allows_boot, "Power Off", "poweroff(o)", false},
    {'p', allows_dumps, "Show Regs", "show-registers(p)", true},
    {'s', allows_sync, "Emergency Sync", "sync(s)", true},
    {'t', allows_dumps, "Show State", "show-task-states(t)", true},
    {'w', allows_dumps, "Show Blocked State", "show-blocked-tasks(w)", true},
};

template <class... A>
void say(FormatString<std::type_identity_t<A>...> format, A const&... arguments) {
    log(LogLevel::Notice, "sysrq", format, arguments...);
}

bool is_allowed(u32 by, SysRqSource source) {
    u32 const allowed = sysrq_allowed.load(std::memory_order_relaxed);
    return source == SysRqSource::Trigger || allowed == 1 || (allowed & by);
}

void set_level(char key) {
    kernel_log.set_console_level(static_cast<u8>(LogLevel::Debug));   // so that this is seen
    say("Loglevel set to {}", key - '0');
    kernel_log.set_console_level(static_cast<u8>(key - '0'));
}

void say_help() {
    char text[400];
    BufferWriter out({text, sizeof text});
    format_to(out, "HELP : loglevel(0-9)");
    for (Key const& key : keys) format_to(out, " {}", key.help);
    say("{}", out.text());
}

}

constinit std::atomic<u32> sysrq_allowed{debian_default};

constinit FromAbove<void(char, SysRqSource)> sysrq_handler;

void sysrq(char key, SysRqSource source) {
    if (sysrq_allowed.load(std::memory_order_relaxed) == 0 && source == SysRqSource::Console) return;
    bool const is_level = key >= '0' && key <= '9';
    auto const* const found = std::ranges::find(keys, key, &Key::key);
    if (!is_level && found == std::end(keys)) return say_help();
    if (!is_allowed(is_level ? allows_loglevel : found->allowed_by, source)) return say("This sysrq operation is disabled.");
    if (is_level) return set_level(key);
    say("{}", found->action);
    if (key == 'b') arch::reset();
    if (key == 'o') arch::power_off();
    if (key == 'c') panic("sysrq triggered crash");
    if (found->handler_does && sysrq_handler) sysrq_handler(key, source);
}

}
