// SPDX-License-Identifier: MIT
// The real epoll, explored: two or three threads call it, and every order of their steps is tried, up to a number of
// switches in the middle of a call. A step ends where a thread takes a mutex, asks a file, writes to a program or sleeps.
// No order may tell an event twice, deny it, or leave a thread asleep on it (a stall ends the program).
// sources: kernel/ipc/epoll.cpp kernel/ipc/nesting.cpp kernel/ipc/nameless.cpp sched/wake_observer.cpp
#define WAIT_QUEUES_OF_THE_TEST
#include "tests/host/fs_surroundings.h"

#include <functional>
#include <map>
#include <memory>

#include <poll.h>
#include <ucontext.h>

#define _ASM_GENERIC_FCNTL_H                             // <linux/eventpoll.h> wants it; the C library's <fcntl.h> is here
#include "kernel/ipc/epoll.h"

// ---------------------------------------------------------------- threads, one of which runs at a time

namespace {

/// Runs bodies under every schedule with at most `most_switches` switches away from a thread that could go on.
class Explorer {
public:
    static constexpr int most_threads = 3, most_switches = 3;
    using Body = std::function<void()>;

    /// `make` sets the scene and gives the bodies, `check` looks at it when all have ended. How many schedules there were.
    int explore(std::function<std::vector<Body>()> const& make, std::function<void()> const& check) {
        std::vector<size_t> choices, sizes;
        for (int runs = 1;; ++runs) {
            run(make(), choices, sizes);
            check();
            if (testing::Test::HasFailure()) return runs;
            while (!choices.empty() && choices.back() + 1 == sizes[choices.size() - 1]) choices.pop_back();
            if (choices.empty()) return runs;
            ++choices.back();
        }
    }
    bool is_running() const { return running_ >= 0; }
    int running() const { return running_; }
    /// Another thread may run now.
    void step() { if (is_running()) leave_until([] { return true; }); }
    /// Others run until `can_go_on`.
    void leave_until(std::function<bool()> can_go_on) {
        Worker& self = workers_[running_];
        self.can_go_on = std::move(can_go_on);
        swapcontext(&self.context, &chooser_);
    }

private:
    struct Worker {
        static constexpr size_t stack_size = 256 * 1024;
        ucontext_t context;
        std::unique_ptr<char[]> stack{new char[stack_size]};
        Body body;
        bool has_ended = true;
        std::function<bool()> can_go_on;
    };

    static void work();
    /// Follows `choices` and goes on with the first of each choice; `sizes`: how many there were.
    void run(std::vector<Body> bodies, std::vector<size_t>& choices, std::vector<size_t>& sizes) {
        for (size_t i = 0; i < bodies.size(); ++i) {
            workers_[i].body = std::move(bodies[i]);
            workers_[i].has_ended = false;
            workers_[i].can_go_on = [] { return true; };
            getcontext(&workers_[i].context);
            workers_[i].context.uc_stack.ss_sp = workers_[i].stack.get();
            workers_[i].context.uc_stack.ss_size = Worker::stack_size;
            workers_[i].context.uc_link = &chooser_;
            makecontext(&workers_[i].context, work, 0);
        }
        int last = -1, switches = 0;
        sizes.clear();
        for (size_t depth = 0;; ++depth) {
            std::vector<int> able;
            bool all_ended = true;
            for (int i = 0; i < most_threads; ++i) {
                all_ended &= workers_[i].has_ended;
                if (!workers_[i].has_ended && workers_[i].can_go_on()) able.push_back(i);
            }
            if (all_ended) return;
            if (able.empty()) stalled(choices);
            auto const stays = std::ranges::find(able, last);
            bool const could_stay = stays != able.end();
            if (could_stay) std::iter_swap(able.begin(), stays);
            sizes.push_back(could_stay && switches >= most_switches ? 1 : able.size());
            if (depth == choices.size()) choices.push_back(0);
            int const next = able[choices[depth]];
            switches += could_stay && next != last;
            running_ = last = next;
            swapcontext(&chooser_, &workers_[next].context);
            running_ = -1;
        }
    }
    [[noreturn]] void stalled(std::vector<size_t> const& choices) {
        std::fprintf(stderr, "a thread sleeps for ever; schedule:");
        for (size_t const choice : choices) std::fprintf(stderr, " %zu", choice);
        std::fprintf(stderr, "\n");
        std::_Exit(1);
    }

