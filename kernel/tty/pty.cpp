// SPDX-License-Identifier: MIT
// A pseudo-terminal as the device behind its slave's terminal, and the table of all pairs. The table holds no references: a
// lookup takes one only if the pair is not about to be destroyed. The terminal's lock is taken before a pair's.
#include "kernel/tty/pty.h"

#include <algorithm>

#include <asm/ioctls.h>

#include <base/format.h>

#include "kernel/fs/procfs/procfs.h"

namespace tty {

namespace {

constinit SpinLock<LockRank::leaf, InterruptsOff> table_lock;
constinit std::array<PtyPair*, PtyPair::most_pairs> table GUARDED_BY(table_lock){};
constinit std::array<u64, PtyPair::most_pairs / 64> taken GUARDED_BY(table_lock){};
constinit u32 taken_count GUARDED_BY(table_lock) = 0;

using TableGuard = decltype(table_lock)::Guard;

/// The lowest free number. ENOSPC
Result<u32> take_index() {
    Locked guard(table_lock);
    for (u32 word = 0; word < taken.size(); ++word) {
        if (~taken[word] == 0) continue;
        u32 const bit = static_cast<u32>(__builtin_ctzll(~taken[word]));
        taken[word] |= u64{1} << bit;
        ++taken_count;
        return word * 64 + bit;
    }
    return fail(ENOSPC);
}

void give_index_back(u32 index) {
    Locked guard(table_lock);
    table[index] = nullptr;
    taken[index / 64] &= ~(u64{1} << (index % 64));
    --taken_count;
}

::termios slave_settings() {
    auto settings = initial_settings();
    settings.c_cflag &= ~static_cast<tcflag_t>(HUPCL);
    return settings;
}

Result<> write_count(base::Writer& out) {
    u32 count;
    {
        Locked guard(table_lock);
        count = taken_count;
    }
    base::format_to(out, "{}\n", count);
    return {};
}

Result<> write_most(base::Writer& out) {
    base::format_to(out, "{}\n", PtyPair::most_pairs);
    return {};
}

void enter(PtyPair& pair) {
    Locked guard(table_lock);
    table[pair.index()] = &pair;
}

}

PtyPair::PtyPair(u32 index) : terminal(fs::make_device(slave_major, index), slave_settings()), index_(index) { terminal.attach(*this); }

PtyPair::~PtyPair() { give_index_back(index_); }

Result<Ref<PtyPair>> PtyPair::create() {
    u32 const index = TRY(take_index());
    auto pair = mm::make_ref<PtyPair>(index);
    if (!pair) {
        give_index_back(index);
        return fail(pair.error());
    }
    auto const owner = signal_target ? signal_target->current_credentials() : fs::Credentials();
    (*pair)->node_ = TRY(make_slave_node(index, owner));
    enter(**pair);
    return pair;
}

Ref<PtyPair> PtyPair::find(u32 index) {
    if (index >= most_pairs) return nullptr;
    Locked guard(table_lock);
    PtyPair* const pair = table[index];
    return pair && pair->try_acquire_ref() ? Ref<PtyPair>::adopt(pair) : nullptr;
}

Ref<Terminal> find_pty_terminal(u64 device) {
    if (fs::device_major(device) != PtyPair::slave_major) return nullptr;
    auto const pair = PtyPair::find(fs::device_minor(device));
    return pair ? Ref<Terminal>::share(&pair->terminal) : nullptr;
}

Result<> register_pty_entries() {
    TRY(fs::procfs.add("sys/kernel/pty/max", write_most, 0444));
    return fs::procfs.add("sys/kernel/pty/nr", write_count, 0444);
}

// ---------------------------------------------------------------- called by the terminal, under its lock

size_t PtyPair::room() {
    Locked guard(lock_);
    return ring_size - (head_ - tail_);
}

void PtyPair::transmit(std::span<char const> bytes) {
    {
        Locked guard(lock_);
        for (char const byte : bytes) ring_[head_++ % ring_size] = byte;
    }
    master_changes_.wake_all();
}

void PtyPair::discard() {
    {
        Locked guard(lock_);
        head_ = tail_ + std::min<u32>(head_ - tail_, delivered);
    }
    report(TIOCPKT_FLUSHWRITE);
}

void PtyPair::input_discarded() { report(TIOCPKT_FLUSHREAD); }

void PtyPair::flow_changed(bool stopped) {
    if (stopped) report(TIOCPKT_STOP, TIOCPKT_START);
    else report(TIOCPKT_START, TIOCPKT_STOP);
}

void PtyPair::settings_changed(::termios const& old, ::termios const& now) {
    auto const has_usual_flow = [](::termios const& t) { return (t.c_iflag & IXON) && t.c_cc[VSTOP] == 19 && t.c_cc[VSTART] == 17; };
    if (has_usual_flow(old) != has_usual_flow(now)) {
        if (has_usual_flow(now)) report(TIOCPKT_DOSTOP, TIOCPKT_NOSTOP);
        else report(TIOCPKT_NOSTOP, TIOCPKT_DOSTOP);
    }
    if ((old.c_lflag | now.c_lflag) & EXTPROC) report(TIOCPKT_IOCTL);
}

void PtyPair::fit(::termios& settings) {
    settings.c_cflag = (settings.c_cflag & ~static_cast<tcflag_t>(CSIZE | PARENB)) | CS8 | CREAD;
}

/// In packet mode, reports a change of state to the master.
void PtyPair::report(u8 set, u8 clear) {
    {
        Locked guard(lock_);
        if (!packets_) return;
        status_ = static_cast<u8>((status_ & ~clear) | set);
    }
    master_changes_.wake_all();
}

// ---------------------------------------------------------------- opening and closing

Result<> PtyPair::opened() {
    Locked guard(lock_);
    if (!master_open_ || locked_) return fail(EIO);
    ++slave_files_;
    slave_was_closed_ = false;
    return {};
}

void PtyPair::closed() {
    {
        Locked guard(lock_);
        if (--slave_files_ != 0) return;
        slave_was_closed_ = true;
    }
    master_changes_.wake_all();
}

void PtyPair::close_master() {
    listed_.store(false);
    {
        Locked guard(lock_);
        master_open_ = false;
        packets_ = false;
    }
    terminal.hang_up();
}

}
