// SPDX-License-Identifier: MIT
// Pseudo-terminals: pty(7). A pair is the slave's Terminal and, as the device that the terminal drives, the data for the master.
// Opening /dev/ptmx makes a new master; the slave has a name in the file system devpts while the master is open.
// A pair exists while a file of either side, or another reference to it, does. Then its number is free again.
#pragma once

#include <base/ref.h>

#include "kernel/fs/vfs.h"
#include "kernel/tty/terminal.h"

namespace tty {

class PtyPair final : public RefCounted<PtyPair>, public TerminalDevice {
public:
    static constexpr u32 most_pairs = 1024;          ///< in the whole system
    static constexpr u32 slave_major = 136;

    /// Makes a pair with its node in devpts, owned by the running process's user. ENOSPC ENOMEM
    static Result<Ref<PtyPair>> create();
    /// Null: there is no such pair.
    static Ref<PtyPair> find(u32 index);
    explicit PtyPair(u32 index);
    ~PtyPair();

    u32 index() const { return index_; }
    fs::Inode& node() const { return *node_; }
    /// Its master is open.
    bool is_listed() const { return listed_.load(); }

    // ---- For the master's file
    Result<size_t> master_read(u32 flags, mm::IoBuffer& buffer);
    Result<size_t> master_write(u32 flags, mm::IoBuffer& buffer);
    fs::PollEvents master_poll(sched::WaitQueue*& queue_out);
    Result<i64> master_ioctl(u32 command, u64 argument, u32 flags);
    void close_master();

    Terminal terminal;

private:
    using Lock = SpinLock<LockRank::device, InterruptsOff>;
    static constexpr size_t ring_size = 8192;
    /// A flush of output keeps what a master is sure to get in Linux: as much as fills its read buffer.
    static constexpr size_t delivered = 4096;

    // TerminalDevice
    size_t room() override;
    void transmit(std::span<char const> bytes) override;
    size_t pending() override { return 0; }          ///< what is written is sent: there is no line to wait for
    void discard() override;
    void resume_input() override { master_changes_.wake_all(); }
    void input_discarded() override;
    void flow_changed(bool stopped) override;
    void settings_changed(::termios const& old, ::termios const& now) override;
    void fit(::termios& settings) override;
    void retain() override { acquire_ref(); }
    void release() override { release_ref(); }
    Result<> opened() override;
    void closed() override;
    bool changes_hands() const override { return false; }

    /// Takes what a read of the master returns: bytes, in packet mode preceded by their kind.
    size_t take(std::span<char> out);
    bool has_something();
    bool is_slave_gone();
    void report(u8 set, u8 clear = 0);
    Result<i64> packet_mode(u64 argument);
    Result<i64> lock_slave(u64 argument);
    Result<i64> send_signal(u64 signal);
    Result<i64> flush(u64 argument);

    u32 const index_;
    Ref<fs::Inode> node_;                            ///< set once by create()
    std::atomic<bool> listed_{true};
    std::atomic<bool> exclusive_{false};             ///< the master's TIOCEXCL, which has no effect
    Lock lock_;
    bool master_open_ GUARDED_BY(lock_) = true;
    bool locked_ GUARDED_BY(lock_) = true;           ///< TIOCSPTLCK
    bool packets_ GUARDED_BY(lock_) = false;         ///< TIOCPKT
    bool slave_was_closed_ GUARDED_BY(lock_) = false;   ///< all its files were closed, and none opened since
    u8 status_ GUARDED_BY(lock_) = 0;                ///< TIOCPKT_*, not yet read
    u32 slave_files_ GUARDED_BY(lock_) = 0;
    u32 head_ GUARDED_BY(lock_) = 0, tail_ GUARDED_BY(lock_) = 0;   ///< free-running
    std::array<char, ring_size> ring_ GUARDED_BY(lock_);
    sched::WaitQueue master_changes_;
};

/// Opens /dev/ptmx.
Result<Ref<fs::File>> open_pty_master(fs::Dentry& dentry, u32 flags, u64 device);
/// TIOCGPTPEER: the slave of `master`, whatever is mounted where. ENOTTY: not a terminal. EIO
Result<Ref<fs::File>> open_pty_peer(fs::File& master, u32 flags, fs::Credentials const& who);
/// Null: no such slave.
Ref<Terminal> find_pty_terminal(u64 device);

/// Registers /proc/sys/kernel/pty: the largest and the current number of pairs.
Result<> register_pty_entries();

// ---- devpts.cpp
Result<> register_devpts();
fs::FileSystem& devpts();
/// Makes the slave's node, with the owner and the permissions of the mount options. ENOMEM
Result<Ref<fs::Inode>> make_slave_node(u32 index, fs::Credentials const& owner);
/// The dentry of the slave's name. ENOENT ENOMEM
Result<Ref<fs::Dentry>> slave_name(u32 index);

}
