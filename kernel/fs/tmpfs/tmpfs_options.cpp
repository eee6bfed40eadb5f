// SPDX-License-Identifier: MIT
// The words of `mount -t tmpfs -o …`: tmpfs(5). All are read before one takes effect.
#include <algorithm>
#include <optional>

#include <base/format.h>
#include <sys/stat.h>

#include "kernel/fs/tmpfs/tmpfs.h"
#include "mm/frame_allocator.h"

namespace fs {

struct Tmpfs::Options {
    std::optional<u64> pages, inodes;
    std::optional<u32> permissions, uid, gid;
};

namespace {

/// Digits of `base` at the beginning of `text`, which they leave. EINVAL: none, or too many.
Result<u64> take_number(std::string_view& text, u64 base) {
    u64 value = 0;
    size_t length = 0;
    for (; length < text.size(); ++length) {
        u64 const digit = static_cast<u64>(text[length] - '0');
        if (digit >= base) break;
        if (__builtin_mul_overflow(value, base, &value) || __builtin_add_overflow(value, digit, &value)) return fail(EINVAL);
    }
    if (length == 0) return fail(EINVAL);
    text.remove_prefix(length);
    return value;
}

Result<u32> whole_number(std::string_view text, u64 base, u64 most) {
    u64 const value = TRY(take_number(text, base));
    if (!text.empty() || value > most) return fail(EINVAL);
    return static_cast<u32>(value);
}

/// With k, m or g behind it.
Result<u64> scaled_number(std::string_view text) {
    u64 value = TRY(take_number(text, 10));
    if (text.empty()) return value;
    constexpr std::string_view units = "kmg";
    size_t const unit = units.find(static_cast<char>(text[0] | 0x20));
    if (unit == units.npos || text.size() > 1) return fail(EINVAL);
    if (__builtin_mul_overflow(value, u64{1} << (10 * (unit + 1)), &value)) return fail(EINVAL);
    return value;
}

/// Of bytes, or with % of all memory; in pages, rounded up.
Result<u64> size_in_pages(std::string_view text) {
    if (text.ends_with('%')) {
        text.remove_suffix(1);
        constexpr u64 most_percent = 1'000'000;
        return mm::frame_allocator.total_bytes() / page_size * TRY(whole_number(text, 10, most_percent)) / 100;
    }
    u64 const bytes = TRY(scaled_number(text));
    return bytes / page_size + (bytes % page_size != 0);
}

}

Result<Tmpfs::Options> Tmpfs::parse(std::string_view text) {
    constexpr u64 any_id = ~u32{0} - 1;
    Options out;
    while (!text.empty()) {
        std::string_view const word = text.substr(0, text.find(','));
        text.remove_prefix(std::min(text.size(), word.size() + 1));
        size_t const equals = word.find('=');
        std::string_view const name = word.substr(0, equals);
        std::string_view const value = equals == word.npos ? std::string_view() : word.substr(equals + 1);
        if (name == "size") out.pages = TRY(size_in_pages(value));
        else if (name == "nr_blocks") out.pages = TRY(scaled_number(value));
        else if (name == "nr_inodes") out.inodes = TRY(scaled_number(value));
        else if (name == "mode") out.permissions = TRY(whole_number(value, 8, 07777));
        else if (name == "uid") out.uid = TRY(whole_number(value, 10, any_id));
        else if (name == "gid") out.gid = TRY(whole_number(value, 10, any_id));
        else if (!word.empty()) return fail(EINVAL);
    }
    return out;
}

/// 0 of size or nr_inodes is no limit. A limit below what is used already: EINVAL, as Linux.
Result<> Tmpfs::configure(std::string_view text) {
    Options const options = TRY(parse(text));
    bool const has_limits = options.pages || options.inodes;
    if (has_limits && !quota_) return fail(EINVAL);
    u64 const pages = options.pages.value_or(0), inodes = options.inodes.value_or(0);
    if ((pages && pages < quota_->used()) || (inodes && inodes < users_.load(std::memory_order_relaxed) - 1)) return fail(EINVAL);
    if (options.pages) quota_->set_limit(pages ? pages : ~u64{0});
    if (options.inodes) inode_limit_.store(inodes ? inodes : ~u64{0}, std::memory_order_relaxed);
    AttributeChange change;
    change.set_permissions = options.permissions.has_value();
    change.permissions = options.permissions.value_or(0);
    change.set_uid = options.uid.has_value();
    change.uid = UserId(options.uid.value_or(0));
    change.set_gid = options.gid.has_value();
    change.gid = GroupId(options.gid.value_or(0));
    return root_->file().change(change);
}

void Tmpfs::write_options(base::Writer& out) const {
    constexpr u64 pages_to_kib = page_size / kib;
    constexpr u32 everyone_sticky = 01777;
    if (!quota_) return;
    if (u64 const limit = quota_->limit(); limit != default_limit()) base::format_to(out, ",size={}k", limit == ~u64{0} ? 0 : limit * pages_to_kib);
    if (u64 const limit = inode_limit_.load(std::memory_order_relaxed); limit != default_limit())
        base::format_to(out, ",nr_inodes={}", limit == ~u64{0} ? 0 : limit);
    Ownership const owner = root_->file().ownership();
    if (owner.permissions != everyone_sticky) base::format_to(out, ",mode={:o}", owner.permissions);
    if (owner.uid.value != 0) base::format_to(out, ",uid={}", owner.uid.value);
    if (owner.gid.value != 0) base::format_to(out, ",gid={}", owner.gid.value);
}

}
