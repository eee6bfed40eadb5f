// SPDX-License-Identifier: MIT
// The ring of a pipe against a model: random reads and writes that do not wait, of all sizes,
// with the ring resized under way, and memory running out.
// sources: kernel/ipc/pipe_buffer.cpp kernel/ipc/pipe.cpp kernel/ipc/pipe_limits.cpp
#define WAIT_QUEUES_OF_THE_TEST
#include "tests/host/fs_surroundings.h"

#include <algorithm>
#include <deque>
#include <random>

#include <poll.h>

#include "kernel/ipc/pipe.h"
#include "kernel/ipc/pipe_buffer.h"

namespace sched {

// Nobody waits in these tests.
void WaitQueue::wake_one() {}
void WaitQueue::wake_all(WakeEvents) {}
void WaitQueue::Waiter::leave_for_good() {}
void WaitQueue::Waiter::prepare(Interruptible) { FAIL() << "a call that must not wait waited"; }
Result<> WaitQueue::Waiter::sleep(Interruptible, u64) { return fail(EINTR); }
constinit arch::PerCpu<Thread*> current_thread_pointer;   // of a Waiter that is never used

}

namespace {

using namespace surroundings;
using ipc::Blocking;
using ipc::PipeBuffer;

class PipeTest : public FsTest {
protected:
    static int put(PipeBuffer& pipe, std::string const& text, bool in_packets = false) {
        auto buffer = mm::IoBuffer::kernel(text.data(), text.size());
        auto const count = pipe.write(buffer, Blocking::No, in_packets ? ipc::PipeMode::Packets : ipc::PipeMode::Stream);
        return count ? static_cast<int>(*count) : -count.error().value;
    }
    static std::string take(PipeBuffer& pipe, size_t size) {
        std::string out(size, '?');
        auto buffer = mm::IoBuffer::kernel(out.data(), size);
        auto const count = pipe.read(buffer, Blocking::No);
        if (!count) return "error " + std::to_string(count.error().value);
        out.resize(*count);
        return out;
    }
};

/// A ring of slots as Linux has it: pipe(7), fcntl(2).
struct ModelRing {
    struct Slot { std::string bytes; size_t end; bool is_packet; };   ///< end: of its bytes in the page
    std::deque<Slot> slots;
    size_t room = 16;

