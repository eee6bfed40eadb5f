// SPDX-License-Identifier: MIT
// /dev/null, zero, full, random, urandom: mem(4), random(4). They keep no position: every one reads the same.
#include <algorithm>
#include <array>

#include <linux/fs.h>

#include "kernel/base/random.h"
#include "kernel/fs/devfs/device.h"

namespace fs {

namespace {

constexpr size_t chunk_size = 64 * kib;    ///< how much is read between two checks for a signal

class MemoryDevice : public File {
public:
    using File::File;
    Result<u64> seek(i64, int) override { return 0; }
    bool keeps_position() const override { return false; }
};

class NullFile final : public MemoryDevice {
public:
    using MemoryDevice::MemoryDevice;
protected:
    Result<size_t> do_read(u64, mm::IoBuffer&) override { return 0; }
    Result<size_t> do_write(u64, mm::IoBuffer& buffer) override { return buffer.remaining(); }
};

class ZeroFile : public MemoryDevice {
public:
    using MemoryDevice::MemoryDevice;
    /// mmap(2) of /dev/zero: zero-filled memory, a new object for each mapping.
    Result<Ref<mm::VmObject>> vm_object() override { return mm::make_anonymous_object(arch::user_space_end); }
protected:
    Result<size_t> do_read(u64, mm::IoBuffer& buffer) override {
        size_t total = 0;
        while (buffer.remaining() > 0) {
            auto const count = buffer.fill_zero(std::min<u64>(buffer.remaining(), chunk_size));
            if (!count) return total ? Result<size_t>(total) : fail(count.error());
            total += *count;
            if (*count < chunk_size || sched::current_thread().has_signal()) break;
        }
        return total;
    }
    Result<size_t> do_write(u64, mm::IoBuffer& buffer) override { return buffer.remaining(); }
};

class FullFile final : public ZeroFile {
public:
    using ZeroFile::ZeroFile;
    Result<Ref<mm::VmObject>> vm_object() override { return fail(ENODEV); }
protected:
    Result<size_t> do_write(u64, mm::IoBuffer&) override { return fail(ENOSPC); }
};

class RandomFile final : public MemoryDevice {
public:
    using MemoryDevice::MemoryDevice;
protected:
    Result<size_t> do_read(u64, mm::IoBuffer& buffer) override {
        std::array<std::byte, 256> bytes;
        size_t total = 0;
        while (u64 const left = buffer.remaining()) {
            std::span const part(bytes.data(), std::min<u64>(left, bytes.size()));
            base::random_bytes(part);
            auto const count = buffer.copy_out(part.data(), part.size());
            if (!count) return total ? Result<size_t>(total) : fail(count.error());
            total += *count;
            if (*count < part.size() || is_interrupted_after(total)) break;
        }
        return total;
    }
    Result<size_t> do_write(u64, mm::IoBuffer& buffer) override {
        std::array<std::byte, 256> bytes;
        size_t total = 0;
        while (u64 const left = buffer.remaining()) {
            auto const count = buffer.copy_in(bytes.data(), std::min<u64>(left, bytes.size()));
            if (!count) return total ? Result<size_t>(total) : fail(count.error());
            base::add_entropy({bytes.data(), *count});
            total += *count;
            if (is_interrupted_after(total)) break;
        }
        return total;
    }
private:
    /// A signal interrupts only between two pages, as on Linux.
    static bool is_interrupted_after(size_t total) { return total % page_size == 0 && sched::current_thread().has_signal(); }
};

template <class Kind>
Result<Ref<File>> open_as(Dentry& dentry, u32 flags, u64) {
    return TRY(mm::make_ref<Kind>(Ref<Dentry>::share(&dentry), flags));
}

}

Result<> register_memory_devices() {
    constexpr u32 memory_major = 1;          // Linux's Documentation/admin-guide/devices.txt
    constexpr u32 everyone = 0666;
    TRY(device_registry.add_character("null", make_device(memory_major, 3), everyone, open_as<NullFile>));
    TRY(device_registry.add_character("zero", make_device(memory_major, 5), everyone, open_as<ZeroFile>));
    TRY(device_registry.add_character("full", make_device(memory_major, 7), everyone, open_as<FullFile>));
    TRY(device_registry.add_character("random", make_device(memory_major, 8), everyone, open_as<RandomFile>));
    return device_registry.add_character("urandom", make_device(memory_major, 9), everyone, open_as<RandomFile>);
}

}
