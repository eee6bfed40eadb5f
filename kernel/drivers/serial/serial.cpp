// SPDX-License-Identifier: MIT
// SerialPort: probing, the transmit ring, interrupts. Every wait in here is bounded: a port that stops answering
// costs one time-out, then its output is dropped.
#include "kernel/drivers/serial/serial.h"

#include <algorithm>

#include <arch/io.h>
#include <arch/time.h>
#include <linux/serial.h>
#include <linux/serial_reg.h>

#include "kernel/base/sysrq.h"
#include "mm/user/user_access.h"

namespace drivers {

namespace {

constexpr u32 clock_hz = 115200;               ///< after the divider by 16
constexpr u32 patience_reads = 100'000;        ///< of a register, about 1 µs each on a real bus
constexpr u8 modem_on = UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT2;   // OUT2 lets the interrupt through
constexpr unsigned longest_service = 256;      ///< rounds for one interrupt

}

constinit SerialPort serial_ports[2] = {{0, 0x3f8, 4}, {1, 0x2f8, 3}};

u8 SerialPort::read_register(u16 offset) const { return arch::in8(static_cast<u16>(base_ + offset)); }
void SerialPort::write_register(u16 offset, u8 value) const { arch::out8(static_cast<u16>(base_ + offset), value); }

bool SerialPort::probe(u32 baud) {
    Locked guard(lock_);
    write_register(UART_IER, 0);
    write_register(UART_SCR, 0x5a);
    if (read_register(UART_SCR) != 0x5a) return false;
    write_register(UART_SCR, 0xa5);
    if (read_register(UART_SCR) != 0xa5 || read_register(UART_LSR) == 0xff) return false;
    u32 const divisor = std::clamp<u32>(clock_hz / std::max<u32>(baud, 1), 1, 0xffff);
    write_register(UART_LCR, UART_LCR_DLAB);
    write_register(UART_DLL, static_cast<u8>(divisor));
    write_register(UART_DLM, static_cast<u8>(divisor >> 8));
    write_register(UART_LCR, UART_LCR_WLEN8);
    // The receive FIFO is not cleared: what was typed before is kept.
    write_register(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_XMIT | UART_FCR_TRIGGER_8);
    fifo_depth_ = (read_register(UART_IIR) & 0xc0) == 0xc0 ? 16 : 1;
    write_register(UART_MCR, modem_on);
    return present_ = true;
}

Result<> SerialPort::start() {
    terminal.attach(*this);
    char const name[] = {'t', 't', 'y', 'S', static_cast<char>('0' + index_)};
    TRY(tty::register_terminal(terminal, {name, sizeof name}, terminal.number(), 0660));
    static constexpr char const* interrupt_names[] = {"ttyS0", "ttyS1"};
    arch::enable_isa_interrupt(line_, on_interrupt, this, interrupt_names[index_]);
    {
        Locked guard(lock_);
        interrupts_ = true;
        enable(UART_IER_RDI, guard);
    }
    // An edge that came before the handler was installed would be the last one.
    arch::InterruptGuard off;
    on_interrupt(this);
    log_info("serial", "ttyS{} at port {:#x}, interrupt {}, {}", index_, base_, line_, fifo_depth_ > 1 ? "16550A" : "16450");
    return {};
}

void SerialPort::enable(u8 mask, Lock::Guard const&) {
    if ((enabled_ & mask) == mask) return;
    write_register(UART_IER, enabled_ |= mask);
}

void SerialPort::disable(u8 mask, Lock::Guard const&) {
    if (!(enabled_ & mask)) return;
    write_register(UART_IER, enabled_ &= static_cast<u8>(~mask));
}

/// Reading the register clears the mark of a break, so the mark is remembered for the byte, a zero, that comes with it.
u8 SerialPort::line_status(Lock::Guard const&) {
    u8 const status = read_register(UART_LSR);
    has_break_ |= (status & UART_LSR_BI) != 0;
    return status;
}

// ---------------------------------------------------------------- transmitting

void SerialPort::push(char byte, Lock::Guard const& guard) {
    if (used() == ring_size) drain(guard);
    if (used() < ring_size) ring_[head_++ % ring_size] = byte;
}

/// Fills the transmitter if it is empty. False: it is busy, or there is nothing to send.
bool SerialPort::transmit_some(Lock::Guard const& guard) {
    if (used() == 0 || !(line_status(guard) & UART_LSR_THRE)) return false;
    for (u8 i = 0; i < fifo_depth_ && used() != 0; ++i) write_register(UART_TX, static_cast<u8>(ring_[tail_++ % ring_size]));
    return true;
}

/// An emulated transmitter is empty again at once: there the loop saves an interrupt for every 16 bytes.
void SerialPort::kick(Lock::Guard const& guard) {
    while (transmit_some(guard)) {
    }
    if (!interrupts_) return;
    if (used() != 0) enable(UART_IER_THRI, guard);
    else disable(UART_IER_THRI, guard);
}

bool SerialPort::wait_for_transmitter(Lock::Guard const& guard) {
    u32 reads = stuck_ ? 1 : patience_reads;
    while (reads != 0 && !(line_status(guard) & UART_LSR_THRE)) --reads;
    stuck_ = reads == 0;
    return !stuck_;
}

/// Sends the whole ring by polling; what a stuck transmitter does not take is lost.
void SerialPort::drain(Lock::Guard const& guard) {
    while (used() != 0 && wait_for_transmitter(guard)) transmit_some(guard);
    if (used() != 0) tail_ = head_;
}

void SerialPort::write(std::string_view text) {
    if (!present_) return;
    Locked guard(lock_);
    if (std::exchange(mid_line_, false)) push('\r', guard), push('\n', guard);
    for (char byte : text) {
        if (byte == '\n') push('\r', guard);
        push(byte, guard);
    }
    if (interrupts_ && !base::panicking()) kick(guard);
    else drain(guard);
}

size_t SerialPort::room() {
    Locked guard(lock_);
    return ring_size - used();
}

void SerialPort::transmit(std::span<char const> bytes) {
    if (bytes.empty()) return;
    Locked guard(lock_);
    for (char byte : bytes) push(byte, guard);
    mid_line_ = bytes.back() != '\n' && bytes.back() != '\r';
    kick(guard);
}

size_t SerialPort::pending() {
    Locked guard(lock_);
    return used();
}

void SerialPort::discard() {
    Locked guard(lock_);
    tail_ = head_;
}

// ---------------------------------------------------------------- interrupts

void SerialPort::on_interrupt(void* port) {
    // The line is edge-triggered: all causes must be gone before the handler returns.
    for (unsigned round = 0; round < longest_service && static_cast<SerialPort*>(port)->service(); ++round) {
    }
}

size_t SerialPort::receive(std::span<char> out, Lock::Guard const& guard) {
    size_t count = 0;
    while (count < out.size() && asked_ == 0) {
        if (!(line_status(guard) & UART_LSR_DR)) break;
        char const byte = static_cast<char>(read_register(UART_RX));
        bool const is_break = byte == 0 && std::exchange(has_break_, false);
        if (!is_request(byte, is_break)) out[count++] = byte;
    }
    return count;
}

/// A break on a port that has the log announces a SysRq key; a second break, or too long a wait, cancels that.
bool SerialPort::is_request(char byte, bool is_break) {
    constexpr u64 patience_ns = 5 * ns_per_s;
    if (!is_console_.load(std::memory_order_relaxed)) return false;
    u64 const until = std::exchange(request_until_ns_, 0), now = arch::clock_ns();
    if (is_break) {
        if (until == 0) request_until_ns_ = now + patience_ns;
        return until == 0;
    }
    if (now >= until) return false;
    asked_ = byte;
    return true;
}

/// Does one round. False: nothing was pending.
bool SerialPort::service() {
    char bytes[64];
    size_t const room = terminal.input_room();
    size_t count = 0;
    char asked = 0;
    {
        Locked guard(lock_);
        if (read_register(UART_IIR) & UART_IIR_NO_INT) return false;
        read_register(UART_MSR);
        count = receive({bytes, std::min(room, sizeof bytes)}, guard);
        asked = std::exchange(asked_, 0);
        // Bytes for which there is no room stay in the FIFO, and the sender waits.
        if (room == 0) disable(UART_IER_RDI, guard);
        kick(guard);
    }
    if (asked != 0) base::sysrq(asked, base::SysRqSource::Console);
    if (count != 0) terminal.input({bytes, count});
    terminal.output_ready();
    // A reader may have made room after input_room() and before the interrupt was masked.
    if (room == 0 && terminal.input_room() != 0) resume_input();
    return true;
}

void SerialPort::resume_input() {
    Locked guard(lock_);
    enable(UART_IER_RDI, guard);
}

bool SerialPort::hold_break(bool on) {
    Locked guard(lock_);
    write_register(UART_LCR, UART_LCR_WLEN8 | (on ? UART_LCR_SBC : 0));
    return true;
}

Result<i64> SerialPort::device_ioctl(u32 command, u64 argument) {
    if (command != TIOCGSERIAL) return fail(ENOTTY);
    ::serial_struct description{};
    description.type = PORT_16550A;
    description.line = static_cast<int>(index_);
    description.port = base_;
    description.irq = line_;
    description.xmit_fifo_size = fifo_depth_;
    description.baud_base = static_cast<int>(clock_hz);
    TRY(mm::UserPtr<::serial_struct>(argument).write(description));
    return 0;
}

}
