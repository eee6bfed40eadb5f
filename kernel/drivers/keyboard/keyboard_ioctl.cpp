// SPDX-License-Identifier: MIT
// The keyboard's part of ioctl_console(2). Decodes a request, checks rights as Linux does, and changes the keymap under its lock.
// A program's memory is accessed, and memory is allocated, only without the lock.
#include "kernel/drivers/keyboard/keyboard_ioctl.h"

#include <linux/kd.h>

#include <algorithm>

#include "kernel/drivers/keyboard/key_input.h"
#include "mm/heap.h"
#include "mm/user/user_access.h"

namespace drivers {

namespace {

/// What is asked, for which console, and with what rights.
struct Request {
    u64 argument;
    unsigned console;   ///< counted from 1; 0: the one that is shown
    bool owns;          ///< the process is root, or this is its controlling terminal
    bool privileged;
};

/// The largest value of each KT_*, keymaps(5).
constexpr u8 largest_values[] = {255, MAX_NR_FUNC - 1, 19, NR_PAD - 1, NR_DEAD - 1, 255, 3, NR_SHIFT - 1, 255, NR_ASCII - 1, NR_LOCK - 1, 255, NR_LOCK - 1, 255, NR_BRL - 1};

template <class F>
auto with_console(Request const& request, F&& f) {
    return key_input.with_keymap([&](Keymap& keymap) { return f(keymap.console(request.console)); });
}

template <class T>
Result<i64> answer(Request const& request, T const& value) {
    TRY(mm::UserPtr<T>(request.argument).write(value));
    return 0;
}

Result<i64> set_mode(Request const& request) {
    if (!request.owns) return fail(EPERM);
    if (request.argument > K_OFF) return fail(EINVAL);
    return with_console(request, [&](ConsoleKeys& keys) { return keys.mode = static_cast<u8>(request.argument), i64{0}; });
}

Result<i64> set_meta(Request const& request) {
    if (request.argument != K_METABIT && request.argument != K_ESCPREFIX) return fail(EINVAL);
    return with_console(request, [&](ConsoleKeys& keys) { return keys.meta = static_cast<u8>(request.argument), i64{0}; });
}

// ---------------------------------------------------------------- locks and lights

Result<i64> set_locks(Request const& request) {
    if (!request.owns) return fail(EPERM);
    if (request.argument & ~u64{0x77}) return fail(EINVAL);
    return with_console(request, [&](ConsoleKeys& keys) {
        keys.locks = request.argument & 7;
        keys.initial_locks = request.argument >> 4 & 7;
        return i64{0};
    });
}

Result<i64> set_lights(Request const& request) {
    if (!request.owns) return fail(EPERM);
    bool const own = (request.argument & ~u64{7}) == 0;   // more bits: show the locks again
    return with_console(request, [&](ConsoleKeys& keys) {
        keys.lights = own ? static_cast<u8>(request.argument) : ConsoleKeys::lights_show_locks;
        return i64{0};
    });
}

u8 locks_of(ConsoleKeys const& keys) { return static_cast<u8>(keys.locks | keys.initial_locks << 4); }

// ---------------------------------------------------------------- tables

bool is_character(u16 value) { return KTYP(value) >= std::size(largest_values); }

Result<i64> get_entry(Request const& request) {
    mm::UserPtr<::kbentry> const user(request.argument);
    ::kbentry entry = TRY(user.read());
    entry.kb_value = key_input.with_keymap([&](Keymap& keymap) -> u16 {
        if (!keymap.tables().table(entry.kb_table)) return entry.kb_index ? K_HOLE : K_NOSUCHMAP;
        u16 const value = exchange_symbol(keymap.tables().symbol(entry.kb_table, entry.kb_index));
        return is_character(value) && keymap.console(request.console).mode != K_UNICODE ? K_HOLE : value;
    });
    TRY(user.write(entry));
    return 0;
}

Result<i64> remove_table(u8 number) {
    delete key_input.with_keymap([&](Keymap& keymap) { return number ? keymap.tables().replace_table(number, nullptr) : nullptr; });
    return 0;
}

/// Stores one symbol; makes the table if there is none.
Result<i64> store_symbol(::kbentry const& entry) {
    mm::Owned<KeyTable> spare(TRY(mm::make<KeyTable>()));
    spare->symbols.fill(exchange_symbol(K_HOLE));
    spare->symbols[0] = exchange_symbol(K_ALLOCATED);
    bool const used = key_input.with_keymap([&](Keymap& keymap) {
        KeyTables& tables = keymap.tables();
        bool const is_new = !tables.table(entry.kb_table);
        if (is_new) tables.replace_table(entry.kb_table, spare.get());
        tables.table(entry.kb_table)->symbols[entry.kb_index] = exchange_symbol(entry.kb_value);
        return is_new;
    });
    if (used) static_cast<void>(spare.leak());
    return 0;
}

Result<i64> set_entry(Request const& request) {
    ::kbentry const entry = TRY(mm::UserPtr<::kbentry>(request.argument).read());
    if (!request.privileged) return fail(EPERM);
    if (entry.kb_index == 0 && entry.kb_value == K_NOSUCHMAP) return remove_table(entry.kb_table);
    if (is_character(entry.kb_value)) {
        if (with_console(request, [](ConsoleKeys& keys) { return keys.mode; }) != K_UNICODE) return fail(EINVAL);
    } else if (KVAL(entry.kb_value) > largest_values[KTYP(entry.kb_value)]) {
        return fail(EINVAL);
    }
    if (entry.kb_index == 0) return 0;   // there is no key 0: this only asks whether the value is valid
    return store_symbol(entry);
}

// ---------------------------------------------------------------- function strings

using FunctionText = std::array<char, sizeof(::kbsentry::kb_string)>;

u64 text_address(Request const& request) { return request.argument + offsetof(::kbsentry, kb_string); }

Result<i64> get_function(Request const& request) {
    u8 const number = TRY(mm::UserPtr<u8>(request.argument).read());
    FunctionText text;
    size_t const size = key_input.with_keymap([&](Keymap& keymap) {
        auto const found = keymap.tables().function(number).substr(0, text.size() - 1);
        *std::ranges::copy(found, text.begin()).out = '\0';
        return found.size() + 1;
    });
    TRY(mm::UserPtr<char>(text_address(request)).write_array({text.data(), size}));
    return 0;
}

Result<i64> set_function(Request const& request) {
    if (!request.privileged) return fail(EPERM);
    u8 const number = TRY(mm::UserPtr<u8>(request.argument).read());
    FunctionText buffer;
    auto const text = TRY(mm::read_user_string(UserAddr(text_address(request)), buffer, EINVAL));
    auto* const copy = static_cast<char*>(mm::heap_allocate(text.size() + 1));
    if (!copy) return fail(ENOMEM);
    *std::ranges::copy(text, copy).out = '\0';
    mm::heap_free(key_input.with_keymap([&](Keymap& keymap) { return keymap.tables().replace_function(number, copy); }));
    return 0;
}

// ---------------------------------------------------------------- accents

/// kbdiacrs (Narrow: bytes of Latin-1) or kbdiacrsuc.
template <class List, class Entry>
struct AccentFormat {
    static Result<i64> get(Request const& request, size_t entries_at) {
        mm::Owned<List> list(TRY(mm::make<List>()));
        Entry* const entries = reinterpret_cast<Entry*>(reinterpret_cast<std::byte*>(list.get()) + entries_at);
        u32 const count = key_input.with_keymap([&](Keymap& keymap) {
            u32 used = 0;
            for (::kbdiacruc const& accent : keymap.tables().accents())
                if (fits(accent)) entries[used++] = {narrow(accent.diacr), narrow(accent.base), narrow(accent.result)};
            return used;
        });
        TRY(mm::UserPtr<u32>(request.argument).write(count));
        TRY(mm::UserPtr<Entry>(request.argument + entries_at).write_array({entries, count}));
        return 0;
    }
    static Result<i64> set(Request const& request, size_t entries_at) {
        if (!request.owns) return fail(EPERM);
        u32 const count = TRY(mm::UserPtr<u32>(request.argument).read());
        if (count >= MAX_DIACR) return fail(EINVAL);
        mm::Owned<List> list(TRY(mm::make<List>()));
        mm::Owned<::kbdiacrsuc> accents(TRY(mm::make<::kbdiacrsuc>()));
        Entry* const entries = reinterpret_cast<Entry*>(reinterpret_cast<std::byte*>(list.get()) + entries_at);
        TRY(mm::UserPtr<Entry>(request.argument + entries_at).read_array({entries, count}));
        for (u32 i = 0; i < count; ++i) accents->kbdiacruc[i] = {entries[i].diacr, entries[i].base, entries[i].result};
        return key_input.with_keymap([&](Keymap& keymap) { return keymap.tables().set_accents({accents->kbdiacruc, count}), i64{0}; });
    }
private:
    using Character = decltype(Entry::diacr);
    static bool fits(::kbdiacruc const& a) { return narrow(a.diacr) == a.diacr && narrow(a.base) == a.base && narrow(a.result) == a.result; }
    static Character narrow(u32 character) { return static_cast<Character>(character); }
};
using NarrowAccents = AccentFormat<::kbdiacrs, ::kbdiacr>;
using WideAccents = AccentFormat<::kbdiacrsuc, ::kbdiacruc>;
constexpr size_t narrow_at = offsetof(::kbdiacrs, kbdiacr), wide_at = offsetof(::kbdiacrsuc, kbdiacruc);

Result<i64> handle(Request const& request, u32 command) {
    auto const state = [&](auto&& member) { return with_console(request, member); };
    switch (command) {
    case KDGKBTYPE: return answer<u8>(request, KB_101);
    case KDGKBMODE: return answer<i32>(request, state([](ConsoleKeys& keys) { return keys.mode; }));
    case KDSKBMODE: return set_mode(request);
    case KDGKBMETA: return answer<i32>(request, state([](ConsoleKeys& keys) { return keys.meta; }));
    case KDSKBMETA: return set_meta(request);
    case KDGKBLED: return answer<u8>(request, state(locks_of));
    case KDSKBLED: return set_locks(request);
    case KDGETLED: return answer<u8>(request, key_input.lights());
    case KDSETLED: return set_lights(request);
    case KDGKBENT: return get_entry(request);
    case KDSKBENT: return set_entry(request);
    case KDGKBSENT: return get_function(request);
    case KDSKBSENT: return set_function(request);
    case KDGKBDIACR: return NarrowAccents::get(request, narrow_at);
    case KDSKBDIACR: return NarrowAccents::set(request, narrow_at);
    case KDGKBDIACRUC: return WideAccents::get(request, wide_at);
    case KDSKBDIACRUC: return WideAccents::set(request, wide_at);
    default: return fail(ENOTTY);   // also KDKBDREP and KDSETKEYCODE: the keyboards' repeat and key numbers are fixed
    }
}

}

Result<i64> keyboard_ioctl(u64 terminal, u32 command, u64 argument) {
    auto* const target = tty::signal_target.get();
    if (!target) return fail(ENOTTY);
    bool const privileged = target->is_privileged();
    unsigned const console = std::min<unsigned>(fs::device_minor(terminal), Keymap::console_count);
    return handle({argument, console, privileged || target->controlling_terminal() == terminal, privileged}, command);
}

}
