// SPDX-License-Identifier: MIT
// Open files on their way through sockets: SCM_RIGHTS of unix(7). A message in a queue holds its files. Sockets in queues
// may hold each other in a circle that no program reaches: whenever a socket ends, and when a user has too many files under
// way, such circles are looked for and emptied. Files are given back without recursion, however long the chain of queues.
#pragma once

#include <base/intrusive.h>

#include "kernel/fs/file.h"
#include "kernel/fs/user.h"

namespace ipc {

class Channel;
class SocketFile;

/// Some open files. Must not die with a lock held: the last reference to a file may sleep.
class PassedFiles {
public:
    static constexpr u32 most = 253;                 ///< SCM_MAX_FD
    struct Batch;

    PassedFiles() = default;
    PassedFiles(PassedFiles&& other) noexcept : batch_(std::exchange(other.batch_, nullptr)) {}
    PassedFiles& operator=(PassedFiles&& other) noexcept { std::swap(batch_, other.batch_); return *this; }
    ~PassedFiles();

    /// Room for so many. ENOMEM.
    static Result<PassedFiles> create(u32 capacity);
    void add(Ref<fs::File> file);                    ///< there is room
    u32 count() const;
    Ref<fs::File> at(u32 index) const;
    explicit operator bool() const { return batch_; }
    /// The user answers for them until they arrive or are given back; `limit` is RLIMIT_NOFILE. ETOOMANYREFS.
    Result<> charge(Ref<fs::User> const& user, u64 limit);
    static void settle(Batch& batch);                ///< the charge ends

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
    /// The message leaves it.
    PassedFiles land();
    /// MSG_PEEK: more references to the same files, which fly on. The channel's lock is held. ENOMEM.
    Result<PassedFiles> copy() const;
    /// The channel's lock is held by one who holds its socket, too, so that no search empties it.
    bool has_files() const { return bool(files_); }
    base::ListHook hook;                             ///< in Channel::flights, if there are sockets among the files; flight_lock
private:
    friend struct CircleSearch;
    PassedFiles files_;                              ///< changed under the channel's lock and flight_lock
    Channel* channel_ = nullptr;                     ///< flight_lock; set: in its list
};

/// What a socket in flight knows of it. All guarded by flight_lock.
struct FlyingSocket {
    FlyingSocket *next = nullptr, **link = nullptr;  ///< in the list of all that fly
    base::ListHook work_hook;
    u32 in_flight = 0;                               ///< references from queues
    u32 found = 0;                                   ///< … from queues of sockets that fly
    bool is_reachable = false;
};

/// A socket has ended: circles may have come loose.
void look_for_circles();

}
