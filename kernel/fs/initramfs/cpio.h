// SPDX-License-Identifier: MIT
// CpioReader: takes a newc archive (cpio(5); magic 070701, or 070702 with a checksum) in pieces of
// any size and hands it to a sink file by file. Archives may follow each other, with zeros
// between them, and the last may lack its trailer, as in Linux's initramfs. Pure: bounded memory, any input is safe.
#pragma once

#include <span>
#include <string_view>

#include <base/result.h>

namespace fs {

struct CpioEntry {
    std::string_view name;
    std::string_view target;      ///< symbolic links
    u32 mode = 0, uid = 0, gid = 0, links = 0;
    u32 modified_seconds = 0;
    u32 size = 0;                 ///< of a regular file's data
    u32 inode = 0, device_major = 0, device_minor = 0;   ///< identify the file: the same for all its names
    u32 rdev_major = 0, rdev_minor = 0;
};

class CpioSink {
public:
    /// A file of any type begins; the data of a regular one follow.
    virtual Result<> begin(CpioEntry const& entry) = 0;
    virtual Result<> data(std::span<std::byte const> bytes) = 0;
    /// The file that began last is complete.
    virtual Result<> end() = 0;
    /// The next archive has inode numbers of its own.
    virtual void archive_ended() {}
protected:
    ~CpioSink() = default;
};

class CpioReader {
public:
    static constexpr size_t name_limit = 4096;              ///< PATH_MAX, with the NUL

    explicit CpioReader(CpioSink& sink) : sink_(sink) {}
    CpioReader(CpioReader const&) = delete;

    /// Takes bytes and returns how many; between two archives it stops before anything that is neither zero nor an archive.
    /// EINVAL with problem() set, or the sink's error.
    Result<size_t> feed(std::span<std::byte const> bytes);
    /// The input has ended. EINVAL: in the middle of a file, or there was no archive.
    Result<> finish();

    char const* problem() const { return problem_; }
    /// The name of the entry that is being read, or was read last.
    std::string_view entry_name() const { return entry_.name; }
    u64 position() const { return position_; }              ///< bytes taken so far
    /// A header is aligned to 4 bytes from the beginning of its archive: a new piece of input (a gzip member) counts from 0 again.
    void start_piece() { if (state_ == State::Between) offset_ = 0; }

private:
    static constexpr size_t header_size = 110;
    enum class State : u8 { Between, Header, Name, NamePadding, Data, Target, DataPadding };

    Result<size_t> step(std::span<std::byte const> bytes);
    size_t collect(std::span<std::byte const> bytes, char* to, size_t wanted);
    size_t skip(std::span<std::byte const> bytes);
    Result<> header_complete();
    Result<> name_complete();
    Result<> data_wanted();
    Result<> entry_complete();
    Result<size_t> take_data(std::span<std::byte const> bytes);
    std::unexpected<Errno> bad(char const* problem);

    CpioSink& sink_;
    State state_ = State::Between;
    char const* problem_ = "";
    u64 position_ = 0;                                      ///< in the whole input
    u64 offset_ = 0;                                        ///< since the piece began, for alignment
    bool any_archive_ = false;                              ///< at least one name or trailer was read
    bool skipped_ = false;                                  ///< the sink does not get this entry
    bool checked_ = false;                                  ///< 070702
    u32 expected_sum_ = 0, sum_ = 0;
    size_t collected_ = 0, wanted_ = 0;                     ///< of header, name or target
    u32 data_left_ = 0;
    CpioEntry entry_;
    char header_[header_size];
    char name_[name_limit];
    char target_[name_limit];
};

}
