// SPDX-License-Identifier: MIT
// Epolls. See epoll.h. The files are asked for their state with no lock held but references: a wake that comes
// meanwhile puts the watch into the ready list again, so none is lost.
#include "kernel/ipc/epoll.h"

#include <algorithm>

#include <linux/fcntl.h>
#include <linux/poll.h>

#include <arch/time.h>

#include "kernel/fs/proc_number.h"
#include "kernel/ipc/nameless.h"
#include "mm/frame_allocator.h"

namespace ipc {
namespace {

constexpr u32 most_levels = 5;                       // epoll_ctl(2), ELOOP
constexpr u64 most_paths = 1u << 18;                 // from one outermost epoll to files: what a look at it may cost
constexpr u32 event_bits = ~u32{EPOLLET | EPOLLONESHOT | EPOLLWAKEUP | EPOLLEXCLUSIVE};

constinit sync::Mutex<LockRank::watches> watches_lock;
using WatchesGuard = decltype(watches_lock)::Guard;

}

struct Watch final : RefCounted<Watch>, fs::FileWatcher, sched::WakeObserver {
    Watch(Epoll& e, fs::File& f, Fd number, fs::Charge its_charge) : epoll(e), file(f), fd(number), charge(std::move(its_charge)) {}
    void on_wake() override { epoll.mark(*this); }
    void on_file_gone() override { epoll.end(*this); }