    Worker workers_[most_threads];
    ucontext_t chooser_;
    int running_ = -1;
};

Explorer* explorer = nullptr;

void Explorer::work() {
    Worker& self = explorer->workers_[explorer->running_];
    self.body();
    self.has_ended = true;
}

std::map<void*, int> mutex_owners;
bool page_is_bad[Explorer::most_threads];

void on_mutex(void* mutex, bool takes) {
    if (!explorer || !explorer->is_running()) return;
    if (!takes) {
        mutex_owners.erase(mutex);
        return;
    }
    explorer->step();
    if (mutex_owners.contains(mutex)) explorer->leave_until([mutex] { return !mutex_owners.contains(mutex); });
    mutex_owners[mutex] = explorer->running();
}

bool before_copy_to_user() {
    if (!explorer || !explorer->is_running()) return true;
    explorer->step();
    return !page_is_bad[explorer->running()];
}

}

namespace arch {
u64 clock_ns() { return 1; }
}

namespace sched {

alignas(Thread) std::byte some_thread[sizeof(Thread)];
constinit arch::PerCpu<Thread*> current_thread_pointer;

void WaitQueue::wake_first() {
    auto& waiter = static_cast<Waiter&>(*waiters_.first());
    waiters_.remove(waiter);
    count_.store(count_.load() - 1);
    waiter.state_.store(Waiter::State::Woken);
}
void WaitQueue::wake_one() {
    if (explorer) explorer->step();
    if (!waiters_.is_empty()) wake_first();
    if (!observers_.is_empty()) tell_observers(0);
}
bool WaitQueue::wake_waiters() {
    while (!waiters_.is_empty()) wake_first();
    return !observers_.is_empty();
}
void WaitQueue::wake_all(WakeEvents events) {
    if (explorer) explorer->step();
    if (wake_waiters()) tell_observers(events);
}
void WaitQueue::Waiter::enter() {
    if (state_.load() == State::Queued) return;
    state_.store(State::Queued);
    queue_.waiters_.push_back(*this);
    queue_.count_.store(queue_.count_.load() + 1);
}
void WaitQueue::Waiter::prepare(Interruptible) {
    explorer->step();
    enter();
    explorer->step();
}
void WaitQueue::Waiter::leave_for_good() {
    if (state_.load() != State::Queued) return;
    state_.store(State::Outside);
    queue_.waiters_.remove(*this);
    queue_.count_.store(queue_.count_.load() - 1);
}
Result<> WaitQueue::Waiter::sleep(Interruptible, u64) {
    explorer->leave_until([this] { return is_woken(); });
    return {};
}

}

