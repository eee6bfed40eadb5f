// SPDX-License-Identifier: MIT
// The name tree and tmpfs under several threads at once, memory given back, the devices.
#include <atomic>
#include <cstring>

#include <linux/fcntl.h>

#include <base/format.h>
#include <base/log.h>

#include "kernel/base/random.h"
#include "kernel/fs/devfs/device.h"
#include "kernel/fs/vfs.h"
#include "mm/kernel_space.h"
#include "mm/slab.h"
#include "tests/selftest/crew.h"
#include "tests/selftest/self_test.h"

using namespace selftest;
using fs::vfs;

namespace {

/// Calls as the superuser from the root.
struct Caller {
    fs::Credentials root;
    fs::FsContext context = vfs.root_context();
    fs::Walk walk() const { return {context, root, nullptr, fs::FollowLast::No}; }
};

struct Path {
    char text[64];
    size_t size;
    template <class... A>
    explicit Path(base::FormatString<std::type_identity_t<A>...> format, A const&... arguments) {
        base::BufferWriter writer(text);
        base::format_to(writer, format, arguments...);
        size = writer.text().size();
    }
    operator std::string_view() const { return {text, size}; }
};

Result<size_t> write_text(Caller const& caller, std::string_view path, std::string_view text) {
    auto const file = TRY(vfs.open(caller.walk(), path, O_WRONLY | O_CREAT | O_TRUNC, 0600));
    auto buffer = mm::IoBuffer::kernel(text.data(), text.size());
    return file->write(buffer);
}

}

SELF_TEST(tmpfs_gives_all_memory_back) {
    Caller const caller;
    auto const once = [&] {
        CHECK(vfs.make_directory(caller.walk(), "/selftest", 0700));
        char page[page_size];
        std::memset(page, 'x', sizeof page);
        for (u32 i = 0; i < 50; ++i) {
            CHECK(write_text(caller, Path("/selftest/file{}", i), {page, 100 + i * 50}));
            CHECK(vfs.make_symlink(caller.walk(), "target", Path("/selftest/a-link-with-quite-a-long-name-{}", i)));
        }
        for (u32 i = 0; i < 50; ++i) {
            CHECK(vfs.unlink(caller.walk(), Path("/selftest/file{}", i)));
            CHECK(vfs.unlink(caller.walk(), Path("/selftest/a-link-with-quite-a-long-name-{}", i)));
        }
        CHECK(vfs.remove_directory(caller.walk(), "/selftest"));
    };
    once();   // object caches have their pages now
    u64 const before = mm::free_frames(), slabs = mm::slab_statistics().frames, stacks = mm::kernel_space.cached_frames();
    for (int i = 0; i < 5; ++i) once();
    u64 const after = mm::free_frames();
    CHECK(after == before);
    if (after != before)
        log_error("selftest", "# free {} then {}, slabs {} then {}, cached stacks {} then {}", before, after, slabs,
                  mm::slab_statistics().frames, stacks, mm::kernel_space.cached_frames());
}

SELF_TEST_ON_ALL_CPUS(tree_survives_threads_that_fight) {
    static constexpr u32 threads = 4, rounds = 400, names = 5;
    Caller const caller;
    REQUIRE(vfs.make_directory(caller.walk(), "/fight", 0700));
    REQUIRE(vfs.make_directory(caller.walk(), "/fight/a", 0700));
    REQUIRE(vfs.make_directory(caller.walk(), "/fight/b", 0700));
    struct Work {
        Caller const& caller;
        std::atomic<u32> unexpected{0};
        void allow(Result<> const& result, std::initializer_list<int> errors) {
            if (result) return;
            for (int error : errors)
                if (result.error().value == error) return;
            ++unexpected;
        }
        void run(u32 number) {
            u64 random = number + 1;
            for (u32 i = 0; i < rounds; ++i) {
                random = random * 6364136223846793005u + 1442695040888963407u;
                Path const one("/fight/{}/n{}", random >> 60 & 1 ? "a" : "b", (random >> 40) % names);
                Path const other("/fight/{}/n{}", random >> 61 & 1 ? "a" : "b", (random >> 50) % names);
                switch (random >> 33 & 7) {
                case 0: allow(vfs.make_directory(caller.walk(), one, 0700), {EEXIST}); break;
                case 1: allow(vfs.remove_directory(caller.walk(), one), {ENOENT, ENOTDIR, ENOTEMPTY}); break;
                case 2: allow(vfs.unlink(caller.walk(), one), {ENOENT, EISDIR}); break;
                case 3: allow(vfs.link(caller.walk(), one, caller.walk(), other), {ENOENT, EEXIST, EPERM}); break;
                case 4: {
                    auto const written = write_text(caller, one, "text");
                    allow(written ? Result<>{} : fail(written.error()), {EISDIR, ENOENT});
                    break;
                }
                default: allow(vfs.rename(caller.walk(), one, caller.walk(), other, 0), {ENOENT, ENOTDIR, EISDIR, ENOTEMPTY, EINVAL}); break;
                }
                if (i % 8 == 0) sched::scheduler.yield();
            }
        }
    } work{caller};
    {
        Crew crew(work, threads);
        REQUIRE(crew.start_all(&Work::run));
    }
    CHECK(work.unexpected == 0);
    for (auto directory : {"a", "b"})
        for (u32 i = 0; i < names; ++i) {
            Path const path("/fight/{}/n{}", directory, i);
            if (!vfs.resolve(caller.walk(), path)) continue;
            CHECK(vfs.unlink(caller.walk(), path) || vfs.remove_directory(caller.walk(), path));
        }
    CHECK(vfs.remove_directory(caller.walk(), "/fight/a"));
    CHECK(vfs.remove_directory(caller.walk(), "/fight/b"));
    auto const rest = vfs.resolve(caller.walk(), "/fight");
    REQUIRE(rest);
    CHECK((*rest)->file().links() == 2);
    CHECK(vfs.remove_directory(caller.walk(), "/fight"));
}

SELF_TEST(memory_devices) {
    Caller const caller;
    fs::FsContext const dev{fs::device_registry.file_system().root_dentry(), fs::device_registry.file_system().root_dentry(), 0};
    fs::Walk const walk{dev, caller.root};
    u8 bytes[300];
    auto const transfer = [&](std::string_view name, bool reads) -> Result<size_t> {
        auto const file = TRY(vfs.open(walk, name, O_RDWR, 0));
        auto buffer = mm::IoBuffer::kernel(bytes, sizeof bytes);
        return reads ? file->read(buffer) : file->write(buffer);
    };
    std::memset(bytes, 1, sizeof bytes);
    CHECK(transfer("zero", true) == sizeof bytes);
    u32 sum = 0;
    for (u8 b : bytes) sum += b;
    CHECK(sum == 0);
    CHECK(transfer("null", true) == size_t{0});
    CHECK(transfer("null", false) == sizeof bytes);
    auto const full = transfer("full", false);
    CHECK(!full && full.error() == Errno(ENOSPC));
    CHECK(transfer("urandom", true) == sizeof bytes);
    u32 seen[256] = {}, distinct = 0;
    for (u8 b : bytes) distinct += seen[b]++ == 0;
    CHECK(distinct > 100);   // 300 random bytes take about 177 values
    CHECK(base::random_u64() != base::random_u64());
}
