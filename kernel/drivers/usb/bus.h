// SPDX-License-Identifier: MIT
// Bus: the devices of one host controller: what each is, its driver, and whether it has work to do. Only the controller's thread
// uses it.
#pragma once

#include "kernel/drivers/usb/device.h"

namespace drivers::usb {

class Bus {
public:
    explicit Bus(Host& host) : host_(host) {}

    /// Called when a device answers at that port: finds out what it is and starts its driver. A device without a driver stays, unused.
    Result<> attach(Device* hub, u8 port, Speed speed);
    /// Removes the device at that port, if there is one, and everything behind it.
    void detach(Device* hub, u8 port);
    void detach_all();
    Device* find(Device const* hub, u8 port);

    /// Does one piece of work that needs transfers. False: there was none.
    bool work();
    bool has_work() const;
    /// The drivers' earliest deadline; tick() calls the drivers whose deadline has passed.
    u64 deadline_ns() const;
    void tick(u64 now_ns);
    void lights_changed();

private:
    using List = base::List<Device, &Device::hook>;
    Result<> identify(Device& device);
    Result<> start(Device& device);
    void remove(Device& device);
    void recover(Device& device);

    Host& host_;
    List devices_;
};

}
