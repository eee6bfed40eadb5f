// SPDX-License-Identifier: MIT
// What the three kinds of System V IPC share (sysvipc(7)): an object's owner and rights, and the
// table from ids and keys to objects. An object is found under the table's lock and used under its
// own, never both at once. A caller that finds an object just before its removal sees `removed`: EIDRM.
#pragma once

#include <string_view>

#include <linux/ipc.h>

#include "kernel/fs/credentials.h"
#include "kernel/ipc/system_v_limits.h"
#include "kernel/sync/mutex.h"
#include "mm/heap.h"
#include "mm/slab.h"
#include "mm/slot_map.h"

namespace ipc {

inline constexpr u32 may_read_all = 0444, may_write_all = 0222, permission_bits = 0777;
inline constexpr i32 id_slots = 32768;         ///< an id is sequence × id_slots + index, as in Linux

/// The process on whose behalf a call acts.
struct Requester {
    fs::Credentials const& credentials;
    Pid pid;
    bool is_superuser() const { return credentials.effective_uid.value == 0; }
};

using ObjectLock = sync::Mutex<LockRank::sleeping_leaf>;
using ObjectGuard = ObjectLock::Guard;

/// Seconds since 1970.
i64 now_seconds();

struct Identity {
    Identity(Requester const& who, u32 flags);

    ObjectLock lock;
    i32 id = -1;                               ///< set once, before the object can be found
    i32 key = 0;                               ///< the table's lock guards it
    UserId uid GUARDED_BY(lock), creator_uid;
    GroupId gid GUARDED_BY(lock), creator_gid;
    u32 mode GUARDED_BY(lock);
    i64 changed_s GUARDED_BY(lock);
    bool removed GUARDED_BY(lock) = false;

    /// As Linux's ipcperms(): `wanted` is like a mode, with the bits of any class. EACCES.
    Result<> permit(Requester const& who, u32 wanted) const REQUIRES(lock);
    /// IPC_SET, IPC_RMID: permitted to owner, creator and superuser. EPERM.
    Result<> permit_control(Requester const& who) const REQUIRES(lock);
    ipc64_perm describe() const REQUIRES(lock);
    /// The part of IPC_SET that all kinds share. EINVAL.
    Result<> change(ipc64_perm const& to) REQUIRES(lock);
};

/// `most`: the limit of the number of objects, which may change.
template <class T, std::atomic<u32>& most>
class IdTable {
public:
    constexpr IdTable() = default;

