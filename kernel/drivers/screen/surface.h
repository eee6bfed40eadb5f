// SPDX-License-Identifier: MIT
// Surface: something that shows cells: a framebuffer of pixels or a VGA's text memory.
// Its memory is only written, never read back. The screen locks it.
#pragma once

#include <array>

#include <base/result.h>
#include <boot/boot_info.h>

#include "kernel/drivers/screen/font.h"
#include "kernel/drivers/vt/console_look.h"
#include "kernel/drivers/vt/screen_cells.h"

namespace drivers {

class Surface {
public:
    virtual u16 columns() const = 0;
    virtual u16 rows() const = 0;
    /// Draws one cell. The cell under the cursor has Pen::cursor.
    virtual void draw(u16 column, u16 row, Cell const& cell) = 0;
    virtual void hide_cursor() {}
    /// Sets colours and cursor. True: they have changed, so the caller must draw everything again.
    virtual bool set_look(Look const& look) = 0;
protected:
    ~Surface() = default;
};

/// A linear framebuffer of any pitch, 15 to 32 bits a pixel.
class PixelSurface final : public Surface {
public:
    constexpr PixelSurface() = default;
    /// Maps it and paints it in the background's colour. ENODEV: the format or the size cannot be drawn on.
    Result<> start(boot::Framebuffer const& framebuffer);
    u16 columns() const override { return columns_; }
    u16 rows() const override { return rows_; }
    void draw(u16 column, u16 row, Cell const& cell) override;
    bool set_look(Look const& look) override;

private:
    static constexpr u32 most_scale = 4;
    using Line = std::array<u64, Font::width * most_scale * sizeof(u32) / sizeof(u64)>;

    struct Colours { u32 foreground, background; };
    Colours colours(Pen const& pen) const;
    u32 pixel(u32 rgb) const;
    void clear();
    void draw_pairs(u8* to, std::span<u8 const> glyph, u32 foreground, u32 background) const;
    u32 glyph_line(u8 bits, u32 foreground, u32 background, Line& line) const;

    Look look_;
    u8* base_ = nullptr;
    boot::Framebuffer format_;
    u32 bytes_per_pixel_ = 4;
    u32 scale_ = 1;                ///< screen pixels for a font pixel; above 1 on very fine displays
    u32 margin_ = 0;               ///< pixels left free around the text
    u16 columns_ = 0, rows_ = 0;
    Font regular_, bold_;
};

/// The text memory of a VGA.
class TextSurface final : public Surface {
public:
    constexpr TextSurface() = default;
    Result<> start(PhysAddr address, u32 columns, u32 rows, u32 pitch);
    /// True if the VGA is in a colour text mode, as a BIOS leaves it.
    static bool is_active();
    u16 columns() const override { return columns_; }
    u16 rows() const override { return rows_; }
    void draw(u16 column, u16 row, Cell const& cell) override;
    bool set_look(Look const& look) override;
    void hide_cursor() override;

private:
    void load_palette();
    Look look_;
    u8 volatile* base_ = nullptr;
    u32 pitch_ = 0;
    u16 columns_ = 0, rows_ = 0;
};

}
