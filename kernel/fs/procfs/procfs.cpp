// SPDX-License-Identifier: MIT
// /proc's registered names: a small tree of nodes that only grows, under nodes_lock.
#include "kernel/fs/procfs/procfs.h"

#include <base/format.h>

#include <linux/magic.h>

#include "kernel/fs/procfs/proc_numbers.h"
#include "kernel/fs/procfs/proc_process.h"
#include "kernel/fs/procfs/proc_text_file.h"
#include "kernel/fs/protections.h"

namespace fs {

constinit ProcFs procfs;

/// What a name stands for.
struct ProcFs::Leaf {
    FileType type = FileType::Directory;
    u32 permissions = 0555;
    ProcText text = nullptr;
    ProcWrite write = nullptr;
    std::string_view target;       ///< symbolic links; empty: the caller's directory
    bool of_thread = false;        ///< then it is the running thread's
};

struct ProcFs::Node : Leaf {
    Node* next = nullptr;          ///< sibling
    Node* first_child = nullptr;
    NameText name;
    u64 number = 0;                ///< of its inode
};

namespace {

using Node = ProcFs::Node;

constinit sync::Mutex<LockRank::sleeping_leaf> nodes_lock;
constinit u64 next_node_number GUARDED_BY(nodes_lock) = 1;
constexpr u64 first_offset = 2;

using NodesGuard = decltype(nodes_lock)::Guard;

/// A queue that is never woken: Linux lets epoll watch every file of /proc that belongs to no process.
constinit sched::WaitQueue no_changes;

Ownership owned_by_root(Node const& node) { return {node.type, node.permissions, UserId(0), GroupId(0)}; }

class NodeText final : public Inode, public TextSource {
public:
    explicit NodeText(Node const& node) : Inode(procfs, node.number, owned_by_root(node)), node_(node) {}
    Result<Ref<File>> open(Dentry& dentry, u32 flags) override { return open_text(dentry, flags, *this); }
    Result<> truncate(u64) override { return {}; }     // the shell's `>` opens with O_TRUNC
    Result<> make_text(u64, base::Writer& out) override { return node_.text(out); }
    PollEvents poll(std::atomic<u64>&, sched::WaitQueue*& queue) override { return queue = &no_changes, always_ready; }
    Result<> take_text(std::string_view text, Credentials const& who) override { return node_.write ? node_.write(text, who) : fail(EIO); }
private:
    Node const& node_;
};

class NodeLink final : public Inode {
public:
    explicit NodeLink(Node const& node) : Inode(procfs, node.number, owned_by_root(node)), node_(node) {}
    Result<size_t> read_link(std::span<char> out) override {
        if (!node_.target.empty()) return node_.target.copy(out.data(), out.size());
        auto* const provider = procfs.processes.get();
        auto const self = provider ? provider->current() : std::nullopt;
        if (!self) return fail(ENOENT);
        char text[40];
        base::BufferWriter writer(text);
        if (node_.of_thread) base::format_to(writer, "{}/task/{}", self->process, self->thread);
        else base::format_to(writer, "{}", self->process);
        return writer.text().copy(out.data(), out.size());
    }
private:
    Node const& node_;
};

class NodeDirectory final : public Inode {
public:
    NodeDirectory(Node& node, bool is_top) : Inode(procfs, node.number, owned_by_root(node)), node_(node), is_top_(is_top) { adjust_links(1); }
    Result<Ref<Inode>> lookup(std::string_view name) override;
    Result<> list(u64 offset, DirectorySink& sink) override;
private:
    Node& node_;
    bool const is_top_;            ///< /proc itself has the processes too
};

Node* find_child(Node const& node, std::string_view name) {
    for (Node* child = node.first_child; child; child = child->next)
        if (child->name.view() == name) return child;
    return nullptr;
}

Result<Ref<Inode>> make_inode(Node& node) {
    switch (node.type) {
    case FileType::Directory: return TRY(mm::make_ref<NodeDirectory>(node, false));
    case FileType::Symlink: return TRY(mm::make_ref<NodeLink>(node));
    default: return TRY(mm::make_ref<NodeText>(node));
    }
}

Result<Ref<Inode>> NodeDirectory::lookup(std::string_view name) {
    Node* child;
    {
        Locked guard(nodes_lock);
        child = find_child(node_, name);
    }
    if (child) return make_inode(*child);
    return is_top_ ? lookup_process(name) : fail(ENOENT);
}

Result<> NodeDirectory::list(u64 offset, DirectorySink& sink) {
    u64 place = first_offset;
    Node const* child;
    {
        Locked guard(nodes_lock);
        child = node_.first_child;
        for (; child && place < offset; child = child->next) ++place;
    }
    // Nodes are never removed and are added at the end: the list can be walked without the lock.
    for (; child; child = child->next)
        if (!sink.add({child->name.view(), child->number, child->type, ++place})) return {};
    if (is_top_) list_processes(offset, sink);
    return {};
}

Result<> write_file_systems(base::Writer& out) {
    vfs.write_types(out);
    return {};
}

constinit FileSystemType type{"proc", []() -> Result<FileSystem*> { return &procfs; }};

}

Result<> ProcFs::enter(std::string_view path, Leaf const& leaf) {
    Locked guard(nodes_lock);
    for (Node* place = top_;;) {
        size_t const slash = path.find('/');
        bool const last = slash == path.npos;
        auto const name = path.substr(0, slash);
        Node* child = find_child(*place, name);
        if (child && last) return fail(EEXIST);
        if (!child) {
            mm::Owned<Node> made(TRY(mm::make<Node>()));
            TRY(made->name.assign(name));
            made->number = next_node_number++;
            if (last) static_cast<Leaf&>(*made) = leaf;
            Node** link = &place->first_child;
            while (*link) link = &(*link)->next;
            *link = child = made.leak();
        }
        if (last) return {};
        place = child;
        path.remove_prefix(slash + 1);
    }
}

Result<> ProcFs::initialize() {
    vfs.register_type(type);
    device_ = next_anonymous_device();
    top_ = TRY(mm::make<Node>());
    {
        Locked guard(nodes_lock);
        top_->number = next_node_number++;
    }
    TRY(add_link("self", {}));
    TRY(enter("thread-self", {FileType::Symlink, 0777, nullptr, nullptr, {}, true}));
    TRY(add_link("mounts", "self/mounts"));
    TRY(add("filesystems", write_file_systems));
    TRY(add("sys/fs/protected_hardlinks", write_setting<protected_hardlinks>, 0644, change_setting<protected_hardlinks, 0, 1>));
    TRY(add("sys/fs/protected_symlinks", write_setting<protected_symlinks>, 0644, change_setting<protected_symlinks, 0, 1>));
    TRY(add("sys/fs/protected_fifos", write_setting<protected_fifos>, 0644, change_setting<protected_fifos, 0, 2>));
    return add("sys/fs/protected_regular", write_setting<protected_regular>, 0644, change_setting<protected_regular, 0, 2>);
}

Result<> ProcFs::add(std::string_view path, ProcText text, u32 permissions, ProcWrite write) {
    return enter(path, {FileType::Regular, permissions, text, write, {}, false});
}

Result<> ProcFs::add_link(std::string_view path, std::string_view target) {
    return enter(path, {FileType::Symlink, 0777, nullptr, nullptr, target, false});
}

Ref<Inode> ProcFs::root() {
    auto inode = mm::make_ref<NodeDirectory>(*top_, true);
    return inode ? Ref<Inode>(std::move(*inode)) : nullptr;
}

FileSystem::Statistics ProcFs::statistics() {
    Statistics out;
    out.type = PROC_SUPER_MAGIC;
    return out;
}

}
