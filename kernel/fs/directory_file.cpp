// SPDX-License-Identifier: MIT
// Open directories: getdents64(2). Entries are handed out without tree_lock, a small batch of
// copies at a time, because the sink writes to a program's memory; names that are made or removed
// in between do not disturb the others. The position moves only under listing_lock_.
#include "kernel/fs/directory_file.h"

#include <linux/fs.h>

namespace fs {

namespace {

class DirectoryFile final : public File {
public:
    using File::File;
    Result<> list(DirectorySink& sink) override;
    Result<u64> seek(i64 offset, int whence) override;
    Result<> synchronise() override { return inode()->names() ? Result<>() : fail(EINVAL); }
    MM_OBJECT_CACHE(DirectoryFile)
protected:
    Result<size_t> do_read(u64, mm::IoBuffer&) override { return fail(EISDIR); }
private:
    Result<> list_from(u64 position, DirectorySink& sink) REQUIRES(listing_lock_);
    sync::Mutex<LockRank::listing> listing_lock_;
    /// Where this listing ends: it leaves out names that got their place after it began, or a reader that makes or renames
    /// files as it reads would never reach the end. 0: no name was listed yet.
    u64 end_ GUARDED_BY(listing_lock_) = 0;
};

MM_OBJECT_CACHE_DEFINE(DirectoryFile)

/// Hands entries on to `inner` and remembers how far the listing came.
class PositionSink final : public DirectorySink {
public:
    PositionSink(DirectorySink& inner, u64 position) : inner_(inner), position_(position) {}
    bool add(DirectoryEntry const& entry) override {
        if (!inner_.add(entry)) return full_ = true, false;
        position_ = entry.next_offset;
        return true;
    }
    bool is_full() const { return full_; }
    u64 position() const { return position_; }
private:
    DirectorySink& inner_;
    u64 position_;
    bool full_ = false;
};

/// Lists the names whose place is at least `first` and less than `end`.
void list_names(Names const& names, u64 first, u64 end, PositionSink& sink) {
    for (u64 place = first; !sink.is_full(); place = sink.position()) {
        ListingBatch batch;
        names.copy(place, end, batch);
        DirectoryEntry entry;
        if (!batch.next(entry)) return;
        do
            if (!sink.add(entry)) return;
        while (batch.next(entry));
    }
}

}

/// One thread at a time: of the threads that share the description, each entry goes to one only.
Result<> DirectoryFile::list(DirectorySink& sink) {
    Locked guard(listing_lock_);
    return list_from(position(), sink);
}

Result<> DirectoryFile::list_from(u64 position, DirectorySink& sink) {
    PositionSink counted(sink, position);
    Inode& self = *inode();
    if (dentry()->is_unlinked()) return fail(ENOENT);
    self.touch_accessed();
    if (position == 0) counted.add({".", self.number(), FileType::Directory, 1});
    if (counted.position() == 1 && !counted.is_full()) counted.add({"..", dentry()->parent()->file().number(), FileType::Directory, 2});
    Result<> done;
    if (counted.position() >= Names::first_sequence && !counted.is_full()) {
        if (Names* const names = self.names()) {
            if (end_ == 0 || counted.position() == Names::first_sequence) end_ = names->end_of_listing();
            list_names(*names, counted.position(), end_, counted);
        } else {
            done = self.list(counted.position(), counted);
        }
    }
    set_position(counted.position());
    return done;
}

/// Waits for a listing in progress, which sets the position when it ends.
Result<u64> DirectoryFile::seek(i64 offset, int whence) {
    Locked guard(listing_lock_);
    if (inode()->names() && whence != SEEK_SET && whence != SEEK_CUR) return fail(EINVAL);
    return File::seek(offset, whence);
}

Result<Ref<File>> open_directory(Dentry& dentry, u32 flags) {
    return TRY(mm::make_ref<DirectoryFile>(Ref<Dentry>::share(&dentry), flags));
}

}
