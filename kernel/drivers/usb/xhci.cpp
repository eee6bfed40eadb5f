// SPDX-License-Identifier: MIT
// The controller's thread: it starts the controller, waits for events and work, and starts it again if it fails.
#include "kernel/drivers/usb/xhci.h"

#include <algorithm>

#include <arch/time.h>
#include <base/log.h>

#include "mm/kernel_space.h"
#include "sched/scheduler.h"

namespace drivers::usb::xhci {

namespace {

constexpr unsigned most_starts = 3;
constexpr u8 thread_priority = 50;             ///< of SCHED_FIFO: ^C must come through
constexpr u64 poll_ns = 10 * ns_per_ms;        ///< how often to look for events without an interrupt
constexpr u64 waiting_poll_ns = 20 * ns_per_ms;

/// How many controllers have not yet looked at what was plugged in before. Ordering: release by their threads, acquire by the waiter.
constinit std::atomic<u32> looking{0};
constinit sched::WaitQueue looked;

}

bool wait_for_first_look(u64 deadline_ns) {
    return looked.wait([] { return looking.load(std::memory_order_acquire) == 0; }, sched::Interruptible::No, deadline_ns).has_value();
}

Result<> attach(pci::Function const& function) {
    pci::Bar const bar = TRY(function.memory_bar(0));
    auto* const window = static_cast<u8*>(TRY(mm::kernel_space.map_mmio(bar.address, bar.size)));
    function.enable();
    mm::Owned<Controller> controller(TRY(mm::make<Controller>(function, window, bar.size)));
    TRY(controller->begin());
    static_cast<void>(controller.leak());   // a controller is never removed
    return {};
}

Result<> Controller::begin() {
    TRY(find_registers());
    auto const kind = function_.use_messages(on_interrupt, this, "xhci");
    if (auto const added = key_input.add_source(*this); !added) log_warning("usb", "too many controllers: one has no keyboard lights");
    auto const at = function_.address();
    u32 const version = registers_.read(0) >> 16;
    log_info("usb", "xHCI {:x}.{:02x} at {:02x}:{:02x}.{}, {} ports, {}", version >> 8, version & 0xff, at.bus, at.device, at.function, port_count_,
             kind ? *kind : "no interrupt");
    looking.fetch_add(1, std::memory_order_relaxed);
    auto const thread = sched::scheduler.create_kernel_thread("usb", run, this);
    if (!thread) panic("no memory for the USB thread");   // only while booting; the interrupt already knows this object
    return {};
}

void Controller::on_interrupt(void* controller) {
    auto& self = *static_cast<Controller*>(controller);
    self.interrupts_.fetch_add(1, std::memory_order_relaxed);
    self.wake_.wake_all();
}

void Controller::lights_changed() {
    lights_changed_.store(true, std::memory_order_relaxed);
    wake_.wake_all();
}

void Controller::run(void* controller) {
    auto& self = *static_cast<Controller*>(controller);
    static_cast<void>(sched::scheduler.set_class(sched::current_thread(), sched::SchedulingClass::Fifo, thread_priority));
    for (unsigned i = 0; i < most_starts; ++i) {
        auto const started = self.start();
        if (started) self.serve();
        else log_warning("usb", "the controller does not start (error {})", started.error().value);
        self.shut_down();
    }
    log_error("usb", "the controller failed {} times: given up", most_starts);
    self.end_first_look();
}

void Controller::end_first_look() {
    if (std::exchange(has_looked_, true)) return;
    looking.fetch_sub(1, std::memory_order_release);
    looked.wake_all();
}

void Controller::serve() {
    while (works_) {
        handle_events();
        has_interrupts_ = interrupts_.load(std::memory_order_relaxed) != 0;   // the first may be late while other CPUs start
        if (lights_changed_.exchange(false, std::memory_order_relaxed)) bus_.lights_changed();
        bus_.tick(arch::clock_ns());
        if (serve_ports() || bus_.work()) continue;
        end_first_look();
        u64 const next = bus_.deadline_ns();
        sleep_until(has_interrupts_ ? next : std::min(next, arch::clock_ns() + poll_ns), true);
        check_health();
    }
}

// ---------------------------------------------------------------- waiting

/// Sleeps until there is an event or the deadline has passed; a change of the lights ends the sleep only if `also_for_lights`.
void Controller::sleep_until(u64 deadline_ns, bool also_for_lights) {
    auto const is_wanted = [&] { return events_.has_event() || (also_for_lights && lights_changed_.load(std::memory_order_relaxed)); };
    static_cast<void>(wake_.wait(is_wanted, sched::Interruptible::No, deadline_ns));
}

bool Controller::wait_a_little(u64 deadline_ns) {
    u64 const now = arch::clock_ns();
    if (!works_ || now >= deadline_ns) return false;
    bus_.tick(now);
    sleep_until(std::min({deadline_ns, bus_.deadline_ns(), now + waiting_poll_ns}), false);
    check_health();
    handle_events();
    return true;
}

void Controller::pause_ms(u64 milliseconds) {
    static_cast<void>(wait_until([] { return false; }, milliseconds));
}

// ---------------------------------------------------------------- events

void Controller::give_up(std::string_view why) {
    if (std::exchange(works_, false)) log_error("usb", "{}", why);
}

/// A status of all ones means that the controller is no longer on the bus.
void Controller::check_health() {
    u32 const status = operational_.read(reg_status);
    if (status & (status_host_error | status_controller_error)) give_up(status == ~0u ? "the controller is gone" : "the controller reports an error of its own");
}

void Controller::handle_events() {
    if (!events_.has_event()) return;
    // Acknowledged before the events are read: a later event interrupts again.
    operational_.write(reg_status, status_event);
    (runtime_ + reg_interrupter).write(0, interrupt_pending | interrupt_enable);
    for (u32 i = 0; i < event_count && events_.has_event(); ++i) handle(events_.take());
    runtime_.write64(reg_dequeue, events_.dequeue_pointer() | dequeue_busy);
}

void Controller::handle(Trb const& event) {
    switch (type_of(event)) {
    case TrbType::TransferEvent: return handle_transfer(event);
    case TrbType::CommandEvent:
        if (command_address_ != 0 && event.parameter == command_address_) command_result_ = event, command_address_ = 0;
        return;
    case TrbType::PortEvent:
        if (u8 const port = static_cast<u8>(event.parameter >> 24); port <= port_count_) ports_[port].has_changed = true;
        return;
    default: return;
    }
}

void Controller::handle_transfer(Trb const& event) {
    Slot* const slot = slots_[slot_of(event)].get();
    if (!slot || !slot->device) return;
    u8 const endpoint = endpoint_of(event);
    if (endpoint == slot->report_endpoint && endpoint != 0) return handle_report(*slot, event);
    if (endpoint != control_endpoint) return;
    auto& transfer = slot->transfer;
    auto const entry = slot->control_ring.number_of(event.parameter);
    Completion const completion = completion_of(event);
    bool const is_good = completion == Completion::Success || completion == Completion::ShortPacket;
    if (is_good && transfer.has_data && entry == transfer.data_entry) transfer.residue = residue_of(event);
    if (is_good && entry != transfer.status_entry) return;
    transfer.completion = completion;
    transfer.is_done = true;
}

void Controller::handle_report(Slot& slot, Trb const& event) {
    Device& device = *slot.device;
    switch (completion_of(event)) {
    case Completion::Success:
    case Completion::ShortPacket: {
        device.failures = 0;
        u32 const length = slot.report_size - std::min<u32>(residue_of(event), slot.report_size);
        if (device.driver) device.driver->on_report({slot.buffers.at<u8>(Slot::report_buffer_at), length});
        return;
    }
    case Completion::Stopped:
    case Completion::StoppedInvalid:
    case Completion::StoppedShort: return;
    default: device.is_halted = true;
    }
}

}
