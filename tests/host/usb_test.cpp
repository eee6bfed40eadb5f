// SPDX-License-Identifier: MIT
// What USB devices say: descriptors, good and damaged (the sanitizers watch that nothing outside is read), reports of
// keyboards, and how xHCI wants to be told of intervals and rings.
// sources: kernel/drivers/usb/descriptors.cpp kernel/drivers/usb/boot_reports.cpp
// sources: kernel/drivers/keyboard/keymap.cpp kernel/drivers/keyboard/key_tables.cpp kernel/drivers/keyboard/key_layouts.cpp kernel/drivers/keyboard/scan_codes.cpp
// sources: kernel/drivers/keyboard/key_layout_file.cpp kernel/drivers/keyboard/keymaps.S
#include "kernel/drivers/usb/boot_reports.h"
#include "kernel/drivers/usb/descriptors.h"
#include "kernel/drivers/usb/xhci_ring.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "kernel/drivers/keyboard/keymap.h"

using namespace drivers;
using namespace drivers::usb;

namespace {

using Bytes = std::vector<u8>;

Bytes const device = {18, 1, 0, 2, 0, 0, 0, 64, 0x27, 0x06, 1, 0, 0, 0, 1, 4, 11, 1};
Bytes const keyboard = {9, 2, 66, 0, 2, 1, 8, 0xa0, 50,
                        9, 4, 0, 0, 1, 3, 0, 0, 0,             // HID, but not of the boot protocol
                        9, 0x21, 0x11, 1, 0, 1, 0x22, 0x3f, 0,
                        7, 5, 0x81, 3, 4, 0, 10,
                        9, 4, 1, 0, 2, 3, 1, 1, 0,             // the boot keyboard
                        9, 0x21, 0x11, 1, 0, 1, 0x22, 0x3f, 0,
                        7, 5, 0x02, 3, 8, 0, 7,                // OUT
                        7, 5, 0x83, 3, 8, 0, 7};

TEST(UsbDescriptors, Device) {
    auto const read = read_device_descriptor(device);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->vendor, 0x0627);
    EXPECT_EQ(read->product, 1);
    EXPECT_EQ(read->control_packet_size, 64);
    EXPECT_FALSE(read_device_descriptor(std::span(device).first(17)));
    Bytes other = device;
    other[1] = 2;
    EXPECT_FALSE(read_device_descriptor(other));
}

TEST(UsbDescriptors, KeyboardAmongOtherInterfaces) {
    EXPECT_EQ(configuration_length(keyboard), 66);
    auto const found = find_function(keyboard);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->kind, Kind::Keyboard);
    EXPECT_EQ(found->configuration, 1);
    EXPECT_EQ(found->interface, 1);
    EXPECT_EQ(found->endpoint.number, 3);
    EXPECT_EQ(found->endpoint.packet_size, 8);
    EXPECT_EQ(found->endpoint.interval, 7);
}

TEST(UsbDescriptors, CutOffKeyboardIsNone) {
    auto const found = find_function(std::span(keyboard).first(keyboard.size() - 1));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->kind, Kind::Unknown);
    EXPECT_FALSE(find_function(std::span(keyboard).first(8)));
}

TEST(UsbDescriptors, EndpointsThatCannotBe) {
    for (auto const& [offset, value] : {std::pair{61, 0x80}, {61, 0x03}, {62, 2}, {63, 0}}) {   // number 0, OUT, bulk, no packets
        Bytes bytes = keyboard;
        bytes[static_cast<size_t>(offset)] = static_cast<u8>(value);
        EXPECT_EQ(find_function(bytes)->kind, Kind::Unknown) << offset;
    }
    Bytes bytes = keyboard;
    bytes[65] = 0;
    EXPECT_EQ(find_function(bytes)->endpoint.interval, 1);
}

