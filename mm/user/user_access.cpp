// SPDX-License-Identifier: MIT
// Reads strings from a program's memory.
#include "mm/user/user_access.h"

namespace mm {

Result<std::string_view> read_user_string(UserAddr from, std::span<char> buffer, int too_long) {
    i64 const length = arch::copy_string_from_user(buffer.data(), from, buffer.size());
    if (length < 0) return fail(EFAULT);
    if (static_cast<size_t>(length) >= buffer.size()) return fail(too_long);
    return std::string_view(buffer.data(), static_cast<size_t>(length));
}

}
