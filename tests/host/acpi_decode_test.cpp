// SPDX-License-Identifier: MIT
// The decoders of ACPI tables, on tables made by hand and on thousands of damaged ones: nothing
// may be read outside a table (the sanitizers watch), and what is cut off counts as absent.
// sources: arch/x86_64/acpi_decode.cpp
#include "arch/x86_64/acpi.h"

#include <cstring>
#include <random>
#include <vector>

#include <arch/upcalls.h>

namespace upcalls {
void* map_mmio(PhysAddr, u64, arch::CacheMode) { return nullptr; }
}

namespace arch::acpi {
constinit InterruptModel interrupt_model;
constinit FixedHardware fixed_hardware;
constinit PciConfiguration pci_configuration;
constinit PhysAddr hpet_address;
constinit Iommu iommus[max_iommus] = {};
constinit u32 iommu_count = 0;
}

namespace {

using namespace arch::acpi;
using Table = std::vector<u8>;

template <class T>
void put(Table& table, size_t offset, T value) { std::memcpy(table.data() + offset, &value, sizeof value); }

Table madt() {
    Table table(44);
    put<u32>(table, 36, 0xfee00000);
    Table const entries = {0, 8, 0, 0, 1, 0, 0, 0,                         // CPU 0, enabled
                           0, 8, 1, 1, 0, 0, 0, 0,                         // CPU 1, neither enabled nor capable
                           0, 8, 2, 2, 2, 0, 0, 0,                         // CPU 2, could be plugged in later
                           0, 8, 3, 5, 1, 0, 0, 0,                         // CPU 3, enabled, and once more by its longer id
                           9, 16, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0,
                           1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0,      // I/O APIC at 0xfec00000, first interrupt 0
                           2, 10, 0, 0, 2, 0, 0, 0, 0, 0,                  // ISA 0 is interrupt 2
                           2, 10, 0, 9, 9, 0, 0, 0, 0x0f, 0,               // ISA 9: low, level
                           2, 10, 0, 77, 9, 0, 0, 0, 0, 0};                // no such line
    table.insert(table.end(), entries.begin(), entries.end());
    return table;
}

Table dsdt_with(std::initializer_list<u8> object) {
    Table table(36);
    table.insert(table.end(), {0x5f, 0x53, 0x35, 0x5f, 0x00});             // "_S5_" that is not a name
    table.insert(table.end(), object);
    return table;
}

struct AcpiDecode : testing::Test {
    void SetUp() override {
        interrupt_model = {};
        fixed_hardware = {};
        pci_configuration = {};
    }
};

TEST_F(AcpiDecode, Madt) {
    read_madt(madt());
    EXPECT_TRUE(interrupt_model.present);
    ASSERT_EQ(interrupt_model.cpus, 2u);
    put_first(5);
    EXPECT_EQ(interrupt_model.apic_ids[0], 5u);
    EXPECT_EQ(interrupt_model.apic_ids[1], 0u);
    ASSERT_EQ(interrupt_model.io_apic_count, 1u);
    EXPECT_EQ(interrupt_model.io_apics[0].address, PhysAddr(0xfec00000));
    EXPECT_EQ(interrupt_model.lines[0].interrupt, 2u);
    EXPECT_FALSE(interrupt_model.lines[0].low_active);
    EXPECT_TRUE(interrupt_model.lines[9].low_active);
    EXPECT_TRUE(interrupt_model.lines[9].level);
}

TEST_F(AcpiDecode, MadtWithBadLengthsStops) {
    Table table = madt();
    table[45] = 0;
    read_madt(table);
    EXPECT_EQ(interrupt_model.cpus, 0u);
    table[45] = 255;
    read_madt(table);
    EXPECT_EQ(interrupt_model.cpus, 0u);
}

TEST_F(AcpiDecode, SleepTypes) {
    read_dsdt(dsdt_with({0x08, 0x5f, 0x53, 0x35, 0x5f, 0x12, 0x06, 0x04, 0x0a, 0x05, 0x01, 0x00, 0x00}));
    EXPECT_TRUE(fixed_hardware.has_sleep_type);
    EXPECT_EQ(fixed_hardware.sleep_type_a, 5);
    EXPECT_EQ(fixed_hardware.sleep_type_b, 1);
}

TEST_F(AcpiDecode, SleepTypeWithRootPrefix) {
    read_dsdt(dsdt_with({0x08, 0x5c, 0x5f, 0x53, 0x35, 0x5f, 0x12, 0x06, 0x01, 0x00}));
    EXPECT_TRUE(fixed_hardware.has_sleep_type);
    EXPECT_EQ(fixed_hardware.sleep_type_a, 0);
}

TEST_F(AcpiDecode, SleepPackageThatDoesNotFitIsAbsent) {
    for (auto const& object : {std::initializer_list<u8>{0x08, 0x5f, 0x53, 0x35, 0x5f},
                               {0x08, 0x5f, 0x53, 0x35, 0x5f, 0x12},
                               {0x08, 0x5f, 0x53, 0x35, 0x5f, 0x12, 0x06, 0x04, 0x0a},
                               {0x08, 0x5f, 0x53, 0x35, 0x5f, 0x12, 0x06, 0x04, 0x0a, 0x09, 0x01},     // no such type
                               {0x08, 0x5f, 0x53, 0x35, 0x5f, 0x12, 0x06, 0x00, 0x01, 0x01},           // no element
                               {0x08, 0x5f, 0x53, 0x35, 0x5f, 0x13, 0x06, 0x04, 0x01, 0x01}}) {        // no package
        read_dsdt(dsdt_with(object));
        EXPECT_FALSE(fixed_hardware.has_sleep_type);
    }
}

TEST_F(AcpiDecode, Fadt) {
    Table table(276);
    put<u32>(table, 48, 0xb2);
    put<u32>(table, 64, 0x604);
    put<u32>(table, 76, 0x608);
    put<u32>(table, 112, 1 << 10 | 1 << 8);
    table[116] = 1;
    put<u64>(table, 120, 0xcf9);
    table[128] = 0x0f;
    table[108] = 0x32;
    read_fadt(table);
    EXPECT_EQ(fixed_hardware.power_control_a.address, 0x604u);
    EXPECT_FALSE(fixed_hardware.power_control_b);
    EXPECT_EQ(fixed_hardware.timer.address, 0x608u);
    EXPECT_TRUE(fixed_hardware.timer_is_32_bit);
    EXPECT_EQ(fixed_hardware.reset.address, 0xcf9u);
    EXPECT_EQ(fixed_hardware.reset_value, 0x0f);
    EXPECT_EQ(fixed_hardware.century_index, 0x32);
}

TEST_F(AcpiDecode, OldShortFadtHasNoExtendedRegisters) {
    Table table(116);
    put<u32>(table, 64, 0x604);
    put<u32>(table, 112, 1 << 10);
    read_fadt(table);
    EXPECT_EQ(fixed_hardware.power_control_a.address, 0x604u);
    EXPECT_FALSE(fixed_hardware.reset);
}

TEST_F(AcpiDecode, PciConfigurationOfSegmentZero) {
    Table table(44 + 2 * 16 + 8);
    put<u64>(table, 44, 0xe0000000);
    put<u16>(table, 52, 1);
    table[55] = 255;
    put<u64>(table, 60, 0xb0000000);
    table[70] = 0, table[71] = 127;
    read_mcfg(table);
    EXPECT_TRUE(pci_configuration.present);
    EXPECT_EQ(pci_configuration.address.value(), 0xb0000000u);
    EXPECT_EQ(pci_configuration.first_bus, 0);
    EXPECT_EQ(pci_configuration.last_bus, 127);
    pci_configuration = {};
    read_mcfg(std::span(table).first(75));
    EXPECT_FALSE(pci_configuration.present);
}

TEST_F(AcpiDecode, DamagedTablesAreHarmless) {
    std::mt19937 random(5);
    Table const good = madt();
    for (int round = 0; round < 20000; ++round) {
        Table table(good.begin(), good.begin() + static_cast<long>(random() % (good.size() + 1)));
        for (int i = 0; i < 3 && !table.empty(); ++i) table[random() % table.size()] = static_cast<u8>(random());
        interrupt_model = {};
        read_madt(table);
        read_fadt(table);
        read_dsdt(table);
        read_mcfg(table);
        ASSERT_LE(interrupt_model.io_apic_count, max_io_apics);
    }
}

}
