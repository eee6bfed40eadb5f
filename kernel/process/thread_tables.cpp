// SPDX-License-Identifier: MIT
// Sharing, copying and leaving a thread's tables. The reference count says whether a table is shared: only the thread itself gives
// it to others (by clone), and an observer from outside (/proc) holds it briefly and changes nothing in it. So a count of 1 stays 1,
// and a count that an observer has raised only causes an unneeded copy.
#include "kernel/process/thread_tables.h"

#include <linux/sched.h>

namespace process {

Result<> share_or_copy_tables(UserThread& child, UserThread& parent, u64 flags) {
    child.descriptors = (flags & CLONE_FILES) ? parent.descriptors : TRY(parent.descriptors->copy());
    child.names = (flags & CLONE_FS) ? parent.names : TRY(mm::make_ref<fs::SharedContext>(parent.names->copy()));
    if (!(flags & CLONE_SYSVSEM)) return {};
    if (!parent.semaphore_undos) parent.semaphore_undos = TRY(mm::make_ref<ipc::SemaphoreUndoList>());
    child.semaphore_undos = parent.semaphore_undos;
    return {};
}

Result<Ref<fs::DescriptorTable>> own_descriptors(UserThread const& thread) {
    if (thread.descriptors->reference_count() == 1) return thread.descriptors;
    return thread.descriptors->copy();
}

Result<> unshare_descriptors(UserThread& thread) {
    Ref<fs::DescriptorTable> table = TRY(own_descriptors(thread));
    Locked guard(thread.process().state_lock);
    std::swap(thread.descriptors, table);
    return {};
}

Result<> unshare_names(UserThread& thread) {
    if (thread.names->reference_count() == 1) return {};
    auto names = TRY(mm::make_ref<fs::SharedContext>(thread.names->copy()));
    Locked guard(thread.process().state_lock);
    std::swap(thread.names, names);
    return {};
}

void leave_semaphore_undos(UserThread& thread) {
    if (thread.semaphore_undos) ipc::SemaphoreUndoList::leave(std::move(thread.semaphore_undos), thread.process().pid());
}

void release_tables(UserThread& thread) {
    leave_semaphore_undos(thread);
    Ref<fs::DescriptorTable> descriptors;
    Ref<fs::SharedContext> names;
    Locked guard(thread.process().state_lock);
    std::swap(descriptors, thread.descriptors);
    std::swap(names, thread.names);
}

}
