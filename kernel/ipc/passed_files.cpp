// SPDX-License-Identifier: MIT
// Files in flight. flight_lock guards which sockets are in which queues; the search for circles marks, under it, what programs
// can reach, and takes the rest. Each thread that releases files has one Returner, so that the end of a file, which may release more
// files, adds to a list instead of recursing.
#include "kernel/ipc/passed_files.h"

#include "kernel/ipc/channel.h"

namespace ipc {

struct PassedFiles::Batch {
    Batch* next = nullptr;
    fs::Charge charge;
    u32 count = 0;
    fs::File* files[];                               ///< owns a reference to each
};

namespace {

using Batch = PassedFiles::Batch;

constinit sync::Mutex<LockRank::sleeping_leaf> flight_lock;
using FlightGuard = decltype(flight_lock)::Guard;

constinit FlyingSocket* first_flying GUARDED_BY(flight_lock) = nullptr;
constinit std::atomic<bool> some_fly{false};         // written under flight_lock

/// A thread that releases files. Work that arises from the end of a file is queued here and done afterwards.
struct Returner {
    Returner* next = nullptr;
    sched::Thread const* thread = nullptr;
    Batch* batches = nullptr;                        ///< used only by its own thread
    bool must_look = false;                          ///< for circles; used only by its own thread
};

constinit SpinLock<LockRank::leaf, InterruptsOff> returners_lock;
constinit Returner* returners GUARDED_BY(returners_lock) = nullptr;
using ReturnersGuard = decltype(returners_lock)::Guard;

/// The Returner of this thread; `own` becomes it if there is none.
Returner& enter(Returner& own) {
    own.thread = &sched::current_thread();
    Locked guard(returners_lock);
    for (Returner* other = returners; other; other = other->next)
        if (other->thread == own.thread) return *other;
    own.next = std::exchange(returners, &own);
    return own;
}

void leave(Returner& own) {
    Locked guard(returners_lock);
    Returner** link = &returners;
    while (*link != &own) link = &(*link)->next;
    *link = own.next;
}

void drop(Batch* batch) {
    for (u32 i = 0; i < batch->count; ++i) Ref<fs::File>::adopt(batch->files[i]).reset();
    std::destroy_at(batch);
    mm::heap_free(batch);
}

template <class Action>
void for_each_socket(Batch const& batch, Action&& act) {
    for (u32 i = 0; i < batch.count; ++i)
        if (SocketFile* const socket = SocketFile::from(*batch.files[i])) act(*socket);
}

void begin_flight(FlyingSocket& socket) REQUIRES(flight_lock) {
    if (socket.in_flight++ != 0) return;
    socket.next = std::exchange(first_flying, &socket);
    socket.link = &first_flying;
    if (socket.next) socket.next->link = &socket.next;
    some_fly.store(true, std::memory_order_relaxed);
}

void end_flight(FlyingSocket& socket) REQUIRES(flight_lock) {
    if (--socket.in_flight != 0) return;
    *socket.link = socket.next;
    if (socket.next) socket.next->link = socket.link;
    some_fly.store(first_flying, std::memory_order_relaxed);
}

template <class Action>
void for_each_flying(Action&& act) REQUIRES(flight_lock) {
    for (FlyingSocket* socket = first_flying; socket; socket = socket->next) act(*socket);
}

}

/// Empties the queues of sockets that only such queues hold. The files leave flight here; the caller releases them.
/// No other thread can be using these queues: it would hold a reference to the socket beyond those of the queues. No thread can
/// begin to during the search: a reference to a socket that only queues hold is taken from a queue, by land() or copy(), under
/// flight_lock.
struct CircleSearch {
    base::List<FlyingSocket, &FlyingSocket::work_hook> work;

