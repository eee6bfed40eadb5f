// SPDX-License-Identifier: MIT
// Ref<T>: an intrusive, atomic reference count for objects with several owners. T derives from RefCounted<T>. The
// last release calls T::destroy() if T has one, otherwise deletes the object.
#pragma once

#include <atomic>
#include <utility>

#include <base/types.h>

namespace base {

template <class T>
class RefCounted {
public:
    constexpr RefCounted() = default;
    RefCounted(RefCounted const&) = delete;
    RefCounted& operator=(RefCounted const&) = delete;

    // Ordering: relaxed; the caller already owns a reference.
    void acquire_ref() const { references_.fetch_add(1, std::memory_order_relaxed); }
    /// Acquires only if a reference still exists (lookup tables).
    bool try_acquire_ref() const {
        u32 count = references_.load(std::memory_order_relaxed);
        while (count != 0)
            if (references_.compare_exchange_weak(count, count + 1, std::memory_order_acquire, std::memory_order_relaxed)) return true;
        return false;
    }
    // Ordering: release by each owner, acquire by the last: it sees all their writes.
    /// Drops a reference. True: it was the last, and the caller ends the object (chains without recursion).
    [[nodiscard]] bool drop_ref() const { return references_.fetch_sub(1, std::memory_order_acq_rel) == 1; }
    void release_ref() const {
        if (!drop_ref()) return;
        T* self = const_cast<T*>(static_cast<T const*>(this));
        if constexpr (requires { self->destroy(); }) self->destroy();
        else delete self;
    }
    u32 reference_count() const { return references_.load(std::memory_order_relaxed); }

protected:
    ~RefCounted() = default;
private:
    mutable std::atomic<u32> references_{1};
};

template <class T>
class Ref {
public:
    constexpr Ref() = default;
    constexpr Ref(std::nullptr_t) {}
    /// Takes over a reference that the caller owns (a new object's first one).
    static constexpr Ref adopt(T* object) { Ref r; r.object_ = object; return r; }
    /// Adds a reference.
    static Ref share(T* object) { if (object) object->acquire_ref(); return adopt(object); }

    Ref(Ref const& other) : object_(other.object_) { if (object_) object_->acquire_ref(); }
    constexpr Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    template <class U> requires std::convertible_to<U*, T*>
    Ref(Ref<U> other) : object_(other.leak()) {}
    Ref& operator=(Ref other) noexcept { std::swap(object_, other.object_); return *this; }
    constexpr ~Ref() { if (object_) object_->release_ref(); }

    T* get() const { return object_; }
    T* operator->() const { return object_; }
    T& operator*() const { return *object_; }
    explicit operator bool() const { return object_ != nullptr; }
    bool operator==(Ref const& other) const { return object_ == other.object_; }
    /// Hands the reference to the caller.
    [[nodiscard]] T* leak() { return std::exchange(object_, nullptr); }
    void reset() { *this = Ref(); }

private:
    T* object_ = nullptr;
};

}

using base::Ref;
using base::RefCounted;
