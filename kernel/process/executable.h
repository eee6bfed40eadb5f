// SPDX-License-Identifier: MIT
// Executable: the file that a process runs. While an Executable holds the file, opening it for writing fails
// (ETXTBSY, execve(2)). Each copy holds it too; fork makes one.
#pragma once

#include "kernel/fs/dentry.h"

namespace process {

class Executable {
public:
    Executable() = default;
    /// ETXTBSY: the file is open or mapped for writing.
    static Result<Executable> claim(fs::Dentry& file) {
        if (!file.file().begin_executing()) return fail(ETXTBSY);
        Executable claimed;
        claimed.file_ = Ref<fs::Dentry>::share(&file);
        return claimed;
    }
    Executable(Executable const& other) : file_(other.file_) {
        if (file_) file_->file().share_executing();   // `other` keeps writers out
    }
    Executable(Executable&& other) noexcept : file_(std::move(other.file_)) {}
    Executable& operator=(Executable other) noexcept {
        std::swap(file_, other.file_);
        return *this;
    }
    ~Executable() {
        if (file_) file_->file().end_executing();
    }
    Ref<fs::Dentry> const& file() const { return file_; }

private:
    Ref<fs::Dentry> file_;
};

}
