// SPDX-License-Identifier: MIT
// A USB device, its driver, and what a host controller does for both. All of it, and all of Bus, belongs to the one thread of its
// controller, so there are no locks.
#pragma once

#include <array>
#include <string_view>

#include <base/intrusive.h>
#include <base/result.h>

#include "kernel/drivers/usb/descriptors.h"
#include "mm/heap.h"

namespace drivers::usb {

class Bus;
class Device;

/// Numbered as in xHCI (7.2.1); higher numbers are faster kinds of Super.
enum class Speed : u8 { Full = 1, Low = 2, High = 3, Super = 4 };

/// What a host controller does for devices. Every call ends in bounded time; while it waits, other devices' reports are handled.
class Host {
public:
    /// Gives the device an address. EIO: the device did not accept it; ENODEV: the controller has no slot left; ENOMEM.
    virtual Result<> open(Device& device) = 0;
    /// Forgets a device, whether or not it still answers.
    virtual void close(Device& device) = 0;
    /// Sets the size of control packets that the device's descriptor gives.
    virtual Result<> set_control_packet_size(Device& device, u16 size) = 0;
    /// Makes the device's interrupt endpoint usable.
    virtual Result<> configure(Device& device, InterruptEndpoint const& endpoint) = 0;
    /// Tells the controller that the device is a hub, and of how many ports.
    virtual Result<> describe_hub(Device& device, HubDescriptor const& hub) = 0;
    /// Does a control transfer and returns how many bytes of data were transferred. EPIPE: the device refused; EIO, ETIMEDOUT.
    virtual Result<size_t> control(Device& device, Setup const& setup, std::span<u8> data) = 0;
    /// Asks the interrupt endpoint for one report.
    virtual void listen(Device& device) = 0;
    /// Restarts an interrupt endpoint that an error has stopped.
    virtual Result<> recover(Device& device) = 0;
    virtual void pause_ms(u64 milliseconds) = 0;
    /// False: the controller has failed, and every other call fails at once.
    virtual bool works() const = 0;
protected:
    ~Host() = default;
};

/// Drives one device. on_report() and on_deadline() are called while others wait for transfers, so they must not start any that wait.
class DeviceDriver {
public:
    virtual ~DeviceDriver() = default;
    virtual std::string_view name() const = 0;
    /// Called once the device is configured.
    virtual Result<> start() = 0;
    /// Called when the device is gone, or is no longer used.
    virtual void stop() {}
    virtual void on_report(std::span<u8 const> report) = 0;
    virtual bool has_work() const { return false; }
    /// Does what needs transfers; called only if has_work().
    virtual void work() {}
    /// When on_deadline() is due, by clock_ns(); ~0: never.
    virtual u64 deadline_ns() const { return ~u64{0}; }
    virtual void on_deadline(u64 now_ns) { (void)now_ns; }
    virtual void lights_changed() {}
};

class Device {
public:
    static constexpr u8 deepest = 5;   ///< hubs above a device (USB 2.0, 4.1.1)

    /// At `port` of `hub`, or of the controller itself.
    Device(Host& its_host, Bus& its_bus, Device* its_hub, u8 its_port, Speed its_speed);

    Result<size_t> control(Setup const& setup, std::span<u8> data) { return host.control(*this, setup, data); }
    Result<> control(Setup const& setup) {
        TRY(host.control(*this, setup, {}));
        return {};
    }

    /// "5.2": port 2 of the hub at port 5.
    struct Path {
        std::array<char, 24> bytes{};
        size_t length = 0;
        std::string_view text() const { return {bytes.data(), length}; }
    };
    Path path() const;

    Host& host;
    Bus& bus;
    Device* const hub;
    u8 const port, root_port;
    u8 const depth;                 ///< hubs above it
    u32 const route;                ///< the port at each of those hubs, 4 bits each, the topmost hub's lowest (xHCI 8.9)
    Speed const speed;
    Device* translator = nullptr;   ///< the high-speed hub that speaks to it at its slower speed, and the port there
    u8 translator_port = 0;

    u8 slot = 0;                    ///< the host's number for it; 0: none
    DeviceDescriptor descriptor;
    Function function;
    mm::Owned<DeviceDriver> driver;
    bool is_halted = false;         ///< its interrupt endpoint stopped with an error
    u8 failures = 0;                ///< of the interrupt endpoint since its last report
    base::ListHook hook;            ///< in the bus's list
};

}
