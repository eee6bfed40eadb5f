// SPDX-License-Identifier: MIT
// What a process does with each signal: sigaction(2), and what exec and clone3 keep of it. A table that fork has shared is
// never written: the writer takes a copy first.
#include <abi/signal.h>

#include "kernel/process/process_manager.h"
#include "kernel/process/signal/signal_steps.h"

namespace process {

namespace {

constinit SignalHandlers all_default;

bool ignores(SignalAction const& action, int signal) {
    return action.handler == ignore_handler || (action.handler == default_handler && default_action(signal) == DefaultAction::Ignore);
}

void discard_everywhere(Process& process, int signal, SignalNodes& gone) REQUIRES(process.signal_lock) {
    process.shared_pending.discard(mask_of(signal), &gone);
    for (UserThread& thread : process.threads) thread.pending.discard(mask_of(signal), &gone);
}

}

void take_own_table(Process& process, Ref<SignalHandlers>& own) {
    process.signal_lock.assert_held();
    own->actions = process.handlers->actions;
    std::swap(process.handlers, own);
}

Ref<SignalHandlers> default_handlers() { return Ref<SignalHandlers>::share(&all_default); }

Result<SignalAction> exchange_action(Process& process, int signal, SignalAction const* replacement) {
    if (signal < 1 || signal > signal_count) return fail(EINVAL);
    if (replacement && (mask_of(signal) & unblockable_signals)) return fail(EINVAL);
    Ref<SignalHandlers> own;
    SignalNodes gone;
    for (;;) {
        {
            Locked guard(process.signal_lock);
            SignalAction const old = process.handlers->read(signal);
            if (!replacement) return old;
            // The count of a table of one process cannot rise here: fork, which shares it, needs that process's signal_lock too.
            bool const shared = process.handlers->reference_count() > 1 && !process.handlers->is_common;
            if (!shared || own) {
                if (shared) take_own_table(process, own);
                SignalAction action = *replacement;
                action.mask &= ~unblockable_signals;
                process.handlers->write(signal, action);
                if (ignores(action, signal)) discard_everywhere(process, signal, gone);
                else process.timers.stop_ignoring(signal, guard);
                return old;
            }
        }
        own = TRY(mm::make_ref<SignalHandlers>());
    }
}

Result<Ref<SignalHandlers>> inherit_handlers(Process& parent, bool in_common) {
    {
        Locked guard(parent.signal_lock);
        if (parent.handlers->is_common == in_common) return parent.handlers;
    }
    // The parent needs a table that fork has not shared, or the child one that nobody else changes.
    auto table = TRY(mm::make_ref<SignalHandlers>());
    Locked guard(parent.signal_lock);
    for (int signal = 1; signal <= signal_count; ++signal) table->of(signal) = parent.handlers->read(signal);
    if (parent.handlers->is_common == in_common) return parent.handlers;
    table->is_common = in_common;
    if (!in_common) return table;
    auto const shared = table;
    std::swap(parent.handlers, table);   // the old one is freed without the lock
    return shared;
}

Result<Ref<SignalHandlers>> reset_handlers(Process& process) {
    bool keeps_something = false;
    {
        Locked guard(process.signal_lock);
        if (process.handlers.get() == &all_default) return process.handlers;
        // A table that others may change is not examined here: the copy below decides.
        keeps_something = process.handlers->is_common;
        for (SignalAction const& action : process.handlers->actions) keeps_something |= action.handler == ignore_handler;
    }
    if (!keeps_something) return default_handlers();
    auto table = TRY(mm::make_ref<SignalHandlers>());
    Locked guard(process.signal_lock);
    for (size_t i = 0; i < table->actions.size(); ++i)
        if (process.handlers->actions[i].handler == ignore_handler) table->actions[i].handler = ignore_handler;
    return table;
}

}
