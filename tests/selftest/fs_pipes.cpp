// SPDX-License-Identifier: MIT
// Pipes and FIFOs between threads: order, atomicity, sleeping and waking, the ends' rules.
#include <atomic>

#include <linux/fcntl.h>
#include <sys/stat.h>

#include "kernel/fs/vfs.h"
#include "kernel/ipc/pipe.h"
#include "mm/kernel_space.h"
#include "tests/selftest/crew.h"
#include "tests/selftest/self_test.h"

using namespace selftest;
using fs::File;

namespace {

struct Ends {
    Ref<File> reader, writer;
};

bool make(Ends& ends, u32 flags = 0) {
    auto made = ipc::make_pipe(flags);
    if (!made) return false;
    ends.reader = std::move(made->first);
    ends.writer = std::move(made->second);
    return true;
}

Result<size_t> put(File& file, void const* bytes, size_t size) {
    auto buffer = mm::IoBuffer::kernel(bytes, size);
    return file.write(buffer);
}

Result<size_t> take(File& file, void* bytes, size_t size) {
    auto buffer = mm::IoBuffer::kernel(bytes, size);
    return file.read(buffer);
}

/// The byte at a position of an endless text.
constexpr u8 byte_at(u64 position) { return static_cast<u8>(position * 2654435761u >> 24); }

}

SELF_TEST_ON_ALL_CPUS(pipe_keeps_order) {
    static constexpr u64 total = 1 << 20;
    struct Work : Ends {
        std::atomic<u64> wrong{0}, sent{0};
        void write(u32) {
            u8 bytes[700];
            for (u64 at = 0; at < total;) {
                size_t const size = std::min<u64>(1 + at * 7 % sizeof bytes, total - at);
                for (size_t i = 0; i < size; ++i) bytes[i] = byte_at(at + i);
                auto const count = put(*writer, bytes, size);
                if (!count || *count != size) ++wrong;
                at += size;
                sent = at;
            }
            writer.reset();
        }
    } work;
    REQUIRE(make(work));
    Crew crew(work, 1);
    REQUIRE(crew.start_all(&Work::write));
    u64 received = 0, wrong = 0;
    u8 bytes[1100];
    for (;;) {
        auto const count = take(*work.reader, bytes, 1 + received % sizeof bytes);
        if (!count || *count == 0) break;
        for (size_t i = 0; i < *count; ++i) wrong += bytes[i] != byte_at(received + i);
        received += *count;
    }
    crew.join();
    CHECK(received == total);
    CHECK(wrong == 0);
    CHECK(work.wrong == 0);
    CHECK(work.sent == total);
}

SELF_TEST_ON_ALL_CPUS(pipe_writes_of_pipe_buf_are_whole) {
    static constexpr u32 writers = 4, blocks = 100;
    static constexpr size_t block = 4096;
    struct Work : Ends {
        std::atomic<u32> failures{0};
        void write(u32 number) {
            auto const bytes = mm::Buffer::allocate(block);
            if (!bytes) {
                ++failures;
                return;
            }
            for (size_t i = 0; i < block; ++i) bytes->chars()[i] = static_cast<char>('a' + number);
            for (u32 i = 0; i < blocks; ++i) {
                auto const count = put(*writer, bytes->data(), block);
                if (!count || *count != block) ++failures;
            }
        }
    } work;
    REQUIRE(make(work));
    Crew crew(work, writers);
    REQUIRE(crew.start_all(&Work::write));
    u32 mixed = 0, seen[writers] = {};
    char bytes[512];
    char owner = 0;
    for (u64 received = 0; received < u64{writers} * blocks * block;) {
        auto const count = take(*work.reader, bytes, std::min(sizeof bytes, block - received % block));
        REQUIRE(count && *count > 0);
        if (received % block == 0) {
            owner = bytes[0];
            ++seen[owner - 'a'];
        }
        for (size_t i = 0; i < *count; ++i) mixed += bytes[i] != owner;
        received += *count;
    }
    crew.join();
    CHECK(work.failures == 0);
    CHECK(mixed == 0);
    for (u32 count : seen) CHECK(count == blocks);
}