TEST(UsbDescriptors, DamagedOnesAreHarmless) {
    std::mt19937 random(7);
    for (int round = 0; round < 50000; ++round) {
        Bytes bytes(keyboard.begin(), keyboard.begin() + static_cast<long>(random() % (keyboard.size() + 1)));
        for (int i = 0; i < 4 && !bytes.empty(); ++i) bytes[random() % bytes.size()] = static_cast<u8>(random());
        bytes.shrink_to_fit();
        auto const found = find_function(bytes);
        if (found && found->kind != Kind::Unknown) {
            ASSERT_GE(found->endpoint.number, 1);
            ASSERT_LE(found->endpoint.packet_size, 1024);
        }
        read_device_descriptor(bytes);
        read_hub_descriptor(bytes);
    }
}

TEST(UsbDescriptors, Hub) {
    auto const hub = read_hub_descriptor(Bytes{9, 0x29, 4, 0x49, 0, 50, 0, 0, 0xff});
    ASSERT_TRUE(hub);
    EXPECT_EQ(hub->ports, 4);
    EXPECT_EQ(hub->power_good_ms, 100);
    EXPECT_EQ(hub->think_time, 2);
    EXPECT_FALSE(read_hub_descriptor(Bytes{9, 0x29, 0, 0, 0, 50, 0}));
}

struct Reports : testing::Test {
    Reports() { keymap.tables().load(*LayoutFile(layout_file()).find("us")); }
    std::string type(Bytes const& report) { return typed(reports.feed(report)); }
    std::string typed(BootReports::Events const& events) {
        std::string text;
        for (auto const& event : events.view()) text += keymap.feed(event).text();
        return text;
    }
    BootReports reports;
    Keymap keymap;
};

TEST_F(Reports, KeysComeOnceEach) {
    EXPECT_EQ(type({0, 0, 4, 0, 0, 0, 0, 0}), "a");
    EXPECT_EQ(type({0, 0, 4, 5, 0, 0, 0, 0}), "b");
    EXPECT_EQ(type({0, 0, 5, 0, 0, 0, 0, 0}), "");
    EXPECT_EQ(type({2, 0, 5, 6, 0, 0, 0, 0}), "C");
    EXPECT_EQ(type({0, 0, 0x28, 0, 0, 0, 0, 0}), "\r");
    EXPECT_EQ(type({0, 0, 7, 7, 7, 7, 7, 7}), "d");
}

TEST_F(Reports, EveryKeyOfTheTable) {
    std::string text;
    for (int usage = 4; usage < 0x39; ++usage) {
        if (usage != 0x32) text += type({0, 0, static_cast<u8>(usage), 0, 0, 0, 0, 0});
        type({0, 0, 0, 0, 0, 0, 0, 0});
    }
    EXPECT_EQ(text, "abcdefghijklmnopqrstuvwxyz1234567890\r\x1b\x7f\t -=[]\\;'`,./");
    EXPECT_EQ(type({0, 0, 0x52, 0, 0, 0, 0, 0}), "\x1b[A");
    EXPECT_EQ(type({0, 0, 0x3a, 0x45, 0x64, 0x4c, 0, 0}), "\x1b[[A\x1b[24~<\x1b[3~");
    EXPECT_EQ(type({0, 0, 0x58, 0x54, 0, 0, 0, 0}), "\r/");
}

TEST_F(Reports, Modifiers) {
    EXPECT_EQ(type({1, 0, 6, 0, 0, 0, 0, 0}), "\x03");
    EXPECT_EQ(type({0x10, 0, 7, 0, 0, 0, 0, 0}), "\x04");
    EXPECT_EQ(type({0x20, 0, 8, 0, 0, 0, 0, 0}), "E");
    EXPECT_EQ(type({4, 0, 9, 0, 0, 0, 0, 0}), "\x1b" "f");
}

TEST_F(Reports, HeldKeyIsTheLastOneStillDown) {
    EXPECT_FALSE(reports.held());
    type({0, 0, 4, 0, 0, 0, 0, 0});
    EXPECT_EQ(reports.held(), key_of_usage(4, true));
    type({0, 0, 4, 5, 0, 0, 0, 0});
    EXPECT_EQ(reports.held(), key_of_usage(5, true));
    type({0, 0, 4, 0, 0, 0, 0, 0});
    EXPECT_FALSE(reports.held());
    type({0, 0, 0x39, 0, 0, 0, 0, 0});
    EXPECT_FALSE(reports.held()) << "caps lock does not repeat";
}

