// SPDX-License-Identifier: MIT
// The date from the CMOS clock (Motorola MC146818A; register B selects BCD and 12 hours). It is read twice, outside
// an update, until both readings agree; every wait is bounded.
#include <arch/time.h>

#include <initializer_list>

#include <arch/interrupts.h>
#include <arch/io.h>

#include "arch/x86_64/acpi.h"

namespace arch {

namespace {

constexpr u16 port_index = 0x70, port_data = 0x71;
constexpr u8 register_a = 0x0a, register_b = 0x0b, update_in_progress = 0x80, binary = 4, hours_24 = 2, afternoon = 0x80;

struct Date {
    u8 second, minute, hour, day, month, year, century;
    bool operator==(Date const&) const = default;
};

u8 read(u8 index) {
    out8(port_index, index);
    return in8(port_data);
}

Date read_once() {
    u8 const century = acpi::fixed_hardware.century_index;
    return {read(0), read(2), read(4), read(7), read(8), read(9), century ? read(century) : u8{0}};
}

bool wait_for_update_end() {
    for (int i = 0; i < 1000; ++i) {          // an update takes at most 2 ms
        if (!(read(register_a) & update_in_progress)) return true;
        delay_us(10);
    }
    return false;
}

u8 from_bcd(u8 v) { return static_cast<u8>((v >> 4) * 10 + (v & 15)); }

Date decode(Date d, u8 mode) {
    bool const pm = d.hour & afternoon;
    d.hour &= static_cast<u8>(~afternoon);
    if (!(mode & binary))
        for (u8* part : {&d.second, &d.minute, &d.hour, &d.day, &d.month, &d.year, &d.century}) *part = from_bcd(*part);
    if (!(mode & hours_24)) d.hour = static_cast<u8>(d.hour % 12 + (pm ? 12 : 0));
    return d;
}

/// Days since 1970-01-01 of a date in the Gregorian calendar, counting years from March.
u64 days_since_epoch(u32 year, u32 month, u32 day) {
    u32 const y = month <= 2 ? year - 1 : year;
    u32 const months_from_march = (month + 9) % 12;
    u64 const days_before_month = (153 * months_from_march + 2) / 5;
    u64 const days_before_year = u64{y} * 365 + y / 4 - y / 100 + y / 400;
    constexpr u64 days_to_epoch = 719468;     // from 0000-03-01
    return days_before_year + days_before_month + day - 1 - days_to_epoch;
}

bool is_plausible(Date const& d) {
    return d.second < 61 && d.minute < 60 && d.hour < 24 && d.day >= 1 && d.day <= 31 && d.month >= 1 && d.month <= 12 && d.year < 100;
}

}

u64 read_rtc_seconds() {
    InterruptGuard guard;                      // index and data ports are used as a pair
    for (int tries = 0; tries < 5; ++tries) {
        if (!wait_for_update_end()) return 0;
        Date const first = read_once();
        if (!wait_for_update_end() || read_once() != first) continue;
        Date const date = decode(first, read(register_b));
        if (!is_plausible(date)) return 0;
        u32 const century = date.century >= 19 && date.century < 22 ? date.century : 20;
        u64 const days = days_since_epoch(century * 100 + date.year, date.month, date.day);
        return ((days * 24 + date.hour) * 60 + date.minute) * 60 + date.second;
    }
    return 0;
}

}
