// SPDX-License-Identifier: MIT
// An xHCI host controller. One thread owns all its state and does everything: events, ports, devices. It sleeps until the interrupt
// wakes it or, without one, for a few milliseconds at a time. The interrupt only counts and wakes.
#pragma once

#include <atomic>

#include <arch/time.h>

#include "kernel/drivers/keyboard/key_input.h"
#include "kernel/drivers/pci/pci.h"
#include "kernel/drivers/usb/bus.h"
#include "kernel/drivers/usb/xhci_memory.h"
#include "sched/wait_queue.h"

namespace drivers::usb::xhci {

/// The PCI driver.
Result<> attach(pci::Function const& function);
/// Waits until every controller has looked at what was plugged in before the boot. False: the deadline has passed first.
bool wait_for_first_look(u64 deadline_ns);

class Controller final : public Host, public KeySource {
public:
    Controller(pci::Function const& function, u8* registers, u64 size) : function_(function), registers_(registers), size_(size) {}
    /// Finds the registers and starts the thread. ENXIO: the registers are not those of a usable controller.
    Result<> begin();

    // Host
    Result<> open(Device& device) override;
    void close(Device& device) override;
    Result<> set_control_packet_size(Device& device, u16 size) override;
    Result<> configure(Device& device, InterruptEndpoint const& endpoint) override;
    Result<> describe_hub(Device& device, HubDescriptor const& hub) override;
    Result<size_t> control(Device& device, Setup const& setup, std::span<u8> data) override;
    void listen(Device& device) override;
    Result<> recover(Device& device) override;
    void pause_ms(u64 milliseconds) override;
    bool works() const override { return works_; }

    void lights_changed() override;   // KeySource: from any thread, in any context

private:
    /// A port of the controller itself (7.2).
    struct Port {
        u8 slot_type = 0;
        bool is_super = false;
        bool has_changed = false;
    };
    static constexpr u32 event_count = page_size / sizeof(Trb);
    static constexpr size_t command_ring_at = contexts_size, segment_table_at = command_ring_at + small_ring_size;

    // xhci.cpp: the thread, events, waiting
    static void run(void* controller);
    static void on_interrupt(void* controller);
    void serve();
    void end_first_look();
    void sleep_until(u64 deadline_ns, bool also_for_lights);
    /// Handles events until `done()` is true; it may read registers. ETIMEDOUT; EIO: the controller failed.
    template <class Done>
    Result<> wait_until(Done&& done, u64 milliseconds) {
        u64 const deadline_ns = arch::clock_ns() + milliseconds * ns_per_ms;
        handle_events();
        while (!done())
            if (!wait_a_little(deadline_ns)) return done() ? Result<>() : works_ ? fail(ETIMEDOUT) : fail(EIO);
        return {};
    }
    /// False: the deadline has passed, or the controller failed.
    bool wait_a_little(u64 deadline_ns);
    void handle_events();
    void handle(Trb const& event);
    void handle_transfer(Trb const& event);
    void handle_report(Slot& slot, Trb const& event);
    void check_health();
    void give_up(std::string_view why);

    // xhci_start.cpp
    Result<> start();
    void shut_down();
    Result<> find_registers();
    u32 find_extended(u8 id, u32 after) const;
    void take_from_firmware();
    void find_ports();
    Result<> halt_and_reset();
    void find_ports_of(u32 offset);
    void use_memory();
    void test_interrupts();
    Result<> give_memory();
    Result<> give_scratchpad();
    void free_scratchpad();

    // xhci_ports.cpp
    Registers port_registers(u8 port) const { return operational_ + (reg_ports + (port - 1u) * port_stride); }
    bool serve_ports();
    void serve_port(u8 port);
    Result<> attach_port(u8 port);
    Result<> reset_port(u8 port);
    void power_ports();
    /// Whether the device was unplugged since the port was last served; serving that change is still to be done.
    bool was_unplugged(u8 port) const;

    // xhci_devices.cpp
    Result<Trb> command(Trb trb);
    Result<Trb> slot_command(TrbType type, u8 slot, u64 parameter = 0, u32 bits = 0);
    u32* input_context(u32 index) const { return input_.at<u32>(index * reach_.context_size()); }
    u32* output_context(Slot const& slot, u32 index) const { return slot.structures.at<u32>(index * reach_.context_size()); }
    void prepare_input(u32 added);
    void fill_endpoint(u8 index, EndpointType type, u16 packet_size, u8 interval, u64 dequeue);
    void fill_slot(Device const& device);
    Result<> restart_endpoint(u8 slot, u8 index, Ring const& ring, bool halted);
    Slot* slot_of_device(Device const& device) const { return slots_[device.slot].get(); }

    // xhci_transfers.cpp
    void push_control(Slot& slot, Setup const& setup);
    void ring_doorbell(u8 slot, u8 endpoint) { doorbells_.write(4u * slot, endpoint); }

    pci::Function const function_;
    Registers const registers_;
    u64 const size_;                            ///< of the registers' window
    Registers operational_, runtime_, doorbells_;
    Reach reach_;
    u8 slot_count_ = 0, port_count_ = 0;
    std::array<Port, 256> ports_{};             ///< from 1

    bool works_ = false;
    bool has_looked_ = false;                   ///< at everything that was plugged in before
    bool has_interrupts_ = false;               ///< an interrupt has come, so polling is not needed
    DmaMemory shared_, events_memory_, input_;  ///< device contexts' addresses, command ring, segment table; events; input contexts
    DmaMemory scratchpad_;                      ///< the addresses of the controller's own pages
    u32 scratchpad_pages_ = 0;
    Ring commands_;
    EventRing events_;
    u64 command_address_ = 0;                   ///< of the command in progress; 0: none
    std::optional<Trb> command_result_;
    std::array<mm::Owned<Slot>, 256> slots_;    ///< from 1
    Bus bus_{*this};

    // Shared with the interrupt and other threads:
    sched::WaitQueue wake_;
    std::atomic<u32> interrupts_{0};            ///< Ordering: relaxed; it matters only whether there were any
    std::atomic<bool> lights_changed_{false};   ///< Ordering: relaxed, with the queue's own fences
};

}