TEST_F(Reports, TooManyKeysChangeNothingButModifiers) {
    type({0, 0, 4, 0, 0, 0, 0, 0});
    EXPECT_EQ(type({2, 0, 1, 1, 1, 1, 1, 1}), "");
    EXPECT_EQ(type({2, 0, 4, 5, 0, 0, 0, 0}), "B");
}

TEST_F(Reports, AllIsReleasedAtTheEnd) {
    type({0xff, 0, 4, 5, 6, 7, 8, 9});
    auto const released = reports.release_all();
    EXPECT_EQ(released.count, 14u);
    EXPECT_EQ(typed(released), "");
    EXPECT_EQ(reports.release_all().count, 0u);
    EXPECT_EQ(type({0, 0, 4, 0, 0, 0, 0, 0}), "a");
}

TEST_F(Reports, ShortAndRandomReportsAreHarmless) {
    EXPECT_EQ(type({0, 0, 4}), "");
    std::mt19937 random(3);
    for (int i = 0; i < 50000; ++i) {
        Bytes report(random() % 12);
        for (u8& byte : report) byte = static_cast<u8>(random());
        report.shrink_to_fit();
        ASSERT_LE(reports.feed(report).count, 20u);
    }
}

TEST(Xhci, Intervals) {
    using xhci::interval_exponent;
    EXPECT_EQ(interval_exponent(1, true), 3);      // 1 ms
    EXPECT_EQ(interval_exponent(10, true), 6);     // 8 ms
    EXPECT_EQ(interval_exponent(255, true), 10);
    EXPECT_EQ(interval_exponent(7, false), 6);
    EXPECT_EQ(interval_exponent(0, false), 0);
    EXPECT_EQ(interval_exponent(255, false), 15);
}

TEST(Xhci, RingGoesRoundAndTheCycleBitTurns) {
    xhci::Trb entries[4] = {};
    PhysAddr const address(0x1000);
    xhci::Ring ring(entries, address, 4);
    for (u32 i = 0; i < 3; ++i) EXPECT_EQ(ring.push({i, 0, 0}), i);
    EXPECT_EQ(entries[2].control & xhci::trb_cycle, 1u);
    EXPECT_EQ(ring.dequeue_pointer(), 0x1031u);
    EXPECT_EQ(ring.push({9, 0, 0}), 0u);
    EXPECT_EQ(xhci::type_of(entries[3]), xhci::TrbType::Link);
    EXPECT_EQ(entries[3].parameter, 0x1000u);
    EXPECT_EQ(entries[3].control & (xhci::trb_cycle | xhci::trb_toggle), 3u);
    EXPECT_EQ(entries[0].control & xhci::trb_cycle, 0u);
    EXPECT_EQ(ring.dequeue_pointer(), 0x1010u);
    EXPECT_EQ(ring.number_of(0x1030), 3u);
    EXPECT_FALSE(ring.number_of(0x1040));
    EXPECT_FALSE(ring.number_of(0x1008));
    EXPECT_FALSE(ring.number_of(0xff0));
}

TEST(Xhci, EventRing) {
    xhci::Trb entries[2] = {};
    xhci::EventRing ring(entries, PhysAddr(0x2000), 2);
    EXPECT_FALSE(ring.has_event());
    entries[0] = {5, 0, 1}, entries[1] = {6, 0, 1};
    EXPECT_EQ(ring.take().parameter, 5u);
    EXPECT_EQ(ring.dequeue_pointer(), 0x2010u);
    EXPECT_EQ(ring.take().parameter, 6u);
    EXPECT_FALSE(ring.has_event());
    entries[0] = {7, 0, 0};
    EXPECT_TRUE(ring.has_event());
}

}
