// SPDX-License-Identifier: MIT
// The kernel heap: make<T>() and byte buffers, over object caches by size class and, above 2 KiB, whole frames.
// operator new (std::nothrow) ends here too; the kernel has no other.
#pragma once

#include <new>

#include <base/ref.h>
#include <base/result.h>

namespace mm {

/// 16-byte aligned; null when memory runs out. Size 0 is valid. Any context except interrupts.
[[nodiscard]] void* heap_allocate(size_t bytes);
void heap_free(void* pointer);

template <class T, class... A>
[[nodiscard]] Result<T*> make(A&&... arguments) {
    T* object = new (std::nothrow) T(std::forward<A>(arguments)...);
    if (!object) return fail(ENOMEM);
    return object;
}
/// Makes a reference-counted object.
template <class T, class... A>
[[nodiscard]] Result<Ref<T>> make_ref(A&&... arguments) {
    return Ref<T>::adopt(TRY(make<T>(std::forward<A>(arguments)...)));
}

/// Owns one heap object or array.
template <class T>
class Owned {
public:
    constexpr Owned() = default;
    explicit Owned(T* object) : object_(object) {}
    Owned(Owned&& o) noexcept : object_(std::exchange(o.object_, nullptr)) {}
    Owned& operator=(Owned&& o) noexcept { std::swap(object_, o.object_); return *this; }
    ~Owned() { delete object_; }
    T* get() const { return object_; }
    T* operator->() const { return object_; }
    T& operator*() const { return *object_; }
    explicit operator bool() const { return object_; }
    [[nodiscard]] T* leak() { return std::exchange(object_, nullptr); }
private:
    T* object_ = nullptr;
};

/// A heap buffer of bytes, freed with its owner.
class Buffer {
public:
    constexpr Buffer() = default;
    static Result<Buffer> allocate(size_t bytes) {
        Buffer b;
        b.data_ = static_cast<std::byte*>(heap_allocate(bytes));
        if (!b.data_) return fail(ENOMEM);
        b.size_ = bytes;
        return b;
    }
    Buffer(Buffer&& o) noexcept : data_(std::exchange(o.data_, nullptr)), size_(std::exchange(o.size_, 0)) {}
    Buffer& operator=(Buffer&& o) noexcept { std::swap(data_, o.data_); std::swap(size_, o.size_); return *this; }
    ~Buffer() { heap_free(data_); }
    std::byte* data() const { return data_; }
    char* chars() const { return reinterpret_cast<char*>(data_); }
    size_t size() const { return size_; }
private:
    std::byte* data_ = nullptr;
    size_t size_ = 0;
};

}
