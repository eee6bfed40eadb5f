// SPDX-License-Identifier: MIT
// Host and domain name, under one small lock. Readers get copies.
#include "kernel/base/host_identity.h"

#include <algorithm>

#include <arch/spin_lock.h>

namespace base {
namespace {

struct Names {
    HostName host{{"aubrac"}};
    HostName domain{{"(none)"}};
};

constinit SpinLock<LockRank::leaf, InterruptsOff> names_lock;
constinit Names names GUARDED_BY(names_lock);

HostName copy(HostName Names::* which) {
    Locked guard(names_lock);
    return names.*which;
}

Result<> set(HostName Names::* which, std::string_view text) {
    if (text.size() > longest_host_name) return fail(EINVAL);
    HostName name;
    std::copy(text.begin(), text.end(), name.text.begin());
    Locked guard(names_lock);
    names.*which = name;
    return {};
}

}

HostName host_name() { return copy(&Names::host); }
HostName domain_name() { return copy(&Names::domain); }
Result<> set_host_name(std::string_view name) { return set(&Names::host, name); }
Result<> set_domain_name(std::string_view name) { return set(&Names::domain, name); }

}
