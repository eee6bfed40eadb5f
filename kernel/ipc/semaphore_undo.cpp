// SPDX-License-Identifier: MIT
// SEM_UNDO: semop(2). Threads keep their undo of a set until the last thread that shares it ends, or the set is removed.
#include <algorithm>

#include "kernel/ipc/semaphores.h"

namespace ipc {

MM_OBJECT_CACHE_DEFINE(SemaphoreUndo)
MM_OBJECT_CACHE_DEFINE(SemaphoreUndoList)

/// Also drops the undos of removed sets, so that the list does not grow with sets that come and go.
Result<Ref<SemaphoreUndo>> SemaphoreUndoList::of(SemaphoreSet& set) {
    Locked guard(lock_);
    for (Ref<SemaphoreUndo>* link = &first_; *link;) {
        SemaphoreUndo& undo = **link;
        if (undo.set.get() == &set) return *link;
        bool is_linked;
        {
            Locked set_guard(undo.set->lock);
            is_linked = undo.linked;
        }
        if (is_linked) {
            link = &undo.next;
        } else {
            Ref<SemaphoreUndo> next = undo.next;
            *link = std::move(next);
        }
    }
    auto undo = TRY(mm::make_ref<SemaphoreUndo>());
    undo->storage = TRY(mm::Buffer::allocate(set.count() * sizeof(i16)));
    std::fill_n(undo->adjustments(), set.count(), i16{0});
    undo->set = Ref<SemaphoreSet>::share(&set);
    {
        Locked set_guard(set.lock);
        if (set.removed) return fail(EIDRM);
        undo->linked = true;
        set.undos_.push_back(*undo);
    }
    undo->next = std::move(first_);
    first_ = undo;
    return undo;
}

void SemaphoreSet::undo(SemaphoreUndo& undo, Pid process) {
    Locked guard(lock);
    if (!undo.linked) return;
    undo.linked = false;
    undos_.erase(undos_.iterator_to(undo));
    bool changed = false;
    for (u32 i = 0; i < count_; ++i) {
        i32 const adjustment = undo.adjustments()[i];
        if (adjustment == 0) continue;
        all()[i] = {std::clamp(all()[i].value + adjustment, 0, SEMVMX), process.value};
        changed = true;
    }
    if (!changed) return;
    operated_s_ = now_seconds();
    wake_all_who_can();
}

void SemaphoreUndoList::leave(Ref<SemaphoreUndoList> list, Pid process) {
    if (list) list->left_last_.store(process.value, std::memory_order_relaxed);
    list.reset();
}

void SemaphoreUndoList::apply() {
    Pid const process(left_last_.load(std::memory_order_relaxed));
    Ref<SemaphoreUndo> rest;
    {
        Locked guard(lock_);
        rest = std::move(first_);
    }
    while (rest) {
        rest->set->undo(*rest, process);
        Ref<SemaphoreUndo> next = std::move(rest->next);
        rest = std::move(next);
    }
}

}
