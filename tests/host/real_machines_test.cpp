// SPDX-License-Identifier: MIT
// What no emulator shows: TSCs that differ, errata, hardware errors in words, IOMMUs and NMI pins in the firmware's tables.
// sources: arch/x86_64/machine_check.cpp arch/x86_64/acpi_decode.cpp kernel/base/format.cpp
#include <gtest/gtest.h>

#include <cstring>
#include <thread>
#include <vector>

#include <arch/cpu.h>
#include <arch/upcalls.h>
#include <base/format.h>

#include "arch/x86_64/acpi.h"
#include "arch/x86_64/errata.h"
#include "arch/x86_64/machine_check.h"
#include "arch/x86_64/tsc_warp.h"
#include "kernel/drivers/pci/pci_quirks.h"

namespace upcalls {
void* map_mmio(PhysAddr, u64, arch::CacheMode) { return nullptr; }
}
namespace arch {
constinit CpuFeatures cpu_features{};
namespace acpi {
constinit InterruptModel interrupt_model;
constinit FixedHardware fixed_hardware;
constinit PciConfiguration pci_configuration;
constinit PhysAddr hpet_address;
constinit Iommu iommus[max_iommus] = {};
constinit u32 iommu_count = 0;
}
}

namespace {

using namespace arch;

/// Two CPUs whose counters differ by `offset`, in one simulated time that each reading and each wait moves on.
u64 warp_of(i64 offset, bool* finished) {
    TscWarp warp;
    warp.begin();
    std::atomic<u64> time{1'000'000};
    auto const part = [&](u64 me) {
        u64 patience = 1'000'000'000;
        return warp.take_part(me, [&] { return time.fetch_add(10) + (me == 1 ? static_cast<u64>(offset) : 0); }, [&] { std::this_thread::yield(); return --patience != 0; });
    };
    bool other = false;
    std::thread thread([&] { other = part(1); });
    *finished = part(0);
    thread.join();
    *finished = *finished && other && warp.is_done();
    return warp.worst();
}

TEST(TscWarp, DifferencesAreFoundInBothDirections) {
    bool finished = false;
    for (i64 const offset : {-1'000'000, -500, -11, 11, 500, 1'000'000}) {
        u64 const worst = warp_of(offset, &finished);
        EXPECT_TRUE(finished);
        EXPECT_GE(worst, static_cast<u64>(std::abs(offset)) - 10) << offset;
        EXPECT_LE(worst, static_cast<u64>(std::abs(offset))) << offset;
    }
    for (i64 const offset : {-9, 0, 9}) EXPECT_EQ(warp_of(offset, &finished), 0u) << "less than a message takes";
}

TEST(TscWarp, ACpuThatDoesNotAnswerIsNotWaitedForForEver) {
    TscWarp warp;
    warp.begin();
    int patience = 100;
    EXPECT_FALSE(warp.take_part(0, [] { return u64{5}; }, [&] { return --patience != 0; }));
    EXPECT_FALSE(warp.is_done());
}

TEST(Errata, DeadlineTimers) {
    EXPECT_TRUE(deadline_timer_is_broken(6, 0x3c, 3, 0x21));
    EXPECT_FALSE(deadline_timer_is_broken(6, 0x3c, 3, 0x22));
    EXPECT_TRUE(deadline_timer_is_broken(6, 0x55, 4, 0x02000013));
    EXPECT_FALSE(deadline_timer_is_broken(6, 0x55, 7, 0)) << "a later stepping";
    EXPECT_FALSE(deadline_timer_is_broken(6, 0x8c, 1, 0)) << "Tiger Lake";
    EXPECT_FALSE(deadline_timer_is_broken(15, 0x3c, 3, 0)) << "another family";
    EXPECT_TRUE(may_have_c1e(true, 0x10));
    EXPECT_FALSE(may_have_c1e(true, 0x17));
    EXPECT_FALSE(may_have_c1e(false, 0x10));
}

TEST(MachineCheck, ABankInWords) {
    char text[200];
    base::BufferWriter out({text, sizeof text});
    describe_bank(out, 4, 0xbe00000000800135, 0x1234, 0x85);
    EXPECT_EQ(out.text(), "bank 4: uncorrected error 0x0135, model's code 0x0080, the CPU's state is lost, address 0x1234, miscellaneous 0x85 (status 0xbe00000000800135)");
    base::BufferWriter again({text, sizeof text});
    describe_bank(again, 0, 0xc000000000000001, 0, 0);
    EXPECT_EQ(again.text(), "bank 0: corrected error 0x0001, model's code 0x0000, others before it are lost (status 0xc000000000000001)");
}

void put(std::vector<u8>& table, u64 value, size_t bytes) {
    for (size_t i = 0; i < bytes; ++i) table.push_back(static_cast<u8>(value >> 8 * i));
}

TEST(Iommus, OfBothMakersAndDamagedTables) {
    acpi::iommu_count = 0;
    std::vector<u8> dmar(48);
    put(dmar, 0, 2), put(dmar, 16, 2), put(dmar, 0, 4), put(dmar, 0xfed90000, 8);      // a unit
    put(dmar, 1, 2), put(dmar, 24, 2), dmar.resize(dmar.size() + 20);                 // reserved memory
    put(dmar, 0, 2), put(dmar, 16, 2), put(dmar, 0, 4), put(dmar, 0xfed91000, 8);
    put(dmar, 0, 2), put(dmar, 16, 2), put(dmar, 0, 4), put(dmar, 0xfed91008, 8);      // not on a page
    acpi::read_dmar(dmar);
    ASSERT_EQ(acpi::iommu_count, 2u);
    EXPECT_EQ(acpi::iommus[1].address, PhysAddr(0xfed91000));
    EXPECT_TRUE(acpi::iommus[1].is_intel);
    acpi::iommu_count = 0;
    std::vector<u8> ivrs(48);
    for (u64 const type : {0x10u, 0x11u, 0x20u, 0x40u}) {
        put(ivrs, type, 2), put(ivrs, 24, 2), put(ivrs, 0, 4);
        put(ivrs, type == 0x20 ? 0xdead000 : 0xfeb80000, 8), put(ivrs, 0, 8);
    }
    acpi::read_ivrs(ivrs);
    ASSERT_EQ(acpi::iommu_count, 1u) << "one unit in three blocks";
    EXPECT_FALSE(acpi::iommus[0].is_intel);
    for (size_t cut = 0; cut < dmar.size(); ++cut) {
        acpi::iommu_count = 0;
        std::vector<u8> part(dmar.begin(), dmar.begin() + static_cast<long>(cut));
        acpi::read_dmar(part), acpi::read_ivrs(part);
    }
}

TEST(NmiPins, AsTheTableHasThem) {
    acpi::interrupt_model = {};
    EXPECT_FALSE(acpi::nmi_pin(0, 1).known);
    std::vector<u8> madt(44);
    for (u8 const byte : std::initializer_list<u8>{0, 8, 7, 2, 1, 0, 0, 0, 0, 8, 9, 4, 1, 0, 0, 0}) madt.push_back(byte);   // processors 7 and 9, APICs 2 and 4
    for (u8 const byte : std::initializer_list<u8>{4, 6, 9, 3, 0, 0}) madt.push_back(byte);                                 // processor 9, active low, pin 0
    for (u8 const byte : std::initializer_list<u8>{10, 12, 0, 0, 0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0}) madt.push_back(byte); // all, pin 1
    acpi::read_madt(madt);
    EXPECT_TRUE(acpi::nmi_pin(2, 1).connected);
    EXPECT_FALSE(acpi::nmi_pin(2, 1).low_active);
    EXPECT_FALSE(acpi::nmi_pin(2, 0).connected);
    EXPECT_TRUE(acpi::nmi_pin(4, 0).connected);
    EXPECT_TRUE(acpi::nmi_pin(4, 0).low_active);
    EXPECT_TRUE(acpi::nmi_pin(99, 1).connected) << "a processor that is not listed";
}

TEST(UsbPorts, AreRoutedOnThoseChipSetsAlone) {
    EXPECT_TRUE(drivers::pci::shares_usb_ports(0x1e31));
    EXPECT_FALSE(drivers::pci::shares_usb_ports(0xa12f)) << "Sunrise Point has no EHCI";
    EXPECT_TRUE(drivers::pci::may_be_quieted(0x020000)) << "a network card";
    EXPECT_TRUE(drivers::pci::may_be_quieted(0x010802)) << "NVMe";
    for (u32 const other : {0x030000u, 0x060400u, 0x0c0320u, 0x0c0330u, 0x080600u}) EXPECT_FALSE(drivers::pci::may_be_quieted(other)) << std::hex << other;
}

}
