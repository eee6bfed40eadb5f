// SPDX-License-Identifier: MIT
// What kernel/fs stands on, for its host tests: frames from an array, objects from malloc, a
// clock that ticks at each look, locks for one thread. Any allocation can be told to
// fail. A program made of kernel tests includes this once, and defines WAIT_QUEUES_OF_THE_TEST before if it has waiters.
// sources: kernel/fs/dentry.cpp kernel/fs/name_table.cpp kernel/fs/inode.cpp kernel/fs/file.cpp kernel/fs/directory_file.cpp
// sources: kernel/fs/path_walk.cpp kernel/fs/permissions.cpp kernel/fs/protections.cpp kernel/fs/tree_edit.cpp kernel/fs/vfs.cpp kernel/fs/user.cpp kernel/fs/size_limit.cpp kernel/fs/name_operations.cpp
// sources: kernel/fs/tmpfs/file_pages.cpp kernel/fs/tmpfs/tmpfs.cpp kernel/fs/tmpfs/tmpfs_options.cpp kernel/fs/tmpfs/tmpfs_types.cpp kernel/fs/devfs/device.cpp kernel/fs/mounts.cpp kernel/fs/procfs/procfs.cpp
// sources: kernel/fs/procfs/proc_process.cpp kernel/fs/procfs/proc_text_file.cpp mm/user/io_buffer.cpp kernel/base/format.cpp
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>

#include <base/format.h>

#include "kernel/base/random.h"
#include "kernel/fs/devfs/device.h"
#include "kernel/fs/file_locks.h"
#include "kernel/fs/procfs/procfs.h"
#include "kernel/fs/tmpfs/tmpfs.h"
#include "mm/frame_allocator.h"
#include "mm/kernel_space.h"
#include "sched/clock.h"

namespace surroundings {

inline constexpr size_t frame_count = 2048;
alignas(page_size) inline std::byte memory[frame_count * page_size];
inline mm::Frame records[frame_count];
inline std::vector<u32> free_list;
inline long live_objects = 0;          ///< from caches and the heap

/// The next allocation that is to fail, counted down; negative: none.
inline int failing_allocation = -1;
inline bool allocation_fails() { return failing_allocation >= 0 && failing_allocation-- == 0; }

/// For programs with several threads: told of each mutex that is taken (true) and given back.
inline void (*on_mutex)(void* mutex, bool takes) = nullptr;
/// False: the program's page is bad.
inline bool (*before_copy_to_user)() = nullptr;

inline void prepare_memory() {
    if (arch::host_memory) return;
    arch::host_memory = memory;
    for (u32 i = 1; i < frame_count; ++i) free_list.push_back(i);
}

inline void* allocate_object(size_t size) {
    if (allocation_fails()) return nullptr;
    ++live_objects;
    return std::malloc(size);
}

inline void free_object(void* object) {
    if (object) --live_objects;
    std::free(object);
}

}

namespace fs {

// Nobody locks a file in these tests.
FileLocks::~FileLocks() {}
void FileLocks::drop(LockKind, void const*) {}

}

namespace sched {
bool caller_is_dying() { return false; }
#ifndef WAIT_QUEUES_OF_THE_TEST
void WaitQueue::wake_all(WakeEvents) {}   // nobody waits
#endif
}

namespace mm {

bool VmObject::unmap_from(u64) { return true; }   // nobody maps a file, either

constinit FrameAllocator frame_allocator;

Frame& frame_record(PhysAddr address) { return surroundings::records[address.value() / page_size]; }
PhysAddr frame_address(Frame const& frame) { return PhysAddr(static_cast<u64>(&frame - surroundings::records) * page_size); }
FrameStatistics FrameAllocator::statistics() const { return {surroundings::frame_count, surroundings::free_list.size()}; }
u64 free_frames() { return surroundings::free_list.size(); }

Result<FrameRef> FrameAllocator::allocate(unsigned, Fill fill, Urgency) {
    using namespace surroundings;
    if (free_list.empty() || allocation_fails()) return fail(ENOMEM);
    Frame& frame = records[free_list.back()];
    free_list.pop_back();
    frame.references = 1;
    std::memset(arch::direct_map(frame_address(frame)), fill == Fill::Zero ? 0 : 0xa5, page_size);
    return FrameRef::adopt(frame);
}

void frame_release(Frame& frame) {
    u32 const before = frame.references.fetch_sub(1);
    ASSERT(before != 0);
    if (before == 1) surroundings::free_list.push_back(static_cast<u32>(&frame - surroundings::records));
}

void* ObjectCache::allocate() { return surroundings::allocate_object(object_size_); }
void ObjectCache::free(void* object) { surroundings::free_object(object); }
void* heap_allocate(size_t bytes) { return surroundings::allocate_object(bytes); }
void heap_free(void* pointer) { surroundings::free_object(pointer); }

}

// Classes without a cache of their own.
void* operator new(size_t bytes, std::nothrow_t const&) noexcept { return surroundings::allocation_fails() ? nullptr : ::operator new(bytes); }

namespace arch {
size_t copy_to_user(UserAddr to, void const* from, size_t bytes) {
    if (surroundings::before_copy_to_user && !surroundings::before_copy_to_user()) return bytes;
    return std::memcpy(reinterpret_cast<void*>(to.value()), from, bytes), 0;
}
size_t copy_from_user(void* to, UserAddr from, size_t bytes) { return std::memcpy(to, reinterpret_cast<void const*>(from.value()), bytes), 0; }
size_t clear_user(UserAddr to, size_t bytes) { return std::memset(reinterpret_cast<void*>(to.value()), 0, bytes), 0; }
}

