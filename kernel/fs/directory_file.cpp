// SPDX-License-Identifier: MIT
// Open directories: getdents64(2). Entries are handed out one by one without any lock
// held, because the sink writes to a program's memory; names that come or go meanwhile
// do not disturb the others.
#include "kernel/fs/directory_file.h"

namespace fs {

namespace {

class DirectoryFile final : public File {
public:
    using File::File;
    MM_OBJECT_CACHE(DirectoryFile)
protected:
    Result<size_t> do_read(u64, mm::IoBuffer&) override { return fail(EISDIR); }
    Result<> do_list(u64& position, DirectorySink& sink) override;
};

MM_OBJECT_CACHE_DEFINE(DirectoryFile)

/// Remembers in the open file how far the listing came.
class PositionSink final : public DirectorySink {
public:
    PositionSink(DirectorySink& inner, u64& position) : inner_(inner), position_(position) {}
    bool add(DirectoryEntry const& entry) override {
        if (!inner_.add(entry)) return full_ = true, false;
        position_ = entry.next_offset;
        return true;
    }
    bool is_full() const { return full_; }
private:
    DirectorySink& inner_;
    u64& position_;
    bool full_ = false;
};

}

Result<> DirectoryFile::do_list(u64& position, DirectorySink& sink) {
    PositionSink counted(sink, position);
    Inode& self = *inode();
    if (dentry()->is_unlinked()) return fail(ENOENT);
    self.touch_accessed();
    if (position == 0) counted.add({".", self.number(), FileType::Directory, 1});
    if (position == 1 && !counted.is_full()) counted.add({"..", dentry()->parent()->file().number(), FileType::Directory, 2});
    if (position < 2 || counted.is_full()) return {};
    Names* const names = self.names();
    if (!names) return self.list(position, counted);
    NameCopy name;
    for (DirectoryEntry entry; names->copy_at_or_after(position, name, entry);)
        if (!counted.add(entry)) break;
    return {};
}

Result<Ref<File>> open_directory(Dentry& dentry, u32 flags) {
    return TRY(mm::make_ref<DirectoryFile>(Ref<Dentry>::share(&dentry), flags));
}

}
