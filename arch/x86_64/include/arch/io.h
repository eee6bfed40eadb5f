// SPDX-License-Identifier: MIT
// Access to I/O ports and memory-mapped registers. Each access is one instruction, in program order.
#pragma once

#include <base/types.h>

namespace arch {

inline void out8(u16 port, u8 v) { asm volatile("outb %0, %1" : : "a"(v), "Nd"(port)); }
inline void out16(u16 port, u16 v) { asm volatile("outw %0, %1" : : "a"(v), "Nd"(port)); }
inline void out32(u16 port, u32 v) { asm volatile("outl %0, %1" : : "a"(v), "Nd"(port)); }
inline u8 in8(u16 port) { u8 v; asm volatile("inb %1, %0" : "=a"(v) : "Nd"(port)); return v; }
inline u16 in16(u16 port) { u16 v; asm volatile("inw %1, %0" : "=a"(v) : "Nd"(port)); return v; }
inline u32 in32(u16 port) { u32 v; asm volatile("inl %1, %0" : "=a"(v) : "Nd"(port)); return v; }

template <class T> T mmio_read(void const volatile* p) { return *static_cast<T const volatile*>(p); }
template <class T> void mmio_write(void volatile* p, T v) { *static_cast<T volatile*>(p) = v; }

}
