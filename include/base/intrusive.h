// SPDX-License-Identifier: MIT
// Intrusive containers: Boost.Intrusive with our assert hook. Use
//   List<T, &T::hook>      doubly linked; size() is not O(1)
//   Tree<T, &T::hook, Key> red-black tree ordered by Key; MultiTree allows equal keys
// Hooks are ListHook and TreeHook members. Objects must be unlinked before they are destroyed.
#pragma once

#define BOOST_INTRUSIVE_INVARIANT_ASSERT ASSERT
#define BOOST_INTRUSIVE_SAFE_HOOK_DEFAULT_ASSERT ASSERT
#define BOOST_INTRUSIVE_SAFE_HOOK_DESTRUCTOR_ASSERT ASSERT
#define BOOST_ASSERT(condition) ASSERT(condition)
#define BOOST_DISABLE_THREADS
#include <base/panic.h>

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>

namespace base {

namespace bi = boost::intrusive;

using ListHook = bi::list_member_hook<bi::link_mode<bi::normal_link>>;
using TreeHook = bi::set_member_hook<bi::link_mode<bi::normal_link>, bi::optimize_size<true>>;

template <class T, ListHook T::* hook>
using List = bi::list<T, bi::member_hook<T, ListHook, hook>, bi::constant_time_size<false>>;

template <class T, TreeHook T::* hook, class KeyOfValue>
using Tree = bi::set<T, bi::member_hook<T, TreeHook, hook>, bi::key_of_value<KeyOfValue>, bi::constant_time_size<false>>;
template <class T, TreeHook T::* hook, class KeyOfValue>
using MultiTree = bi::multiset<T, bi::member_hook<T, TreeHook, hook>, bi::key_of_value<KeyOfValue>, bi::constant_time_size<false>>;

}
