// SPDX-License-Identifier: MIT
// The files and nodes of terminals: ttyS0, tty0, tty1, console (5,1) and tty (5,0), the
// opener's own terminal. The tables are filled at boot, before any program runs, and never
// change afterwards, so they need no lock.
#include <array>

#include <linux/fcntl.h>

#include "kernel/tty/pty.h"
#include "mm/heap.h"

namespace tty {

namespace {

constexpr u64 controlling_device = fs::make_device(5, 0);
constexpr u64 console_device = fs::make_device(5, 1);
constexpr u64 current_virtual_device = fs::make_device(4, 0);
constexpr u64 master_device = fs::make_device(5, 2);

struct Entry {
    u64 device = 0;
    Terminal* terminal = nullptr;
};

constinit std::array<Entry, 16> entries{};
constinit size_t entry_count = 0;
constinit Terminal* console_terminal = nullptr;
constinit base::FromAbove<Terminal&()> current_virtual_terminal;
constinit bool console_is_current = false;   ///< /dev/console is the virtual terminal in front

class TerminalFile final : public fs::File {
public:
    /// The caller has opened `terminal` for this file.
    TerminalFile(Ref<fs::Dentry> dentry, Use use, Ref<Terminal> terminal) : File(std::move(dentry), use.flags), terminal_(std::move(terminal)), use_(use) {}
    ~TerminalFile() override { terminal_->close(); }
    bool is_seekable() const override { return false; }
    Result<i64> ioctl(u32 command, u64 argument) override { return terminal_->ioctl(command, argument, use()); }
    fs::PollEvents poll(sched::WaitQueue*& queue_out) override { return terminal_->poll(queue_out, use()); }
protected:
    Result<size_t> do_read(u64, mm::IoBuffer& buffer) override { return terminal_->read(use(), buffer); }
    Result<size_t> do_write(u64, mm::IoBuffer& buffer) override { return terminal_->write(use(), buffer); }
private:
    Use use() const { return {flags(), use_.hang_ups, use_.outlives}; }
    Ref<Terminal> terminal_;
    Use const use_;
};

/// The terminal of a node. ENXIO: there is none.
Result<Ref<Terminal>> resolve(u64 device) {
    if (device == console_device && console_is_current) device = current_virtual_device;
    Ref<Terminal> terminal;
    if (device == current_virtual_device) terminal = current_virtual_terminal ? Ref<Terminal>::share(&current_virtual_terminal()) : nullptr;
    else if (device == console_device) terminal = Ref<Terminal>::share(console_terminal);
    else if (device == controlling_device) terminal = own_terminal();
    else terminal = find_terminal(device);
    if (!terminal) return fail(ENXIO);
    return terminal;
}

Result<Ref<fs::File>> make_file(Terminal& terminal, fs::Dentry& dentry, Use use) {
    auto file = mm::make_ref<TerminalFile>(Ref<fs::Dentry>::share(&dentry), use, Ref<Terminal>::share(&terminal));
    if (file) return Ref<fs::File>(std::move(*file));
    terminal.close();
    return fail(file.error());
}

Result<Ref<fs::File>> open_terminal(fs::Dentry& dentry, u32 flags, u64 device) {
    auto const terminal = TRY(resolve(device));
    bool const never_controls = device == console_device || device == controlling_device || device == current_virtual_device;
    if (!never_controls) return open_file_of(*terminal, dentry, flags);
    Use use = TRY(terminal->open(flags));
    use.outlives = device == console_device;
    return make_file(*terminal, dentry, use);
}

}

Result<Ref<fs::File>> open_file_of(Terminal& terminal, fs::Dentry& dentry, u32 flags) {
    auto file = TRY(make_file(terminal, dentry, TRY(terminal.open(flags))));
    if (!(flags & O_NOCTTY) && (flags & O_ACCMODE) != O_WRONLY) terminal.offer_to_opener();
    return file;
}

Ref<Terminal> own_terminal() {
    if (!signal_target) return nullptr;
    auto terminal = find_terminal(signal_target->controlling_terminal());
    // The number may have been reused after its terminal was destroyed.
    return terminal && terminal->belongs_to(signal_target->current_session()) ? std::move(terminal) : nullptr;
}

constinit base::FromAbove<SignalTarget> signal_target;
void set_console(Terminal& terminal) { console_terminal = &terminal; }
void set_console_to_current() { console_is_current = true; }

Ref<Terminal> find_terminal(u64 device) {
    if (device == 0) return nullptr;
    for (Entry const& entry : entries)
        if (entry.device == device) return Ref<Terminal>::share(entry.terminal);
    return find_pty_terminal(device);
}

void end_session(Pid session, u64 device) {
    if (auto const terminal = find_terminal(device)) terminal->end_session(session);
}

Result<> register_terminal(Terminal& terminal, std::string_view name, u64 device, u32 permissions) {
    if (entry_count == entries.size()) return fail(ENOSPC);
    TRY(fs::device_registry.add_character(name, device, permissions, open_terminal));
    entries[entry_count++] = {device, &terminal};
    return {};
}

Result<> register_current_terminal(std::string_view name, Terminal& (*current)()) {
    current_virtual_terminal.provide(current);
    return fs::device_registry.add_character(name, current_virtual_device, 0620, open_terminal);
}

Result<> register_common_nodes() {
    TRY(fs::device_registry.add_character("console", console_device, 0600, open_terminal));
    TRY(fs::device_registry.add_character("tty", controlling_device, 0666, open_terminal));
    TRY(fs::device_registry.add_character("ptmx", master_device, 0666, open_pty_master));
    TRY(register_pty_entries());
    return register_devpts();
}

}
