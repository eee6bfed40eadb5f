// SPDX-License-Identifier: MIT
// An open /proc file: a text that is made whole by a read at the start, then read piece by piece. Inside fs only.
#pragma once

#include <atomic>

#include <base/format.h>
#include <linux/poll.h>

#include "kernel/fs/procfs/procfs.h"

namespace fs {

/// Text that grows on the heap.
class TextBuffer final : public base::Writer {
public:
    void write(std::string_view text) override;
    std::string_view text() const { return {buffer_.chars(), used_}; }
    bool is_out_of_memory() const { return out_of_memory_; }
private:
    mm::Buffer buffer_;
    size_t used_ = 0;
    bool out_of_memory_ = false;
};

/// Where the text comes from; lives in the inode, which the open file keeps.
class TextSource {
public:
    static constexpr PollEvents always_ready = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
    /// Checks the opener's right; make_text() gets what this returns.
    virtual Result<u64> open() { return u64{0}; }
    virtual Result<> make_text(u64 opened, base::Writer& out) = 0;
    virtual Result<> take_text(std::string_view text, Credentials const& who) { (void)text; (void)who; return fail(EIO); }
    /// poll(2): what is ready, and where changes are told (null: this cannot be watched). `seen` is the open file's: at first what open() gave,
    /// then what the source keeps there.
    virtual PollEvents poll(std::atomic<u64>& seen, sched::WaitQueue*& queue) { (void)seen; return queue = nullptr, always_ready; }
protected:
    ~TextSource() = default;
};

Result<Ref<File>> open_text(Dentry& dentry, u32 flags, TextSource& source);

}