    Epoll& epoll;
    fs::File& file;                                  ///< there as long as the watch is not dead
    Fd const fd;
    fs::Charge const charge;
    base::TreeHook tree_hook;                        ///< changed under watches_lock and epoll.lock_
    // ---- guarded by epoll.lock_
    base::ListHook ready_hook;
    u32 wanted = 0;                                  ///< no event bits: disarmed (EPOLLONESHOT)
    u64 data = 0;
    bool is_ready = false, is_dead = false;
    MM_OBJECT_CACHE(Watch)
};

MM_OBJECT_CACHE_DEFINE(Watch)
MM_OBJECT_CACHE_DEFINE(Epoll)

constinit std::atomic<u64> most_watches{0};

/// epoll(7): a user's watches may take a 25th of memory.
u64 Epoll::default_most_watches() { return mm::frame_allocator.total_bytes() / 25 / sizeof(Watch); }

struct Epoll::Watches {
    base::Tree<Watch, &Watch::tree_hook, Key> all;   ///< owns a reference to each
    base::List<Watch, &Watch::ready_hook> ready;
};

Epoll::Key::type Epoll::Key::operator()(Watch const& watch) const { return {watch.fd.value, &watch.file}; }

Epoll::Epoll(Ref<fs::Dentry> dentry, Ref<fs::User> user) : File(std::move(dentry), O_RDWR), user_(std::move(user)) {}

Epoll::~Epoll() {
    if (watches_) {
        WatchesGuard guard(watches_lock);
        while (!watches_->all.empty()) end(*watches_->all.begin());
    }
    retire();
    delete watches_;
}

// ---------------------------------------------------------------- waking

/// Into the ready list; false: it is there, or must not be. Any context.
bool Epoll::put_ready(Watch& watch) {
    Lock::Guard guard(lock_);
    if (watch.is_ready || watch.is_dead || !(watch.wanted & event_bits)) return false;
    watch.is_ready = true;
    watches_->ready.push_back(watch);
    ready_.store(ready_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    return true;
}

void Epoll::mark(Watch& watch) {
    if (put_ready(watch)) ask();
}

void Epoll::make_wakes() {
    sleepers_.wake_one();
    pollers_.wake_all();
}

/// After a change: a file that is ready already sends no wake. The caller holds the file; the watch may be dead by now.
void Epoll::mark_if_ready(Watch& watch, fs::File& file) {
    sched::WaitQueue* queue = nullptr;
    u32 wanted;
    {
        Lock::Guard guard(lock_);
        wanted = watch.wanted;
    }
    if (!(file.poll(queue) & wanted & event_bits)) return;
    mark(watch);
    drain();
}

// ---------------------------------------------------------------- epoll_ctl

Ref<Watch> Epoll::find(Fd fd, fs::File& file) {
    Lock::Guard guard(lock_);
    auto const place = watches_->all.find(Key::type{fd.value, &file});
    return place == watches_->all.end() ? nullptr : Ref<Watch>::share(&*place);
}

/// watches_lock is held.
void Epoll::end(Watch& watch) {
    watch.leave();
    watch.file.watchers.erase(watch.file.watchers.iterator_to(watch));
    {
        Lock::Guard guard(lock_);
        watch.is_dead = true;
        watches_->all.erase(watches_->all.iterator_to(watch));
        if (std::exchange(watch.is_ready, false)) {
            watches_->ready.erase(watches_->ready.iterator_to(watch));
            ready_.store(ready_.load(std::memory_order_relaxed) - 1, std::memory_order_release);
        }
    }
    watch.release_ref();
}

void Epoll::on_file_gone(fs::File& file) {
    WatchesGuard guard(watches_lock);
    while (!file.watchers.empty()) file.watchers.front().on_file_gone();
}

/// Epolls in the longest chain of watchers that ends at `epoll`; `paths` grows by the ways there. watches_lock is held.
u32 Epoll::levels_above(Epoll& epoll, u64& paths) {
    u32 most = 0;
    for (auto& watcher : epoll.watchers) {
        if (++paths > most_paths) return most_levels;
        most = std::max(most, levels_above(static_cast<Watch&>(watcher).epoll, paths));
    }
    return most + 1;
}

/// The same downwards; too many if it meets `forbidden`.
u32 Epoll::levels_below(Epoll& epoll, Epoll const* forbidden, u64& paths) {
    if (&epoll == forbidden) return most_levels;
    u32 most = 0;
    for (auto& watch : epoll.watches_->all) {
        if (++paths > most_paths) return most_levels;
        if (auto* const inner = from(watch.file)) most = std::max(most, levels_below(*inner, forbidden, paths));
    }
    return most + 1;
}

/// Adds up the ways down from every outermost epoll above `epoll`.
void Epoll::count_from_outermost(Epoll& epoll, u64& paths) {
    if (epoll.watchers.empty()) return void(levels_below(epoll, nullptr, paths));
    for (auto& watcher : epoll.watchers) {
        if (++paths > most_paths) return;
        count_from_outermost(static_cast<Watch&>(watcher).epoll, paths);
    }
}

/// Epolls that watch epolls: no circle, no more than five levels (ELOOP), and not so many ways that asking the outermost
/// one, which asks all within, would take for ever (EINVAL).
Result<> Epoll::check_nesting(Epoll* inner) {
    if (!inner && watchers.empty()) return {};
    u64 above = 0, below = 0, all = 0;
    u32 const levels = levels_above(*this, above) + (inner ? levels_below(*inner, this, below) : 0);
    if (above > most_paths || below > most_paths) return fail(EINVAL);
    if (levels > most_levels) return fail(ELOOP);
    count_from_outermost(*this, all);
    if (all + (above + 1) * (below + 1) > most_paths) return fail(EINVAL);
    return {};
}

/// In the list and in the file's queue, not yet asked for its state. watches_lock is held.
Result<Ref<Watch>> Epoll::insert(Fd fd, fs::File& file, sched::WaitQueue& queue, epoll_event const& event) {
    if (find(fd, file)) return fail(EEXIST);
    TRY(check_nesting(from(file)));
    fs::Charge charge;
    if (!charge.begin(user_, fs::Charged::Watches, 1, most_watches.load(std::memory_order_relaxed))) return fail(ENOSPC);
    auto* const watch = TRY(mm::make<Watch>(*this, file, fd, std::move(charge)));
    watch->wanted = event.events | EPOLLERR | EPOLLHUP;
    watch->data = event.data;
    file.watchers.push_back(*watch);
    file.set_watched();
    {
        Lock::Guard own(lock_);
        watches_->all.insert(*watch);
    }
    watch->enter(queue);
    return Ref<Watch>::share(watch);
}

// A file is asked for its state without watches_lock: an epoll that is asked holds its files for a moment, and
// the last reference to one of them takes that lock.

Result<> Epoll::add(Fd fd, fs::File& file, epoll_event const& event) {
    sched::WaitQueue* queue = nullptr;
    (void)file.poll(queue);
    if (!queue) return fail(EPERM);
    Ref<Watch> watch;
    {
        WatchesGuard guard(watches_lock);
        watch = TRY(insert(fd, file, *queue, event));
    }
    mark_if_ready(*watch, file);
    return {};
}

Result<> Epoll::change(Fd fd, fs::File& file, epoll_event const& event) {
    Ref<Watch> watch;
    {
        WatchesGuard guard(watches_lock);
        watch = find(fd, file);
        if (!watch) return fail(ENOENT);
        Lock::Guard own(lock_);
        watch->wanted = event.events | EPOLLERR | EPOLLHUP;
        watch->data = event.data;
    }
    std::atomic_thread_fence(std::memory_order_seq_cst);   // a waker sees the wish, or we what it did
    mark_if_ready(*watch, file);
    return {};
}

Result<> Epoll::remove(Fd fd, fs::File& file) {
    WatchesGuard guard(watches_lock);
    auto const watch = find(fd, file);
    if (!watch) return fail(ENOENT);
    end(*watch);
    return {};
}

// ---------------------------------------------------------------- epoll_wait

/// The first of the ready list, taken out, with its file. Null: none is left, or the budget is spent.
Ref<Watch> Epoll::next_ready(u32& budget, Ref<fs::File>& file) {
    Lock::Guard guard(lock_);
    while (budget > 0 && !watches_->ready.empty()) {
        --budget;
        Watch& watch = watches_->ready.front();
        watches_->ready.pop_front();
        watch.is_ready = false;
        ready_.store(ready_.load(std::memory_order_relaxed) - 1, std::memory_order_release);
        if (!watch.file.try_acquire_ref()) continue;     // its last descriptor is just being closed
        file = Ref<fs::File>::adopt(&watch.file);
        return Ref<Watch>::share(&watch);
    }
    return nullptr;
}

/// It was told. True: it stays ready (level-triggered).
bool Epoll::settle(Watch& watch) {
    Lock::Guard guard(lock_);
    if (watch.wanted & EPOLLONESHOT) watch.wanted &= ~event_bits;
    return !(watch.wanted & (EPOLLET | EPOLLONESHOT));
}

Result<u32> Epoll::gather(mm::UserPtr<epoll_event> out, u32 most) {
    u32 count = 0;
    u32 budget = ready_.load(std::memory_order_acquire);
    while (count < most) {
        Ref<fs::File> file;
        auto const watch = next_ready(budget, file);
        if (!watch) break;
        sched::WaitQueue* queue = nullptr;
        u32 const now = file->poll(queue);
        epoll_event event{};
        {
            Lock::Guard guard(lock_);
            if (!watch->is_dead) event.events = now & watch->wanted & event_bits;
            event.data = watch->data;
        }
        if (!event.events) continue;
        if (!(out + count).write(event)) {
            (void)put_ready(*watch);
            if (!count) return fail(EFAULT);
            break;
        }
        ++count;
        if (settle(*watch)) (void)put_ready(*watch);
    }
    return count;
}

Result<u32> Epoll::wait(mm::UserPtr<epoll_event> out, u32 most, u64 deadline_ns) {
    for (;;) {
        u32 const count = TRY(gather(out, most));
        if (count) {
            if (ready_.load(std::memory_order_acquire)) sleepers_.wake_one();   // the next one's turn
            return count;
        }
        auto const slept = sleepers_.wait([this] { return ready_.load(std::memory_order_acquire) != 0; }, sched::Interruptible::Yes, deadline_ns);
        if (!slept && slept.error() == Errno(ETIMEDOUT)) return 0u;
        if (!slept) return fail(slept.error());
        if (arch::clock_ns() >= deadline_ns) return gather(out, most);
    }
}

/// Ready if one of its files is: what is in the list may not be so any more.
fs::PollEvents Epoll::poll(sched::WaitQueue*& queue_out) {
    queue_out = &pollers_;
    for (u32 budget = ready_.load(std::memory_order_acquire);;) {
        Ref<fs::File> file;
        auto const watch = next_ready(budget, file);
        if (!watch) return 0;
        sched::WaitQueue* queue = nullptr;
        u32 const now = file->poll(queue);
        u32 wanted;
        {
            Lock::Guard guard(lock_);
            wanted = watch->wanted & event_bits;
        }
        if (!(now & wanted)) continue;
        (void)put_ready(*watch);
        return POLLIN | POLLRDNORM;
    }
}

Result<Ref<fs::File>> make_epoll(fs::Credentials const& who) {
    auto dentry = TRY(make_nameless("eventpoll", who));
    auto epoll = TRY(mm::make_ref<Epoll>(std::move(dentry), who.user));
    TRY(epoll->prepare());
    return Ref<fs::File>(std::move(epoll));
}

Result<> Epoll::prepare() {
    watches_ = TRY(mm::make<Watches>());
    return {};
}

Result<> register_epoll() {
    fs::File::register_tell_watchers(Epoll::on_file_gone);
    most_watches = Epoll::default_most_watches();
    return fs::add_proc_number<most_watches, 0, INT64_MAX>("sys/fs/epoll/max_user_watches");
}

}
