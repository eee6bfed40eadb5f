// SPDX-License-Identifier: MIT
// What uname(2) reports. Release and version are those of the Linux whose ABI the kernel offers, with our name added;
// host and domain name can be set. /proc/sys/kernel shows the same.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include <base/result.h>

namespace base {

inline constexpr std::string_view system_name = "Linux";
inline constexpr std::string_view system_release = "6.1.0-aubrac";
inline constexpr std::string_view system_version = "#1 SMP PREEMPT Aubrac";
inline constexpr std::string_view system_machine = "x86_64";

/// __NEW_UTS_LEN: without the NUL.
inline constexpr size_t longest_host_name = 64;

/// A copy of a name that may change at any time.
struct HostName {
    std::array<char, longest_host_name + 1> text{};
    std::string_view view() const { return text.data(); }
};

HostName host_name();
HostName domain_name();
/// EINVAL: too long. The caller checks rights.
Result<> set_host_name(std::string_view name);
Result<> set_domain_name(std::string_view name);

}
