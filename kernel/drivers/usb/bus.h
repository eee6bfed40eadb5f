// SPDX-License-Identifier: MIT
// Bus: the devices of one host controller: what they are, who drives them, who has work to do.
#pragma once

#include "kernel/drivers/usb/device.h"

namespace drivers::usb {

class Bus {
public:
    explicit Bus(Host& host) : host_(host) {}

    /// A device answers at that port: finds out what it is and starts its driver. A device without one stays, unused.
    Result<> attach(Device* hub, u8 port, Speed speed);
    /// It is gone, and so is everything behind it.
    void detach(Device* hub, u8 port);
    void detach_all();
    Device* find(Device const* hub, u8 port);

    /// Does one piece of work that needs transfers. False: there is none.
    bool work();
    bool has_work() const;
    /// The first deadline of the drivers, and calling those whose deadline has passed.
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
