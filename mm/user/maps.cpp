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

/// Passes text on and pads with blanks up to the name's column before the first byte of a name. Escapes newlines in a
/// name as Linux does, so that no file name can imitate a line.
class NameWriter final : public base::Writer {
public:
    NameWriter(base::Writer& out, size_t column) : out_(out), column_(column) {}
    void write(std::string_view text) override {
        if (text.empty()) return;
        for (; column_ < name_column; ++column_) out_.write(" ");
        for (size_t end; (end = text.find('\n')) != text.npos; text.remove_prefix(end + 1)) {
            out_.write(text.substr(0, end));
            out_.write("\\012");
        }
        out_.write(text);
    }
private:
    base::Writer& out_;
    size_t column_;
};

/// Everything before the name, with one space at the end.
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

/// Writes one line at a time: a file is asked for its name with no lock held, because the answer may take any lock.
void AddressSpace::write_maps(base::Writer& out) const {
    u64 position = 0;
    for (;;) {
        char buffer[128];
        std::string_view line, name;
        Ref<VmObject> object;
        {
            ReadGuard const guard(lock_);
            Vma const* const vma = vmas_.first_ending_above(position);
            if (!vma) return;
            line = format_line(buffer, *vma);
            object = vma->object;
            if (!object) name = name_of(*vma, guard);
            position = vma->end;
        }
        out.write(line);
        NameWriter padded(out, line.size());
        if (object) object->describe(padded);
        else padded.write(name);
        out.write("\n");
    }
}

std::string_view AddressSpace::name_of(Vma const& vma, ReadGuard const&) const {
    if (vma.start < break_ && vma.end > heap_start_) return "[heap]";
    if (vma.is_stack() && vma.contains(layout_.stack_start.value())) return "[stack]";
    return {};
}

}
