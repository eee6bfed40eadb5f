// SPDX-License-Identifier: MIT
// Epolls (epoll.h, ready_list.h). A looker holds look_lock_ from the first file that it asks to the last event that it
// writes: no other looker comes between, and a change of a watch comes before or after all of it.
#include "kernel/ipc/epoll.h"

#include <linux/fcntl.h>
#include <linux/poll.h>

#include <arch/time.h>

#include "kernel/fs/procfs/proc_number.h"
#include "kernel/ipc/nameless.h"
#include "kernel/ipc/watch.h"
#include "mm/frame_allocator.h"

namespace ipc {
namespace {

constexpr u32 most_watchers_of_one = 1u << 12;       // a wake-up in an interrupt visits all watchers of a file
constexpr u32 event_bits = ReadyEntry::event_bits, always_wanted = EPOLLERR | EPOLLHUP;
constexpr u32 goes_with_exclusive = EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;
constexpr u32 readable = POLLIN | POLLRDNORM;

constinit sync::Mutex<LockRank::watches> watches_lock;
using WatchesGuard = decltype(watches_lock)::Guard;

}

MM_OBJECT_CACHE_DEFINE(Watch)
MM_OBJECT_CACHE_DEFINE(Epoll)

constinit std::atomic<u64> most_watches{0};

/// epoll(7): the watches of a user may take 1/25 of memory.
u64 Epoll::default_most_watches() { return mm::frame_allocator.total_bytes() / 25 / sizeof(Watch); }

Epoll::Key::type Epoll::Key::operator()(Watch const& watch) const { return {watch.fd.value, &watch.file}; }

Epoll::Epoll(Ref<fs::Dentry> dentry, Ref<fs::User> user) : File(std::move(dentry), O_RDWR), user_(std::move(user)) {}

Epoll::~Epoll() {
    if (watches_) {
        Locked guard(watches_lock);
        Locked look(look_lock_);
        while (!watches_->all.empty()) end(*watches_->all.begin());
    }
    retire();
    delete watches_;
}

// ---------------------------------------------------------------- waking

/// True: a thread that waits for this epoll will look at it, and will see the event that came to an exclusive watch.
bool Epoll::on_wake(Watch& watch, sched::WakeEvents events, Chain& chain) {
    u32 wanted;
    {
        Locked guard(lock_);
        if (!ready_.wake(watch, events)) return false;
        wanted = watch.wanted;
    }
    // Ordering: full fence; pairs with the one in Waiter::enter(): a thread about to sleep sees the list, or this one sees the thread.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    bool const is_awaited = sleepers_.has_waiters();
    if (is_awaited || pollers_.has_waiters()) ask(chain);
    u32 const direction = events & (EPOLLIN | EPOLLOUT);
    return is_awaited && direction != (EPOLLIN | EPOLLOUT) && (wanted & direction) == direction;
}

void Epoll::make_wakes(Chain& chain) {
    sleepers_.wake_one();
    pollers_.relay_all(readable, chain);
}

// ---------------------------------------------------------------- epoll_ctl

Watch* Epoll::find(Fd fd, fs::File& file) {
    auto const place = watches_->all.find(Key::type{fd.value, &file});
    return place == watches_->all.end() ? nullptr : &*place;
}

/// Lists the watch if its file is ready already: such a file sends no wake-up.
void Epoll::look_at(Watch& watch) {
    sched::WaitQueue* queue = nullptr;
    if (!(watch.file.poll(queue) & watch.wanted & event_bits)) return;
    {
        Locked guard(lock_);
        if (!ready_.add(watch)) return;
    }
    sleepers_.wake_one();
    pollers_.wake_all(readable);
}

/// watches_lock is held.
void Epoll::end(Watch& watch) {
    watches_lock.assert_held();
    watch.leave();
    watch.file.watchers.erase(watch.file.watchers.iterator_to(watch));
    --watch.file.watcher_count;
    watches_->all.erase(watches_->all.iterator_to(watch));
    {
        Locked guard(lock_);
        ready_.remove(watch);
    }
    delete &watch;
}

void Watch::on_file_gone() {
    Epoll& own = epoll;
    Locked look(own.look_lock_);
    own.end(*this);
}

void Epoll::on_file_gone(fs::File& file) {
    Locked guard(watches_lock);
    while (!file.watchers.empty()) file.watchers.front().on_file_gone();
}

/// Adds a watch to the file's list, but not yet to its queue. watches_lock is held.
Result<Watch*> Epoll::insert(Fd fd, fs::File& file, epoll_event const& event) {
    watches_lock.assert_held();
    if (find(fd, file)) return fail(EEXIST);
    Epoll* const inner = from(file);
    TRY(Nesting::check(*this, inner));
    fs::Charge charge;
    if (file.watcher_count >= most_watchers_of_one) return fail(ENOSPC);
    if (!charge.begin(user_, fs::Charged::Watches, 1, most_watches.load(std::memory_order_relaxed))) return fail(ENOSPC);
    auto* const watch = TRY(mm::make<Watch>(*this, file, fd, std::move(charge)));
    watch->wanted = event.events | always_wanted;
    watch->data = event.data;
    file.watchers.push_back(*watch);
    ++file.watcher_count;
    file.set_watched();
    watches_->all.insert(*watch);
    if (!inner || !Nesting::has_too_many_ways_up(*inner)) return watch;
    end(*watch);
    return fail(EINVAL);
}

Result<> Epoll::add(Fd fd, fs::File& file, epoll_event const& event) {
    sched::WaitQueue* queue = nullptr;
    (void)file.poll(queue);
    if (!queue) return fail(EPERM);
    bool const is_exclusive = event.events & EPOLLEXCLUSIVE;
    if (is_exclusive && (from(file) || (event.events & ~goes_with_exclusive))) return fail(EINVAL);
    Locked guard(watches_lock);
    Locked look(look_lock_);
    Watch& watch = *TRY(insert(fd, file, event));
    if (is_exclusive) watch.set_exclusive();
    watch.enter(*queue);
    look_at(watch);
    return {};
}

Result<> Epoll::change(Fd fd, fs::File& file, epoll_event const& event) {
    if (event.events & EPOLLEXCLUSIVE) return fail(EINVAL);
    Locked look(look_lock_);
    Watch* const watch = find(fd, file);
    if (!watch) return fail(ENOENT);
    if (watch->wanted & EPOLLEXCLUSIVE) return fail(EINVAL);
    watch->data = event.data;
    {
        Locked guard(lock_);
        watch->wanted = event.events | always_wanted;
    }
    std::atomic_thread_fence(std::memory_order_seq_cst);   // a waker sees the change, or this thread sees the waker's
    look_at(*watch);
    return {};
}

Result<> Epoll::remove(Fd fd, fs::File& file) {
    Locked guard(watches_lock);
    Locked look(look_lock_);
    Watch* const watch = find(fd, file);
    if (!watch) return fail(ENOENT);
    end(*watch);
    return {};
}

// ---------------------------------------------------------------- looking

Watch* Epoll::take() {
    Locked guard(lock_);
    return static_cast<Watch*>(ready_.take());
}

void Epoll::settle(Watch& watch, ReadyList::Answer answer) {
    Locked guard(lock_);
    ready_.settle(watch, answer);
}

/// Asks each watch that is ready at the start once.
Result<u32> Epoll::tell(mm::UserPtr<epoll_event> out, u32 most) {
    u32 count = 0;
    for (u32 left = ready_.count(); left > 0 && count < most; --left) {
        Watch* const watch = take();
        if (!watch) break;
        sched::WaitQueue* queue = nullptr;
        epoll_event event{};
        event.events = watch->file.poll(queue) & watch->wanted & event_bits;
        event.data = watch->data;
        if (!event.events) {
            settle(*watch, ReadyList::Answer::NotReady);
            continue;
        }
        if (!(out + count).write(event)) {
            settle(*watch, ReadyList::Answer::StaysFirst);
            return count ? Result<u32>(count) : fail(EFAULT);
        }
        settle(*watch, ReadyList::Answer::Told);
        ++count;
    }
    return count;
}

/// An event wakes one thread: whatever its look finds, it wakes the next one if something is left.
Result<u32> Epoll::gather(mm::UserPtr<epoll_event> out, u32 most) {
    auto const told = [&] {
        Locked look(look_lock_);
        return tell(out, most);
    }();
    if (ready_.count()) sleepers_.wake_one();
    return told;
}

Result<u32> Epoll::wait(mm::UserPtr<epoll_event> out, u32 most, u64 deadline_ns) {
    auto const is_over = [&] { return deadline_ns != sched::no_deadline && arch::clock_ns() >= deadline_ns; };
    for (bool is_last = false; !is_last;) {
        if (ready_.count()) {
            u32 const count = TRY(gather(out, most));
            if (count) return count;
        }
        if (is_over()) return 0u;
        auto const slept = sleepers_.wait([this] { return ready_.count() != 0; }, sched::Interruptible::Yes, deadline_ns);
        if (!slept && slept.error() == Errno(ETIMEDOUT)) return 0u;
        if (!slept) return fail(slept.error());
        is_last = is_over();
    }
    return gather(out, most);
}

/// Ready if one of its files is; a listed watch may no longer be ready. Nothing is reported, so a ready watch stays in the list.
fs::PollEvents Epoll::poll(sched::WaitQueue*& queue_out) {
    queue_out = &pollers_;
    if (ready_.count() == 0) return 0;
    Locked look(look_lock_);
    for (u32 left = ready_.count(); left > 0; --left) {
        Watch* const watch = take();
        if (!watch) break;
        sched::WaitQueue* queue = nullptr;
        bool const is_ready = watch->file.poll(queue) & watch->wanted & event_bits;
        settle(*watch, is_ready ? ReadyList::Answer::StaysFirst : ReadyList::Answer::NotReady);
        if (is_ready) return readable;
    }
    return 0;
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
    fs::File::watched_file_goes.provide(Epoll::on_file_gone);
    most_watches = Epoll::default_most_watches();
    return fs::add_proc_number<most_watches, 0, INT64_MAX>("sys/fs/epoll/max_user_watches");
}

}
