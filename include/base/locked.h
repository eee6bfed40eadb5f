// SPDX-License-Identifier: MIT
// Locked: holds a lock for a scope, whatever its kind: `Locked guard(lock);`. Each kind of lock specialises it beside its class and
// names it Lock::Guard; functions that need the lock held take `Lock::Guard const&`.
#pragma once

namespace base {

template <class Lock>
class Locked;

template <class Lock>
Locked(Lock&) -> Locked<Lock>;

}

using base::Locked;