SELF_TEST_ON_ALL_CPUS(pipe_ends_wake_the_other_side) {
    struct Work : Ends {
        std::atomic<int> read_result{-1}, write_error{0};
        void read(u32) {
            char byte;
            auto const count = take(*reader, &byte, 1);
            read_result = count ? static_cast<int>(*count) : -count.error().value;
        }
        void write(u32) {
            char const bytes[1000] = {};
            for (;;) {
                auto const count = put(*writer, bytes, sizeof bytes);
                if (count) continue;
                write_error = count.error().value;
                return;
            }
        }
    };
    Work sleeping_reader;
    REQUIRE(make(sleeping_reader));
    {
        Crew crew(sleeping_reader, 1);
        REQUIRE(crew.start_all(&Work::read));
        (void)sched::scheduler.sleep_until(in_ms(5), sched::Interruptible::No);
        sleeping_reader.writer.reset();
    }
    CHECK(sleeping_reader.read_result == 0);
    Work sleeping_writer;
    REQUIRE(make(sleeping_writer));
    {
        Crew crew(sleeping_writer, 1);
        REQUIRE(crew.start_all(&Work::write));
        (void)sched::scheduler.sleep_until(in_ms(5), sched::Interruptible::No);
        sleeping_writer.reader.reset();
    }
    CHECK(sleeping_writer.write_error == EPIPE);
}

SELF_TEST(pipe_wakes_every_waiting_reader_in_turn) {
    static constexpr u32 readers = 4;
    struct Work : Ends {
        std::atomic<u32> served{0};
        void read(u32) {
            char byte;
            auto const count = take(*reader, &byte, 1);
            if (count && *count == 1) ++served;
        }
    } work;
    REQUIRE(make(work));
    {
        Crew crew(work, readers);
        REQUIRE(crew.start_all(&Work::read));
        (void)sched::scheduler.sleep_until(in_ms(5), sched::Interruptible::No);
        CHECK(put(*work.writer, "abcd", readers));   // one wake-up for the first, who wakes the next
    }
    CHECK(work.served == readers);
}

SELF_TEST_ON_ALL_CPUS(fifo_ends_wait_for_each_other) {
    fs::Credentials const root;
    auto const context = fs::vfs.root_context();
    fs::Walk const walk{context, root};
    REQUIRE(fs::vfs.make_node(walk, "/selftest-fifo", S_IFIFO | 0600, 0));
    struct Work {
        fs::Walk const& walk;
        std::atomic<bool> reader_open{false};
        char text[8] = {};
        void read(u32) {
            auto const file = fs::vfs.open(walk, "/selftest-fifo", O_RDONLY, 0);
            reader_open = file.has_value();
            if (file) (void)take(**file, text, sizeof text);
        }
    } work{walk};
    {
        Crew crew(work, 1);
        REQUIRE(crew.start_all(&Work::read));
        (void)sched::scheduler.sleep_until(in_ms(5), sched::Interruptible::No);
        CHECK(!work.reader_open);
        auto const writer = fs::vfs.open(walk, "/selftest-fifo", O_WRONLY, 0);
        CHECK(writer);
        if (writer) CHECK(put(**writer, "hello", 5));
    }
    CHECK(work.reader_open);
    CHECK(std::string_view(work.text, 5) == "hello");
    CHECK(fs::vfs.unlink(walk, "/selftest-fifo"));
}

SELF_TEST_ON_ALL_CPUS(fifo_ends_never_miss_each_other) {
    static constexpr u32 rounds = 500;
    fs::Credentials const root;
    auto const context = fs::vfs.root_context();
    fs::Walk const walk{context, root};
    REQUIRE(fs::vfs.make_node(walk, "/selftest-fifo", S_IFIFO | 0600, 0));
    struct Work {
        fs::Walk const& walk;
        std::atomic<u32> failures{0}, rounds_read{0};
        void write(u32) {
            for (u32 i = 0; i < rounds; ++i) {
                {
                    // Gone at once, sometimes before the reader has looked.
                    auto const file = fs::vfs.open(walk, "/selftest-fifo", O_WRONLY, 0);
                    if (!file || !put(**file, "x", 1)) ++failures;
                }
                while (rounds_read <= i) sched::scheduler.yield();
            }
        }
        bool read_round(u32 round) {
            auto const file = fs::vfs.open(walk, "/selftest-fifo", O_RDONLY, 0);
            char bytes[2];
            if (!file || take(**file, bytes, sizeof bytes) != size_t{1}) return false;
            return take(**file, bytes, sizeof bytes) == size_t{0} && rounds_read == round;
        }
    } work{walk};
    {
        Crew crew(work, 1);
        REQUIRE(crew.start_all(&Work::write));
        for (u32 i = 0; i < rounds; ++i) {
            if (!work.read_round(i)) ++work.failures;
            work.rounds_read = i + 1;
            if (i % 2 == 0) sched::scheduler.yield();
        }
    }
    CHECK(work.failures == 0);
    CHECK(fs::vfs.unlink(walk, "/selftest-fifo"));
}
