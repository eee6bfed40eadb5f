// SPDX-License-Identifier: MIT
// COM1 as a log sink, polled (16550 data sheet). Interrupts are off while it is used. A transmitter that never
// becomes ready costs a bounded wait and loses the character.
#include <arch/early_console.h>

#include <arch/cpu.h>
#include <arch/io.h>

namespace arch {

namespace {

constexpr u16 com1 = 0x3f8;
constexpr u16 data = com1, interrupt_enable = com1 + 1, fifo_control = com1 + 2, line_control = com1 + 3, modem_control = com1 + 4,
              line_status = com1 + 5, scratch = com1 + 7;
constexpr u8 transmitter_empty = 0x20, divisor_access = 0x80, eight_bits = 3, ready_and_request = 3;
constexpr int patience = 100'000;

class EarlyConsole final : public base::LogSink {
public:
    void write(std::string_view text) override {
        for (char c : text) {
            if (c == '\n') put('\r');
            put(c);
        }
    }
    /// A port without a chip reads as ones and stores nothing.
    static bool probe() {
        out8(scratch, 0x5a);
        if (in8(scratch) != 0x5a) return false;
        out8(scratch, 0xa5);
        return in8(scratch) == 0xa5 && in8(line_status) != 0xff;
    }
    static void set_up() {
        out8(interrupt_enable, 0);
        out8(line_control, divisor_access | eight_bits);
        out8(data, 1);                      // 115200 baud
        out8(data + 1, 0);
        out8(line_control, eight_bits);
        out8(fifo_control, 7);
        out8(modem_control, ready_and_request);
    }
private:
    static void put(char c) {
        for (int i = 0; i < patience && !(in8(line_status) & transmitter_empty); ++i) relax();
        out8(data, static_cast<u8>(c));
    }
};

enum class State : u8 { Unknown, Absent, Ready };
constinit EarlyConsole console;
constinit State state = State::Unknown;   // boot CPU only

}

base::LogSink* early_console() {
    if (state == State::Unknown) {
        state = EarlyConsole::probe() ? State::Ready : State::Absent;
        if (state == State::Ready) EarlyConsole::set_up();
    }
    return state == State::Ready ? &console : nullptr;
}

}
