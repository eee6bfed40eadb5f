// SPDX-License-Identifier: MIT
// Open files on their way through sockets: SCM_RIGHTS of unix(7). A message in a queue holds references to its files. Sockets in
// queues may hold each other in a circle that no program can reach: whenever a socket ends, and when a user has too many files in
// flight, such circles are searched and emptied. Files are released without recursion, however long the chain of queues is.
#pragma once

#include <base/intrusive.h>

#include "kernel/fs/file.h"
#include "kernel/fs/user.h"

namespace ipc {

class Channel;
class SocketFile;

/// Some open files. Must not be destroyed with a lock held, because dropping the last reference to a file may sleep.
class PassedFiles {
public:
    static constexpr u32 most = 253;                 ///< SCM_MAX_FD
    struct Batch;

    PassedFiles() = default;
    PassedFiles(PassedFiles&& other) noexcept : batch_(std::exchange(other.batch_, nullptr)) {}
    PassedFiles& operator=(PassedFiles&& other) noexcept { std::swap(batch_, other.batch_); return *this; }
    ~PassedFiles();

    /// Makes room for `capacity` files. ENOMEM.
    static Result<PassedFiles> create(u32 capacity);
    void add(Ref<fs::File> file);                    ///< the caller knows that there is room
    u32 count() const;
    Ref<fs::File> at(u32 index) const;
    explicit operator bool() const { return batch_; }
    /// Charges the user for them until they arrive or are released; `limit` is RLIMIT_NOFILE. ETOOMANYREFS.
    Result<> charge(Ref<fs::User> const& user, u64 limit);
    static void settle(Batch& batch);                ///< ends the charge

private:
    friend class Flight;
    friend struct CircleSearch;
    explicit PassedFiles(Batch* batch) : batch_(batch) {}
    Batch* batch_ = nullptr;
};

/// A message's files between their sender and their receiver.
class Flight {
public:
    Flight() = default;
    Flight(Flight const&) = delete;
    ~Flight() { (void)land(); }
    /// The message is entered in the queue of `channel`, whose lock is held.
    void depart(PassedFiles files, Channel& channel);
    /// The message leaves the queue.
    PassedFiles land();
    /// MSG_PEEK: new references to the same files, which stay in flight. The channel's lock is held. ENOMEM.
    Result<PassedFiles> copy() const;
    /// The caller holds the channel's lock, and a reference to its socket, so that no search empties the channel.
    bool has_files() const { return bool(files_); }
    base::ListHook hook;                             ///< in Channel::flights if sockets are among the files; flight_lock
private:
    friend struct CircleSearch;
    PassedFiles files_;                              ///< changed under the channel's lock and flight_lock
    Channel* channel_ = nullptr;                     ///< flight_lock; set: this is in its list
};

/// A socket's state about its own flights. flight_lock guards all of it.
struct FlyingSocket {
    FlyingSocket *next = nullptr, **link = nullptr;  ///< in the list of all sockets in flight
    base::ListHook work_hook;
    u32 in_flight = 0;                               ///< references from queues
    u32 found = 0;                                   ///< references from queues of sockets in flight
    bool is_reachable = false;
};

/// A socket has ended: circles may have become unreachable. Searches for them.
void look_for_circles();

}