namespace {

using ipc::Epoll;

/// Ready or not, as the test says.
class SwitchFile final : public fs::File {
public:
    SwitchFile() : File(nullptr, O_RDWR) {}
    fs::PollEvents poll(sched::WaitQueue*& queue_out) override {
        queue_out = &queue;
        explorer->step();
        auto const now = is_ready;
        explorer->step();
        return now ? POLLIN : 0;
    }
    void deliver() {
        is_ready = true;
        queue.wake_all(POLLIN);
    }
    bool is_seekable() const override { return false; }
    bool is_ready = false;
    sched::WaitQueue queue;
};

class EpollTest : public surroundings::FsTest {
protected:
    EpollTest() {
        sched::current_thread_pointer.write(reinterpret_cast<sched::Thread*>(sched::some_thread));
        surroundings::on_mutex = on_mutex;
        surroundings::before_copy_to_user = before_copy_to_user;
        static bool const registered = ipc::register_epoll().has_value();
        EXPECT_TRUE(registered);
        ipc::most_watches = 1000;
        explorer = &own_;
    }
    ~EpollTest() override {
        clear();
        explorer = nullptr;
        surroundings::on_mutex = nullptr;
        surroundings::before_copy_to_user = nullptr;
    }
    void clear() {
        outer.reset();
        epoll.reset();
        files.clear();
        std::ranges::fill(page_is_bad, false);
        mutex_owners.clear();
    }
    /// A new epoll that watches `count` new files for these events.
    void scene(size_t count, u32 events, bool are_ready) {
        clear();
        told = 0;
        told_new = false;
        epoll = *ipc::make_epoll(user);
        for (size_t i = 0; i < count; ++i) {
            files.push_back(*mm::make_ref<SwitchFile>());
            files.back()->is_ready = are_ready;
            control(events, i, true);
        }
    }
    Epoll& inner() { return *Epoll::from(*epoll); }
    static constexpr u64 new_data = 77;
    void control(u32 events, size_t i = 0, bool is_new = false, u64 data = 0) {
        epoll_event const event{.events = events | EPOLLIN, .data = data};
        auto const done = is_new ? inner().add(Fd(static_cast<int>(i)), *files[i], event) : inner().change(Fd(static_cast<int>(i)), *files[i], event);
        EXPECT_TRUE(done);
    }
    static constexpr u64 now = 0, forever = sched::no_deadline;
    int wait(Epoll& at, u64 deadline, u32 most = 1) {
        epoll_event events[4];
        auto const got = at.wait(mm::UserPtr<epoll_event>(UserAddr(reinterpret_cast<u64>(events))), most, deadline);
        for (u32 i = 0; got && i < *got; ++i) told_new |= events[i].data == new_data;
        return got ? static_cast<int>(*got) : -got.error().value;
    }
    int wait(u64 deadline, u32 most = 1) {
        int const got = wait(inner(), deadline, most);
        if (got > 0) told += got;
        return got;
    }
    bool poll() {
        sched::WaitQueue* queue = nullptr;
        return inner().poll(queue) & POLLIN;
    }
    /// What is left when all threads have ended.
    void tell_rest() { while (wait(now, 4) > 0) { } }
    template <class Make, class Check>
    void explore(Make&& make, Check&& check) {
        int const runs = own_.explore([&] { return std::vector<Explorer::Body>(make()); }, check);
        RecordProperty("schedules", runs);
        EXPECT_GT(runs, 20);
    }

