// SPDX-License-Identifier: MIT
// /dev/vcs*, vcsa*, vcsu*: what consoles show, row after row without line ends. vcs(4). Number 0 is the console in front, as it is seen
// (also while looking back); the others are a console's own rows. They can only be read.
#include <algorithm>

#include "kernel/drivers/screen/screen.h"
#include "kernel/drivers/screen/vga_attribute.h"
#include "kernel/drivers/vt/code_page.h"
#include "mm/heap.h"

namespace drivers {

namespace {

constexpr u32 major = 7;
enum class Form : u8 { Text = 0, Unicode = 64, Attributes = 128 };   // added to a console's number
constexpr size_t header_size = 4;    // of Attributes: rows, columns, the cursor's column and row

class ScreenMemoryFile final : public fs::File {
public:
    ScreenMemoryFile(Ref<fs::Dentry> dentry, u32 flags, u32 number, Form form) : File(std::move(dentry), flags), number_(number), form_(form) {}

protected:
    Result<size_t> do_read(u64 position, mm::IoBuffer& buffer) override {
        size_t total = 0;
        (number_ == 0 ? screen.foreground() : *screen.console(number_)).settle();
        while (buffer.remaining() != 0) {
            std::array<u8, 256> part;
            size_t const length = TRY(copy(position + total, {part.data(), std::min<size_t>(part.size(), buffer.remaining())}));
            if (length == 0) break;
            total += TRY(buffer.copy_out(part.data(), length));
        }
        return total;
    }

private:
    /// Copies what is at `position`, up to the end, and returns how much. ENXIO: the console is gone.
    Result<size_t> copy(u64 position, std::span<u8> to) {
        Locked guard(screen_lock);
        VirtualConsole& console = number_ == 0 ? screen.foreground() : *screen.console(number_);
        if (!console.is_allocated()) return fail(ENXIO);
        ScreenCells const& cells = console.vt.cells();
        size_t done = 0;
        for (; done < to.size() && position + done < size(cells); ++done) to[done] = byte(console.vt, position + done);
        return done;
    }
    u32 bytes_a_cell() const { return form_ == Form::Text ? 1 : form_ == Form::Attributes ? 2 : 4; }
    u64 size(ScreenCells const& cells) const {
        return (form_ == Form::Attributes ? header_size : 0) + u64{cells.columns()} * cells.rows() * bytes_a_cell();
    }
    u8 byte(Vt const& vt, u64 position) const {
        ScreenCells const& cells = vt.cells();
        if (form_ == Form::Attributes) {
            u16 const header[header_size] = {cells.rows(), cells.columns(), cells.column(), cells.row()};
            if (position < header_size) return static_cast<u8>(std::min<u16>(header[position], 255));
            position -= header_size;
        }
        u32 const index = static_cast<u32>(position / bytes_a_cell()), part = static_cast<u32>(position % bytes_a_cell());
        u16 const row = static_cast<u16>(index / cells.columns()), column = static_cast<u16>(index % cells.columns());
        Cell const& cell = number_ == 0 ? cells.shown_line(row)[column] : cells.at(column, row);
        if (form_ == Form::Unicode) return part < 2 ? static_cast<u8>(cell.character >> 8 * part) : u8{0};
        if (part == 0) return code_page_number(cell.character);
        Pen pen = cell.pen;
        if (vt.is_inverted()) pen.flags ^= Pen::reverse;
        return vga_attribute(pen);
    }

    u32 const number_;
    Form const form_;
};

Result<Ref<fs::File>> open_memory(fs::Dentry& dentry, u32 flags, u64 device) {
    u32 const minor = fs::device_minor(device), number = minor % 64;
    VirtualConsole* const console = number == 0 ? &screen.foreground() : screen.console(number);
    {
        Locked guard(screen_lock);
        if (!console || !console->is_allocated()) return fail(ENXIO);
    }
    auto file = TRY(mm::make_ref<ScreenMemoryFile>(Ref<fs::Dentry>::share(&dentry), flags, number, static_cast<Form>(minor - number)));
    return Ref<fs::File>(std::move(file));
}

}

Result<> register_screen_memory() {
    constexpr struct { std::string_view name; Form form; } kinds[] = {{"vcs", Form::Text}, {"vcsu", Form::Unicode}, {"vcsa", Form::Attributes}};
    for (auto const& [kind, form] : kinds) {
        for (u32 number = 0; number <= Screen::console_count; ++number) {
            char name[8];
            size_t length = kind.copy(name, kind.size());
            if (number != 0) name[length++] = static_cast<char>('0' + number);
            TRY(fs::device_registry.add_character({name, length}, fs::make_device(major, static_cast<u32>(form) + number), 0440, open_memory));
        }
    }
    return {};
}

}
