// SPDX-License-Identifier: MIT
// An upward need. An include may only point down the floors; a floor that needs something from a higher one declares
// it here: a function, or an interface of several. A higher floor provides it at boot. Before that (and in host
// tests) it is absent, and the floor decides what happens then.
#pragma once

#include <atomic>

namespace base {

/// `What`: an interface (an abstract class), or a function type.
template <class What>
class FromAbove {
public:
    constexpr FromAbove() = default;
    FromAbove(FromAbove const&) = delete;
    void provide(What& object) { object_.store(&object, std::memory_order_release); }
    /// Null: nothing has been provided.
    What* get() const { return object_.load(std::memory_order_acquire); }
    explicit operator bool() const { return get() != nullptr; }
    What* operator->() const { return get(); }
    What& operator*() const { return *get(); }
private:
    std::atomic<What*> object_{nullptr};             ///< Ordering: release by the provider, acquire by the user: the object is complete
};

template <class R, class... A>
class FromAbove<R(A...)> {
public:
    using Function = R (*)(A...);
    constexpr FromAbove() = default;
    FromAbove(FromAbove const&) = delete;
    void provide(Function function) { function_.store(function, std::memory_order_release); }
    void withdraw() { function_.store(nullptr, std::memory_order_release); }
    /// Null: nothing has been provided.
    Function get() const { return function_.load(std::memory_order_acquire); }
    explicit operator bool() const { return get() != nullptr; }
    R operator()(A... arguments) const { return get()(static_cast<A&&>(arguments)...); }
private:
    std::atomic<Function> function_{nullptr};        ///< Ordering: as above
};

}