    Ref<fs::File> epoll, outer;
    std::vector<Ref<SwitchFile>> files;
    int told = 0;
    bool told_new = false;                               ///< an event with new_data was
    Explorer own_;
};

using Bodies = std::vector<std::function<void()>>;

TEST_F(EpollTest, AOneShotWatchIsToldOnce) {
    explore([&] {
        scene(1, EPOLLONESHOT, false);
        return Bodies{[&] { wait(now); }, [&] { wait(now); }, [&] { files[0]->deliver(); files[0]->deliver(); }};
    }, [&] {
        tell_rest();
        EXPECT_EQ(told, 1);
    });
}

TEST_F(EpollTest, AnArmingIsNotUndone) {
    int before = 0;
    explore([&] {
        scene(1, EPOLLONESHOT, true);
        return Bodies{[&] { wait(now); }, [&] {
            before = told;
            control(EPOLLONESHOT);
        }, [&] { files[0]->deliver(); }};
    }, [&] {
        tell_rest();
        EXPECT_GE(told, before + 1);
        EXPECT_LE(told, 2);
    });
}

/// Whoever is told meanwhile is told by the old wish, and then the new one stands, or by the new one.
TEST_F(EpollTest, AnArmingBesideALookStands) {
    explore([&] {
        scene(1, EPOLLONESHOT, true);
        return Bodies{[&] { wait(now); }, [&] { control(EPOLLONESHOT, 0, false, new_data); }, [&] { poll(); }};
    }, [&] {
        tell_rest();
        EXPECT_TRUE(told_new);
    });
}

TEST_F(EpollTest, AnArmingWakesWhoSleeps) {
    explore([&] {
        scene(1, EPOLLONESHOT, true);
        wait(now);
        return Bodies{[&] { EXPECT_EQ(wait(forever), 1); }, [&] { control(EPOLLONESHOT); }, [&] { poll(); }};
    }, [] {});
}

TEST_F(EpollTest, ReadinessIsNotDenied) {
    explore([&] {
        scene(1, 0, true);
        return Bodies{[&] { EXPECT_EQ(wait(now), 1); }, [&] { EXPECT_EQ(wait(now), 1); }, [&] { EXPECT_TRUE(poll()); }};
    }, [] {});
}

TEST_F(EpollTest, ALookLeavesNobodyAsleep) {
    explore([&] {
        scene(1, 0, false);
        return Bodies{[&] { EXPECT_EQ(wait(forever), 1); }, [&] { EXPECT_EQ(wait(forever), 1); }, [&] { files[0]->deliver(); poll(); }};
    }, [] {});
}

TEST_F(EpollTest, AFaultPassesTheWakeOn) {
    explore([&] {
        scene(1, 0, false);
        page_is_bad[0] = true;
        return Bodies{[&] { EXPECT_EQ(wait(forever), -EFAULT); }, [&] { EXPECT_EQ(wait(forever), 1); }, [&] { files[0]->deliver(); }};
    }, [] {});
}

TEST_F(EpollTest, EachOfTwoSleepersGetsOneOfTwoEdges) {
    explore([&] {
        scene(2, EPOLLET, false);
        return Bodies{[&] { EXPECT_EQ(wait(forever), 1); }, [&] { EXPECT_EQ(wait(forever), 1); },
                      [&] { files[0]->deliver(); files[1]->deliver(); }};
    }, [&] { EXPECT_EQ(told, 2); });
}

/// An edge that comes while a file is asked is told after that: the last state is always known.
TEST_F(EpollTest, NoEdgeIsLost) {
    explore([&] {
        scene(1, EPOLLET, false);
        return Bodies{[&] { wait(now); }, [&] { poll(); wait(now); }, [&] { files[0]->deliver(); files[0]->deliver(); }};
    }, [&] {
        tell_rest();
        EXPECT_GE(told, 1);
        EXPECT_LE(told, 3);
    });
}

/// It is listed, the file says no, and while the looker has heard that, it comes true again.
TEST_F(EpollTest, AWakeDuringTheQuestionIsRemembered) {
    explore([&] {
        scene(1, EPOLLET, false);
        files[0]->deliver();
        files[0]->is_ready = false;
        return Bodies{[&] { wait(now); }, [&] { files[0]->deliver(); }, [&] { poll(); }};
    }, [&] {
        tell_rest();
        EXPECT_GE(told, 1);
    });
}

TEST_F(EpollTest, AWatchEndsWholly) {
    explore([&] {
        scene(2, 0, true);
        return Bodies{[&] { wait(now, 4); }, [&] { EXPECT_TRUE(inner().remove(Fd(0), *files[0])); }, [&] { files[0]->deliver(); }};
    }, [&] {
        EXPECT_EQ(wait(now, 4), 1);
        EXPECT_EQ(files[0]->watcher_count, 0u);
    });
}

TEST_F(EpollTest, AFileMayEndWhileItIsAsked) {
    explore([&] {
        scene(2, 0, true);
        return Bodies{[&] { wait(now, 4); }, [&] { files[0].reset(); }, [&] { poll(); }};
    }, [&] { EXPECT_EQ(wait(now, 4), 1); });
}

TEST_F(EpollTest, WhoWaitsOutsideIsWoken) {
    explore([&] {
        scene(1, 0, false);
        outer = *ipc::make_epoll(user);
        EXPECT_TRUE(Epoll::from(*outer)->add(Fd(9), *epoll, {.events = EPOLLIN | EPOLLET, .data = 9}));
        return Bodies{[&] { EXPECT_EQ(wait(*Epoll::from(*outer), forever), 1); }, [&] { wait(now); poll(); }, [&] { files[0]->deliver(); }};
    }, [] {});
}

/// Whoever waits inside, too.
TEST_F(EpollTest, InsideAndOutsideAreWoken) {
    explore([&] {
        scene(1, 0, false);
        outer = *ipc::make_epoll(user);
        EXPECT_TRUE(Epoll::from(*outer)->add(Fd(9), *epoll, {.events = EPOLLIN | EPOLLET, .data = 9}));
        return Bodies{[&] { EXPECT_EQ(wait(*Epoll::from(*outer), forever), 1); }, [&] { EXPECT_EQ(wait(forever), 1); }, [&] { files[0]->deliver(); }};
    }, [] {});
}

}
