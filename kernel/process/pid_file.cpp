// SPDX-License-Identifier: MIT
// Pid files. Each holds a reference to its process, so that the object, with what little is left in it, outlives the reaping.
#include "kernel/process/pid_file.h"

#include <linux/fcntl.h>
#include <linux/poll.h>

#include "kernel/ipc/nameless.h"

namespace process {
namespace {

constinit char const kind_mark = 0;

class PidFile final : public fs::File {
public:
    PidFile(Ref<fs::Dentry> dentry, u32 flags, Ref<Process> process) : File(std::move(dentry), flags), process_(std::move(process)) {}
    bool is_seekable() const override { return false; }
    Result<> can_be_read() const override { return fail(EINVAL); }
    Result<> can_be_written() const override { return fail(EINVAL); }
    void const* kind() const override { return &kind_mark; }
    Result<> truncate(u64) override { return fail(EINVAL); }
    Result<> synchronise() override { return fail(EINVAL); }
    fs::PollEvents poll(sched::WaitQueue*& queue_out) override {
        queue_out = &process_->end_wait;
        // Ordering: acquire; pairs with the release in become_zombie().
        switch (process_->state.load(std::memory_order_acquire)) {
        case ProcessState::Zombie: return POLLIN | POLLRDNORM;
        case ProcessState::Reaped: return POLLIN | POLLRDNORM | POLLHUP;
        default: return 0;
        }
    }
    Process& process() { return *process_; }
    MM_OBJECT_CACHE(PidFile)
private:
    Ref<Process> const process_;
};

MM_OBJECT_CACHE_DEFINE(PidFile)

}

Result<Ref<fs::File>> make_pid_file(Ref<Process> process, u32 flags, fs::Credentials const& who) {
    auto dentry = TRY(ipc::make_nameless("pidfd", who));
    return TRY(mm::make_ref<PidFile>(std::move(dentry), O_RDWR | (flags & O_NONBLOCK), std::move(process)));
}

Process* process_of(fs::File& file) { return file.kind() == &kind_mark ? &static_cast<PidFile&>(file).process() : nullptr; }

}
