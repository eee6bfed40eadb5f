// SPDX-License-Identifier: MIT
// A need that points upward. An include may only point down the floors; a floor that needs something of a higher one
// says here what it is: a function, or an interface of several. A higher floor provides it while the machine
// boots; before that (and in host tests) there is none, and the floor says what happens then.
#pragma once

#include <atomic>

namespace base {

/// What: an interface (an abstract class), or the type of a function.
template <class What>
class FromAbove {
public:
    constexpr FromAbove() = default;
    FromAbove(FromAbove const&) = delete;
    void provide(What& object) { object_.store(&object, std::memory_order_release); }
    /// Null: nobody has provided it.
    What* get() const { return object_.load(std::memory_order_acquire); }
    explicit operator bool() const { return get() != nullptr; }
    What* operator->() const { return get(); }
    What& operator*() const { return *get(); }
private:
    std::atomic<What*> object_{nullptr};             ///< Ordering: release by the provider, acquire by the user: it finds the object whole
};

template <class R, class... A>
class FromAbove<R(A...)> {
public:
    using Function = R (*)(A...);
    constexpr FromAbove() = default;
    FromAbove(FromAbove const&) = delete;
    void provide(Function function) { function_.store(function, std::memory_order_release); }
    void withdraw() { function_.store(nullptr, std::memory_order_release); }
    /// Null: nobody has provided it.
    Function get() const { return function_.load(std::memory_order_acquire); }
    explicit operator bool() const { return get() != nullptr; }
    R operator()(A... arguments) const { return get()(static_cast<A&&>(arguments)...); }
private:
    std::atomic<Function> function_{nullptr};        ///< Ordering: as above
};

}
