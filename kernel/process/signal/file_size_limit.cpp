// SPDX-License-Identifier: MIT
// RLIMIT_FSIZE: file systems ask for the running program's limit when it makes a file larger; a kernel thread has none.
#include "kernel/process/signal/file_size_limit.h"

#include <abi/signal.h>
#include <asm/resource.h>

#include "kernel/fs/size_limit.h"
#include "kernel/process/signal/signal.h"

namespace process {
namespace {

class ProgramSizeLimit final : public fs::SizeLimit {
public:
    u64 bytes() override {
        auto const* const thread = current_user_thread_or_null();
        return thread ? thread->process().limits[RLIMIT_FSIZE].soft : ~u64{0};
    }
    void exceeded() override {
        UserThread& thread = current_user_thread();
        SignalInfo info;
        info.signal = SIGXFSZ;
        info.code = SI_USER;
        info.pid = thread.process().pid().value;
        info.uid = thread.process().credentials.real_uid.value;
        SignalNodes no_room;
        post_to_thread(thread, info, no_room);
    }
};

constinit ProgramSizeLimit program_size_limit;

}

void register_size_limit() { fs::size_limit.provide(program_size_limit); }

}