namespace sync {
void MutexBase::acquire() { if (surroundings::on_mutex) surroundings::on_mutex(this, true); }
void MutexBase::release() { if (surroundings::on_mutex) surroundings::on_mutex(this, false); }
}

namespace base {
/// What names are hashed with: different in each process, but not in each run.
u64 random_u64() {
    static u64 state = 1;
    return state = state * 6364136223846793005u + 1442695040888963407u;
}
}

namespace sched {
constinit Clock clock;
u64 Clock::realtime_ns() const {
    static u64 now = 1'700'000'000ull * ns_per_s;
    return now += 1000;
}
}

namespace surroundings {

using namespace fs;

/// A root tmpfs, made once, and calls on it as a process would make them.
class FsTest : public testing::Test {
protected:
    FsTest() {
        prepare_memory();
        static bool const ready = [] { return mount_root_tmpfs().has_value() && device_registry.initialize().has_value() && procfs.initialize().has_value(); }();
        EXPECT_TRUE(ready);
        context = vfs.root_context();
        // Tests of limits set them; others have few frames and want many names.
        EXPECT_TRUE(context.root->inode()->file_system().configure("size=0,nr_inodes=0"));
        context.umask = 022;
    }
    ~FsTest() override {
        failing_allocation = -1;
        root = Credentials{};
        context = vfs.root_context();
        remove_everything("/");
    }

    Credentials root, user = ordinary_user(1000);
    FsContext context;

    static Credentials ordinary_user(u32 id) {
        Credentials who;
        who.real_uid = who.effective_uid = who.saved_uid = who.fs_uid = UserId(id);
        who.real_gid = who.effective_gid = who.saved_gid = who.fs_gid = GroupId(id);
        return who;
    }
    Walk as_root() { return {context, root}; }
    Walk as_user() { return {context, user}; }
    Walk no_follow() { return {context, root, nullptr, FollowLast::No}; }

    template <class T>
    static int error(Result<T> const& result) { return result ? 0 : result.error().value; }
    int mkdir(std::string const& path, u32 mode = 0755) { return error(vfs.make_directory(as_root(), path, mode)); }
    int symlink(std::string const& target, std::string const& path) { return error(vfs.make_symlink(as_root(), target, path)); }
    int link(std::string const& from, std::string const& to) { return error(vfs.link(no_follow(), from, as_root(), to)); }
    int unlink(std::string const& path) { return error(vfs.unlink(as_root(), path)); }
    int rmdir(std::string const& path) { return error(vfs.remove_directory(as_root(), path)); }
    int rename(std::string const& from, std::string const& to, u32 flags = 0) { return error(vfs.rename(as_root(), from, as_root(), to, flags)); }
    int resolve(std::string const& path) { return error(vfs.resolve(as_root(), path)); }
    Result<Ref<File>> open(std::string const& path, u32 flags, u32 mode = 0644) { return vfs.open(as_root(), path, flags, mode); }
    int write(std::string const& path, std::string const& text) {
        auto const file = open(path, O_WRONLY | O_CREAT | O_TRUNC);
        if (!file) return error(file);
        auto buffer = mm::IoBuffer::kernel(text.data(), text.size());
        auto const count = (*file)->write(buffer);
        return count && *count == text.size() ? 0 : count ? EIO : error(count);
    }
    std::string read(std::string const& path) {
        auto const file = open(path, O_RDONLY);
        return file ? read(**file) : "error " + std::to_string(error(file));
    }
    static std::string read(File& file) {
        std::string out;
        for (char bytes[1000];;) {
            auto buffer = mm::IoBuffer::kernel(bytes, sizeof bytes);
            auto const count = file.read(buffer);
            if (!count) return "error " + std::to_string(count.error().value);
            if (*count == 0) return out;
            out.append(bytes, *count);
        }
    }
    Attributes attributes(std::string const& path) {
        auto const dentry = vfs.resolve(no_follow(), path);
        EXPECT_TRUE(dentry) << path;
        return dentry ? *(*dentry)->file().attributes() : Attributes{};
    }
    std::vector<std::string> list(std::string const& path, size_t at_once = 3) {
        auto const directory = open(path, O_RDONLY | O_DIRECTORY);
        EXPECT_TRUE(directory) << path;
        std::vector<std::string> names;
        if (!directory) return names;
        struct Sink final : DirectorySink {
            std::vector<std::string>& names;
            size_t left;
            Sink(std::vector<std::string>& n, size_t l) : names(n), left(l) {}
            bool add(DirectoryEntry const& entry) override {
                if (left == 0) return false;
                --left;
                names.emplace_back(entry.name);
                return true;
            }
        };
        for (;;) {
            Sink sink(names, at_once);
            EXPECT_TRUE((*directory)->list(sink));
            if (sink.left == at_once) return names;
        }
    }
    void remove_everything(std::string const& path) {
        for (auto const& name : list(path)) {
            if (name == "." || name == "..") continue;
            auto const full = path + (path.ends_with('/') ? "" : "/") + name;
            if (unlink(full) == 0) continue;
            remove_everything(full);
            EXPECT_EQ(rmdir(full), 0) << full;
        }
    }
};

}