    int put(std::string text, bool in_packets) {
        size_t const odd = text.size() % 4096, whole = text.size();
        if (odd && !slots.empty() && !slots.back().is_packet && slots.back().end + odd <= 4096) {
            slots.back().bytes += text.substr(0, odd);
            slots.back().end += odd;
            text.erase(0, odd);
        }
        while (!text.empty() && slots.size() < room) {
            auto const part = text.substr(0, 4096);
            slots.push_back({part, part.size(), in_packets});
            text.erase(0, part.size());
        }
        if (whole && text.size() == whole) return -EAGAIN;
        return static_cast<int>(whole - text.size());
    }
    std::string take(size_t size) {
        std::string out;
        while (!slots.empty() && out.size() < size) {
            Slot& first = slots.front();
            bool const is_packet = first.is_packet;
            size_t const count = std::min(first.bytes.size(), size - out.size());
            out += first.bytes.substr(0, count);
            first.bytes.erase(0, count);
            if (first.bytes.empty() || is_packet) slots.pop_front();
            if (is_packet) break;
        }
        return out;
    }
    size_t count() const {
        size_t total = 0;
        for (auto const& slot : slots) total += slot.bytes.size();
        return total;
    }
};

TEST_F(PipeTest, BytesMatchAModel) {
    size_t const frames = free_list.size();
    {
        PipeBuffer pipe;
        pipe.add_reader();
        pipe.add_writer();
        std::mt19937 random(1);
        ModelRing model;
        u64 counter = 0;
        auto const fresh = [&](size_t size) {
            std::string text;
            while (text.size() < size) text += std::to_string(counter++) + ",";
            text.resize(size);
            return text;
        };
        u64 const sizes[] = {0, 1, 4096, 8192, 65536, 131072, 1048576};
        for (int step = 0; step < 20000; ++step) {
            size_t const size = random() % 3 ? random() % 200 : random() % 3 ? random() % 9000 : random() % 150000;
            switch (random() % 16) {
            case 0: {
                u64 const wanted = sizes[random() % std::size(sizes)], slots = std::max<u64>(wanted, 4096) / 4096;
                auto const got = pipe.resize(wanted, false);
                ASSERT_EQ(got.has_value(), model.slots.size() <= slots);
                if (got) model.room = slots;
                else ASSERT_EQ(got.error().value, EBUSY);
                ASSERT_EQ(pipe.capacity(), model.room * 4096);
                break;
            }
            case 1: case 2: case 3: case 4: case 5: case 6: case 7: case 8: {
                auto const text = fresh(size);
                bool const in_packets = random() % 8 == 0;
                ASSERT_EQ(put(pipe, text, in_packets), model.put(text, in_packets)) << size;
                break;
            }
            default:
                if (model.slots.empty() && size > 0) ASSERT_EQ(take(pipe, size), "error " + std::to_string(EAGAIN));
                else ASSERT_EQ(take(pipe, size), model.take(size));
            }
            ASSERT_EQ(pipe.byte_count(), model.count());
            ASSERT_EQ(pipe.has_room(), model.slots.size() < model.room);
            ASSERT_EQ(pipe.has_bytes(), !model.slots.empty());
        }
        pipe.remove_reader();
        pipe.remove_writer();
        EXPECT_EQ(free_list.size(), frames);
    }
}

TEST_F(PipeTest, EndsByTheRules) {
    auto [reader, writer] = *ipc::make_pipe(O_NONBLOCK, user);
    auto const attributes = *reader->attributes();
    EXPECT_EQ(attributes.type, FileType::Fifo);
    EXPECT_EQ(attributes.uid.value, 1000u);
    EXPECT_EQ(attributes.permissions, 0600u);
    EXPECT_EQ(error(reader->seek(0, SEEK_SET)), ESPIPE);
    char text[64];
    EXPECT_EQ(*reader->dentry()->path(*context.root, text, true), "pipe:[" + std::to_string(attributes.inode) + "]");
    sched::WaitQueue* queue = nullptr;
    EXPECT_EQ(reader->poll(queue), 0u);
    EXPECT_EQ(writer->poll(queue), u32{POLLOUT | 0x100});
    auto bytes = mm::IoBuffer::kernel("hello", 5);
    EXPECT_EQ(*writer->write(bytes), 5u);
    EXPECT_EQ(reader->poll(queue), u32{POLLIN | 0x40});
    auto wrong = mm::IoBuffer::kernel(text, 1);
    EXPECT_EQ(error(reader->write(wrong)), EBADF);
    EXPECT_EQ(error(writer->read(wrong)), EBADF);
    writer.reset();
    EXPECT_EQ(reader->poll(queue), u32{POLLIN | 0x40 | POLLHUP});
    EXPECT_EQ(read(*reader), "hello");
    EXPECT_EQ(reader->poll(queue), u32{POLLHUP});
    auto [reader2, writer2] = *ipc::make_pipe(O_NONBLOCK);
    reader2.reset();
    EXPECT_EQ(writer2->poll(queue), u32{POLLOUT | 0x100 | POLLERR});
    auto more = mm::IoBuffer::kernel("x", 1);
    EXPECT_EQ(error(writer2->write(more)), EPIPE);
}

TEST_F(PipeTest, FifosOpenByTheRules) {
    ipc::register_fifos();
    ASSERT_TRUE(vfs.make_node(as_root(), "/fifo", S_IFIFO | 0644, 0));
    EXPECT_EQ(error(open("/fifo", O_WRONLY | O_NONBLOCK)), ENXIO);
    auto reader = *open("/fifo", O_RDONLY | O_NONBLOCK);
    sched::WaitQueue* queue = nullptr;
    EXPECT_EQ(reader->poll(queue), 0u) << "no writer came yet: not hung up";
    EXPECT_EQ(read(*reader), "");
    auto writer = *open("/fifo", O_WRONLY);
    auto bytes = mm::IoBuffer::kernel("through", 7);
    EXPECT_EQ(*writer->write(bytes), 7u);
    writer.reset();
    EXPECT_EQ(read(*reader), "through");
    EXPECT_EQ(reader->poll(queue), u32{POLLHUP});
    reader.reset();
    auto both = *open("/fifo", O_RDWR | O_NONBLOCK);
    EXPECT_EQ(read(*both), "error " + std::to_string(EAGAIN));
}

TEST_F(PipeTest, OutOfMemory) {
    for (int nth = 0;; ++nth) {
        long const objects = live_objects;
        size_t const frames = free_list.size();
        failing_allocation = nth;
        bool finished = false;
        if (auto ends = ipc::make_pipe(O_NONBLOCK)) {
            auto bytes = mm::IoBuffer::kernel("x", 1);
            auto const count = ends->second->write(bytes);
            finished = failing_allocation >= 0;
            EXPECT_EQ(count ? 0 : count.error().value, count ? 0 : ENOMEM);
        }
        failing_allocation = -1;
        EXPECT_EQ(live_objects, objects);
        EXPECT_EQ(free_list.size(), frames);
        if (finished) break;
        ASSERT_LT(nth, 20);
    }
}

}
