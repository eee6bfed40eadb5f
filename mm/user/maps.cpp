// SPDX-License-Identifier: MIT
// /proc/PID/maps, byte for byte as Linux writes it (fs/proc/task_mmu.c; proc(5)).
#include <base/format.h>

#include "mm/user/address_space.h"

namespace mm {

namespace {

constexpr size_t name_column = 73;   ///< Linux's seq_setwidth, and one space

/// Linux's encoding of device numbers in user space: makedev(3).
u32 major_number(u64 device) { return (device >> 8) & 0xfff; }
u32 minor_number(u64 device) { return (device & 0xff) | ((device >> 12) & 0xfff00); }

/// Counts what it passes on and pads to the column of the name just before the first byte of one.
class NameWriter final : public base::Writer {
public:
    NameWriter(base::Writer& out, size_t column) : out_(out), column_(column) {}
    void write(std::string_view text) override {
        if (text.empty()) return;
        for (; column_ < name_column; ++column_) out_.write(" ");
        out_.write(text);
    }
private:
    base::Writer& out_;
    size_t column_;
};

void write_name(base::Writer& out, Vma const& vma, u64 heap_start, u64 heap_end, u64 stack_start) {
    if (vma.object) return vma.object->describe(out);
    if (vma.start < heap_end && vma.end > heap_start) out.write("[heap]");
    else if (vma.is_stack() && vma.contains(stack_start)) out.write("[stack]");
}

/// Everything before the name; it ends with one space.
std::string_view format_line(std::span<char> buffer, Vma const& vma) {
    base::BufferWriter line(buffer);
    Protection const protection = vma.attributes.protection;
    u64 const device = vma.object ? vma.object->device() : 0;
    base::format_to(line, "{:08x}-{:08x} {}{}{}{} {:08x} {:02x}:{:02x} {} ", vma.start, vma.end,
                    protection.read ? 'r' : '-', protection.write ? 'w' : '-', protection.execute ? 'x' : '-',
                    vma.is_shared() ? 's' : 'p', vma.offset, major_number(device), minor_number(device),
                    vma.object ? vma.object->inode_number() : 0);
    return line.text();
}

}

void AddressSpace::write_maps(base::Writer& out) const {
    ReadGuard const guard(lock_);
    u64 const stack = layout_.stack_start.value();
    vmas_.for_each([&](Vma const& vma) {
        char buffer[128];
        auto const line = format_line(buffer, vma);
        out.write(line);
        NameWriter name(out, line.size());
        write_name(name, vma, heap_start_, break_, stack);
        out.write("\n");
    });
}

}
