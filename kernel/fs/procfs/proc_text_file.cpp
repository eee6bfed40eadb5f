// SPDX-License-Identifier: MIT
// Open /proc files: a read at the start makes the whole text, and later reads take pieces of it.
#include "kernel/fs/procfs/proc_text_file.h"

#include <algorithm>
#include <cstring>

#include <linux/fs.h>

namespace fs {

namespace {

constexpr size_t first_size = 1024;
constexpr size_t longest_write = 4096;

class TextFile final : public File {
public:
    TextFile(Ref<Dentry> dentry, u32 flags, TextSource& source, u64 opened) : File(std::move(dentry), flags), source_(source), opened_(opened), seen_(opened) {}
    Result<u64> seek(i64 offset, int whence) override;
    PollEvents poll(sched::WaitQueue*& queue_out) override { return source_.poll(seen_, queue_out); }
protected:
    Result<size_t> do_read(u64 position, mm::IoBuffer& buffer) override;
    Result<size_t> do_write(u64 position, mm::IoBuffer& buffer) override;
private:
    /// Makes the text (again). No lock of ours is held: the source may take any.
    Result<> refresh();
    bool has_text() {
        Locked guard(text_lock_);
        return text_.get() != nullptr;
    }
    TextSource& source_;
    u64 const opened_;                           ///< what source_.open() gave
    std::atomic<u64> seen_;                      ///< source_.poll()'s
    sync::Mutex<LockRank::inode> text_lock_;
    mm::Owned<TextBuffer> text_ GUARDED_BY(text_lock_);
};

Result<> TextFile::refresh() {
    mm::Owned<TextBuffer> fresh(TRY(mm::make<TextBuffer>()));
    TRY(source_.make_text(opened_, *fresh));
    if (fresh->is_out_of_memory()) return fail(ENOMEM);
    Locked guard(text_lock_);
    std::swap(text_, fresh);
    return {};
}

Result<u64> TextFile::seek(i64 offset, int whence) {
    if (whence != SEEK_SET && whence != SEEK_CUR) return fail(EINVAL);   // its length is not known
    return File::seek(offset, whence);
}

Result<size_t> TextFile::do_read(u64 position, mm::IoBuffer& buffer) {
    if (position == 0 || !has_text()) TRY(refresh());
    Locked guard(text_lock_);
    auto const text = text_ ? text_->text() : std::string_view();
    if (position >= text.size() || buffer.remaining() == 0) return 0;
    auto const rest = text.substr(position);
    return buffer.copy_out(rest.data(), rest.size());
}

Result<size_t> TextFile::do_write(u64, mm::IoBuffer& buffer) {
    if (buffer.remaining() == 0) return 0;
    auto const bytes = TRY(mm::Buffer::allocate(std::min<u64>(buffer.remaining(), longest_write)));
    size_t const count = TRY(buffer.copy_in(bytes.data(), bytes.size()));
    constexpr u32 nobody = 65534;
    Credentials who;
    if (privilege() != OpenerPrivilege::Superuser) who.real_uid = who.effective_uid = who.fs_uid = UserId(nobody);
    TRY(source_.take_text({bytes.chars(), count}, who));
    return count;
}

}

void TextBuffer::write(std::string_view text) {
    if (out_of_memory_ || text.empty()) return;
    if (text.size() > buffer_.size() - used_) {
        auto larger = mm::Buffer::allocate(std::max({first_size, buffer_.size() * 2, used_ + text.size()}));
        if (!larger) {
            out_of_memory_ = true;
            return;
        }
        if (used_ > 0) std::memcpy(larger->data(), buffer_.data(), used_);
        buffer_ = std::move(*larger);
    }
    std::memcpy(buffer_.data() + used_, text.data(), text.size());
    used_ += text.size();
}

Result<Ref<File>> open_text(Dentry& dentry, u32 flags, TextSource& source) {
    u64 const opened = TRY(source.open());
    return TRY(mm::make_ref<TextFile>(Ref<Dentry>::share(&dentry), flags, source, opened));
}

}