    template <class Action>
    static void for_each_sent_to(FlyingSocket& socket, Action&& act) {
        for (Flight& flight : file_of(socket).incoming().flights) for_each_socket(*flight.files_.batch_, act);
    }
    static SocketFile& file_of(FlyingSocket& socket) { return static_cast<SocketFile&>(socket); }
    void reach(FlyingSocket& socket) {
        if (std::exchange(socket.is_reachable, true)) return;
        work.push_back(socket);
    }
    void mark() REQUIRES(flight_lock) {
        for_each_flying([](FlyingSocket& socket) {
            socket.found = 0;
            socket.is_reachable = false;
        });
        for_each_flying([](FlyingSocket& socket) { for_each_sent_to(socket, [](FlyingSocket& sent) { ++sent.found; }); });
        for_each_flying([&](FlyingSocket& socket) {
            if (file_of(socket).reference_count() > socket.in_flight || socket.found < socket.in_flight) reach(socket);
        });
        while (!work.empty()) {
            FlyingSocket& socket = work.front();
            work.pop_front();
            for_each_sent_to(socket, [&](FlyingSocket& sent) { reach(sent); });
        }
    }
    static void take_flights(FlyingSocket& socket, Batch*& out) {
        auto& flights = file_of(socket).incoming().flights;
        while (!flights.empty()) {
            Flight& flight = flights.front();
            flights.pop_front();
            flight.channel_ = nullptr;
            Batch* const batch = std::exchange(flight.files_.batch_, nullptr);
            batch->next = std::exchange(out, batch);
        }
    }
    Batch* run() {
        Batch* taken = nullptr;
        Locked guard(flight_lock);
        mark();
        for_each_flying([&](FlyingSocket& socket) {
            if (!socket.is_reachable) take_flights(socket, taken);
        });
        for (Batch* batch = taken; batch; batch = batch->next) for_each_socket(*batch, end_flight);
        return taken;
    }
};

namespace {

void give_back(Batch* batch, bool must_look) {
    Returner own;
    Returner& mine = enter(own);
    mine.must_look |= must_look;
    if (batch) batch->next = std::exchange(mine.batches, batch);
    if (&mine != &own) return;                       // a caller further up in this thread does the work
    for (;;) {
        while (Batch* const first = own.batches) {
            own.batches = first->next;
            PassedFiles::settle(*first);
            drop(first);
        }
        if (!std::exchange(own.must_look, false)) break;
        own.batches = CircleSearch().run();
    }
    leave(own);
}

}

void PassedFiles::settle(Batch& batch) { batch.charge.settle(); }

PassedFiles::~PassedFiles() {
    if (batch_) give_back(batch_, false);
}

Result<PassedFiles> PassedFiles::create(u32 capacity) {
    auto* const memory = mm::heap_allocate(sizeof(Batch) + capacity * sizeof(fs::File*));
    if (!memory) return fail(ENOMEM);
    return PassedFiles(new (memory) Batch);
}

void PassedFiles::add(Ref<fs::File> file) { batch_->files[batch_->count++] = file.leak(); }

u32 PassedFiles::count() const { return batch_ ? batch_->count : 0; }

Ref<fs::File> PassedFiles::at(u32 index) const { return Ref<fs::File>::share(batch_->files[index]); }

Result<> PassedFiles::charge(Ref<fs::User> const& user, u64 limit) {
    if (batch_->charge.begin(user, fs::Charged::FilesInFlight, count(), limit)) return {};
    look_for_circles();
    return batch_->charge.begin(user, fs::Charged::FilesInFlight, count(), limit) ? Result<>() : fail(ETOOMANYREFS);
}

void Flight::depart(PassedFiles files, Channel& channel) {
    Locked guard(flight_lock);
    files_ = std::move(files);
    for_each_socket(*files_.batch_, [&](SocketFile& socket) {
        flight_lock.assert_held();
        channel_ = &channel;
        begin_flight(socket);
    });
    if (channel_) channel.flights.push_back(*this);
}

/// The memory is allocated first, so that no search waits for it. If the references were taken without the lock, a search could have
/// seen one of these files before, and the socket that they came from after its holder had closed it: it would take both for a circle.
Result<PassedFiles> Flight::copy() const {
    auto out = TRY(PassedFiles::create(files_.count()));
    Locked guard(flight_lock);
    for (u32 i = 0; i < files_.count(); ++i) out.add(files_.at(i));
    return out;
}

PassedFiles Flight::land() {
    if (!files_) return {};
    PassedFiles out;
    {
        Locked guard(flight_lock);
        out = std::move(files_);
        if (channel_ && out) {
            channel_->flights.erase(channel_->flights.iterator_to(*this));
            for_each_socket(*out.batch_, end_flight);
        }
        channel_ = nullptr;
    }
    if (out) PassedFiles::settle(*out.batch_);
    return out;
}

void look_for_circles() {
    if (some_fly.load(std::memory_order_relaxed)) give_back(nullptr, true);
}

}
