// SPDX-License-Identifier: MIT
// Terminals over a device of the test's: sleeping readers and writers, time-outs, flow.
#include <array>
#include <atomic>
#include <string_view>

#include <linux/fcntl.h>
#include <linux/poll.h>

#include "kernel/sync/semaphore.h"
#include "kernel/tty/terminal.h"
#include "sched/clock.h"
#include "sched/scheduler.h"
#include "tests/selftest/self_test.h"

namespace {

/// Takes `capacity` bytes and then no more until drain().
class TestDevice final : public tty::TerminalDevice {
public:
    size_t room() override { return capacity.load() - used.load(); }
    void transmit(std::span<char const> bytes) override {
        for (char byte : bytes) text[used.fetch_add(1)] = byte;
    }
    size_t pending() override { return used.load(); }
    void discard() override { used.store(0); }
    void resume_input() override { ++resumed; }
    std::string_view output() const { return {text.data(), used.load()}; }

    std::array<char, 4096> text{};
    std::atomic<size_t> used{0};
    std::atomic<size_t> capacity{4096};
    unsigned resumed = 0;
};

constexpr ::termios raw_settings(cc_t minimum, cc_t tenths) {
    ::termios settings = tty::initial_settings();
    settings.c_lflag = 0, settings.c_iflag = 0, settings.c_oflag = 0;
    settings.c_cc[VMIN] = minimum, settings.c_cc[VTIME] = tenths;
    return settings;
}

Result<size_t> read(tty::Terminal& terminal, std::span<char> out, u32 flags = 0) {
    auto buffer = mm::IoBuffer::kernel(out.data(), out.size());
    return terminal.read(flags, buffer);
}

Result<size_t> write(tty::Terminal& terminal, std::string_view text, u32 flags = 0) {
    auto buffer = mm::IoBuffer::kernel(text.data(), text.size());
    return terminal.write(flags, buffer);
}

/// What a second thread reads or writes meanwhile.
struct Partner {
    tty::Terminal& terminal;
    std::array<char, 64> bytes{};
    Result<size_t> result{0};
    std::atomic<bool> finished{false};
    sync::Semaphore done{0};

    static void read_once(void* self) {
        auto& partner = *static_cast<Partner*>(self);
        partner.result = read(partner.terminal, partner.bytes);
        partner.end();
    }
    static void write_once(void* self) {
        auto& partner = *static_cast<Partner*>(self);
        partner.result = write(partner.terminal, {partner.bytes.data(), partner.bytes.size()});
        partner.end();
    }
    void end() {
        finished.store(true);
        done.up();
    }
    std::string_view text() const { return {bytes.data(), result ? *result : 0}; }
};

/// Gives the partner the CPU until `condition` holds; after so long it never will.
bool eventually(auto&& condition) {
    u64 const deadline = sched::clock.monotonic_ns() + 10 * ns_per_s;
    while (!condition() && sched::clock.monotonic_ns() < deadline) sched::scheduler.yield();
    return condition();
}

/// A chance to finish too early.
void let_it_run() {
    for (int i = 0; i < 20; ++i) sched::scheduler.yield();
}

// Of the tests, one after another. Terminals live for ever: nothing at the end of a function or of the kernel destroys them.
constinit tty::Terminal terminal_of_reader(1);
constinit tty::Terminal terminal_of_nonblocking(1);
constinit tty::Terminal polled_of_read(1, raw_settings(0, 1));
constinit tty::Terminal grouped_of_read(1, raw_settings(10, 1));
constinit tty::Terminal terminal_of_writer(1);
constinit tty::Terminal terminal_of_refuses(1, raw_settings(1, 0));

}

SELF_TEST(terminal_reader_sleeps_until_its_line_ends) {
    static constinit TestDevice device;
    tty::Terminal& terminal = terminal_of_reader;
    terminal.attach(device);
    Partner partner{terminal};
    REQUIRE(sched::scheduler.create_kernel_thread("reader", Partner::read_once, &partner));
    let_it_run();
    terminal.input(std::string_view("hel"));
    let_it_run();
    CHECK(!partner.finished.load());
    terminal.input(std::string_view("lo\rmore"));
    static_cast<void>(partner.done.down());
    CHECK(partner.text() == "hello\n");
    CHECK(device.output() == "hello\r\nmore");
}

SELF_TEST(terminal_nonblocking_read_and_end_of_file) {
    static constinit TestDevice device;
    tty::Terminal& terminal = terminal_of_nonblocking;
    terminal.attach(device);
    char bytes[8];
    auto result = read(terminal, bytes, O_NONBLOCK);
    CHECK(!result && result.error().value == EAGAIN);
    sched::WaitQueue* queue = nullptr;
    CHECK((terminal.poll(queue) & (POLLIN | POLLOUT)) == POLLOUT);
    CHECK(queue != nullptr);
    terminal.input(std::string_view("\x04"));
    CHECK(terminal.poll(queue) & POLLIN);
    result = read(terminal, bytes, O_NONBLOCK);
    CHECK(result && *result == 0);
}

SELF_TEST(terminal_read_times_out_between_bytes) {
    static constinit TestDevice device;
    tty::Terminal& polled = polled_of_read;
    tty::Terminal& grouped = grouped_of_read;
    polled.attach(device);
    grouped.attach(device);
    char bytes[16];
    u64 const start = sched::clock.monotonic_ns();
    auto result = read(polled, bytes);
    CHECK(result && *result == 0);
    CHECK(sched::clock.monotonic_ns() - start >= 100 * ns_per_ms);
    grouped.input(std::string_view("abc"));
    result = read(grouped, bytes);
    CHECK(result && *result == 3);
    CHECK(sched::clock.monotonic_ns() - start >= 200 * ns_per_ms);
}

SELF_TEST(terminal_writer_sleeps_until_the_device_has_room) {
    static constinit TestDevice device;
    tty::Terminal& terminal = terminal_of_writer;
    terminal.attach(device);
    device.capacity.store(40);
    sched::WaitQueue* queue = nullptr;
    Partner partner{terminal};
    partner.bytes.fill('w');
    REQUIRE(sched::scheduler.create_kernel_thread("writer", Partner::write_once, &partner));
    CHECK(eventually([&] { return terminal.poll(queue) == 0 && device.used.load() == 40; }));
    let_it_run();
    CHECK(!partner.finished.load());
    auto const other = write(terminal, "x", O_NONBLOCK);
    CHECK(!other && other.error().value == EAGAIN);
    device.capacity.store(4096);
    terminal.output_ready();
    static_cast<void>(partner.done.down());
    CHECK(partner.result && *partner.result == partner.bytes.size());
    CHECK(device.used.load() == partner.bytes.size());
}

SELF_TEST(terminal_refuses_input_and_asks_for_it_again) {
    static constinit TestDevice device;
    tty::Terminal& terminal = terminal_of_refuses;
    terminal.attach(device);
    static constinit std::array<char, tty::LineDiscipline::capacity> bytes{};
    terminal.input(std::span(bytes).first(tty::LineDiscipline::longest_line));
    CHECK(terminal.input_room() == 0);
    CHECK(device.resumed == 0);
    auto const result = read(terminal, bytes);
    CHECK(result && *result == tty::LineDiscipline::longest_line);
    CHECK(device.resumed == 1);
    CHECK(terminal.input_room() == tty::LineDiscipline::longest_line);
}
