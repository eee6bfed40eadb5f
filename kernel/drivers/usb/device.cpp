// SPDX-License-Identifier: MIT
// Where a device is on its bus: depth, route (xHCI 8.9), the hub that translates for it if it is slower than high speed, and its
// name in log lines. A route has 4 bits a hub, so a port above 15 counts as 15. The bus lets no device be deeper than
// Device::deepest, so that route and path have room.
#include "kernel/drivers/usb/device.h"

#include <algorithm>

#include <base/format.h>

namespace drivers::usb {

namespace {

constexpr u8 largest_route_port = 15;

u32 route_of(Device const* hub, u8 port) {
    return hub ? hub->route | static_cast<u32>(std::min(port, largest_route_port)) << 4 * hub->depth : 0;
}

}

Device::Device(Host& its_host, Bus& its_bus, Device* its_hub, u8 its_port, Speed its_speed)
    : host(its_host), bus(its_bus), hub(its_hub), port(its_port), root_port(hub ? hub->root_port : port),
      depth(static_cast<u8>(hub ? hub->depth + 1 : 0)), route(route_of(hub, port)), speed(its_speed) {
    if (!hub || speed == Speed::High || speed >= Speed::Super) return;
    bool const by_this_hub = hub->speed == Speed::High;
    translator = by_this_hub ? hub : hub->translator;
    translator_port = by_this_hub ? port : hub->translator_port;
}

Device::Path Device::path() const {
    Path path;
    base::BufferWriter out({path.bytes.data(), path.bytes.size()});
    base::format_to(out, "{}", root_port);
    for (u8 i = 0; i < depth; ++i) base::format_to(out, ".{}", route >> 4 * i & 0xf);
    path.length = out.text().size();
    return path;
}

}