    /// EINVAL.
    Result<Ref<T>> find(i32 id) {
        if (id < 0) return fail(EINVAL);
        Locked guard(lock_);
        T* const object = slot(static_cast<u32>(id % id_slots));
        if (!object || object->id != id) return fail(EINVAL);
        return Ref<T>::share(object);
    }
    Ref<T> at(u32 index) {
        Locked guard(lock_);
        return Ref<T>::share(slot(index));
    }
    /// msgget(2) and related calls. `make` makes a new object, `check` checks an existing one. ENOENT EEXIST EACCES ENOSPC ENOMEM.
    template <class Make, class Check>
    Result<i32> get(i32 key, u32 flags, Requester const& who, Make&& make, Check&& check) {
        for (;;) {
            if (Ref<T> const there = key != IPC_PRIVATE ? find_key(key) : Ref<T>()) {
                if ((flags & IPC_CREAT) && (flags & IPC_EXCL)) return fail(EEXIST);
                Locked guard(there->lock);
                TRY(check(*there));
                TRY(there->permit(who, flags));
                return there->id;
            }
            if (key != IPC_PRIVATE && !(flags & IPC_CREAT)) return fail(ENOENT);
            auto const added = add(TRY(make()), key);
            if (added || added.error() != Errno(EEXIST)) return added;   // EEXIST: another caller was faster
        }
    }
    /// Returns the table's reference; null: the object was removed already.
    Ref<T> remove(T& object) {
        Locked guard(lock_);
        u32 const index = static_cast<u32>(object.id % id_slots);
        if (slot(index) != &object) return nullptr;
        unlink_key(object);
        chunks_[index / chunk_slots][index % chunk_slots] = nullptr;
        free_.give(index);
        --count_;
        return Ref<T>::adopt(&object);
    }
    /// IPC_RMID for objects that nothing keeps alive: removes it; its waiters fail with EIDRM. EINVAL EPERM EIDRM.
    Result<> end(i32 id, Requester const& who) {
        auto const object = TRY(find(id));
        {
            Locked guard(object->lock);
            TRY(object->permit_control(who));
        }
        if (!remove(*object)) return fail(EIDRM);
        object->end();
        return {};
    }
    /// The object can no longer be found by its key.
    void forget_key(T& object) {
        Locked guard(lock_);
        unlink_key(object);
    }
    u32 count() {
        Locked guard(lock_);
        return count_;
    }
    /// The highest index in use; 0 if there is none.
    i32 highest_index() {
        Locked guard(lock_);
        for (u32 index = limit; index-- > 0;)
            if (slot(index)) return static_cast<i32>(index);
        return 0;
    }
    /// Visits each object with no lock held.
    template <class Visitor>
    void for_each(Visitor&& visit) {
        i32 const last = highest_index();
        for (i32 index = 0; index <= last; ++index)
            if (Ref<T> const object = at(static_cast<u32>(index))) visit(*object);
    }

private:
    using Lock = sync::Mutex<LockRank::sleeping_leaf>;
    using Guard = Lock::Guard;
    static constexpr u32 limit = most_ids, chunk_slots = 512, buckets = 256, sequences = 65536;

    T* slot(u32 index) const REQUIRES(lock_) {
        if (index >= limit) return nullptr;
        T** const chunk = chunks_[index / chunk_slots];
        return chunk ? chunk[index % chunk_slots] : nullptr;
    }
    T*& bucket(i32 key) REQUIRES(lock_) { return by_key_[static_cast<u32>(key) * 2654435761u >> 24]; }
    Ref<T> find_key(i32 key) {
        Locked guard(lock_);
        return Ref<T>::share(first_with(key));
    }
    T* first_with(i32 key) REQUIRES(lock_) {
        T* object = bucket(key);
        while (object && object->key != key) object = object->next_in_bucket;
        return object;
    }
    void unlink_key(T& object) REQUIRES(lock_) {
        if (object.key == IPC_PRIVATE) return;
        T** link = &bucket(object.key);
        while (*link != &object) link = &(*link)->next_in_bucket;
        *link = object.next_in_bucket;
        object.key = IPC_PRIVATE;
    }
    Result<i32> add(Ref<T> object, i32 key) {
        Locked guard(lock_);
        if (key != IPC_PRIVATE && first_with(key)) return fail(EEXIST);
        if (count_ >= most.load(std::memory_order_relaxed)) return fail(ENOSPC);
        u32 const index = free_.take();
        if (index == free_.none) return fail(ENOSPC);
        T**& chunk = chunks_[index / chunk_slots];
        if (!chunk) chunk = new (std::nothrow) T*[chunk_slots]();
        if (!chunk) {
            free_.give(index);
            return fail(ENOMEM);
        }
        object->id = static_cast<i32>(sequence_++ % sequences) * id_slots + static_cast<i32>(index);
        object->key = key;
        if (key != IPC_PRIVATE) {
            object->next_in_bucket = bucket(key);
            bucket(key) = object.get();
        }
        ++count_;
        i32 const id = object->id;
        chunk[index % chunk_slots] = object.leak();
        return id;
    }

    Lock lock_;
    mm::SlotMap<limit> free_ GUARDED_BY(lock_);
    T** chunks_[(limit + chunk_slots - 1) / chunk_slots] GUARDED_BY(lock_) = {};   ///< allocated when needed, and never freed
    T* by_key_[buckets] GUARDED_BY(lock_) = {};
    u32 count_ GUARDED_BY(lock_) = 0;
    u32 sequence_ GUARDED_BY(lock_) = 0;
};

}
