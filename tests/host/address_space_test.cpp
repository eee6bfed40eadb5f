// SPDX-License-Identifier: MIT
// Whole address spaces on the host: several of them map, write, fork, move and die at random, beside a model
// that knows what each page must contain. Memory is an array of frames that can be told to run out; when all
// spaces are gone every frame must be back.
// sources: mm/user/vma.cpp mm/user/vma_set.cpp mm/user/vma_gap.cpp mm/user/address_space.cpp mm/user/map.cpp
// sources: mm/user/unmap.cpp mm/user/protect.cpp mm/user/remap.cpp mm/user/brk.cpp mm/user/advise.cpp mm/user/page_fault.cpp
// sources: mm/user/copy_on_write.cpp mm/user/remote_access.cpp mm/user/maps.cpp mm/user/anonymous_object.cpp
// sources: mm/user/shared_tables.cpp mm/user/tlb_batch.cpp mm/user/vm_counters.cpp mm/page_table.cpp kernel/base/format.cpp
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <string>

#include <base/format.h>
#include <base/trace.h>

#include "kernel/sync/mutex.h"
#include "mm/kernel_space.h"
#include "mm/user/address_space.h"
#include "mm/user/user_page.h"

namespace {

constexpr size_t frame_count = 16384;
alignas(page_size) std::byte memory[frame_count * page_size];
mm::Frame records[frame_count];
std::vector<u32> free_list;

/// The next allocation of a frame or an object that is to fail, counted down; negative: none.
int failing_allocation = -1;
bool allocation_fails() { return failing_allocation >= 0 && failing_allocation-- == 0; }

void prepare_memory() {
    if (arch::host_memory) return;
    arch::host_memory = memory;
    for (u32 i = 1; i < frame_count; ++i) free_list.push_back(i);
    mm::initialize_user_memory();
}

}

// ---- what the spaces stand on

namespace mm {

constinit FrameAllocator frame_allocator;
constinit KernelSpace kernel_space;

Frame& frame_record(PhysAddr address) { return records[address.value() / page_size]; }
PhysAddr frame_address(Frame const& frame) { return PhysAddr(static_cast<u64>(&frame - records) * page_size); }
bool is_managed(PhysAddr) { return true; }
bool AddressSpace::is_obvious_overcommit(u64 size) { return size > frame_count * page_size; }

Result<FrameRef> FrameAllocator::allocate(unsigned, Fill fill, Urgency) {
    if (free_list.empty() || allocation_fails()) return fail(ENOMEM);
    Frame& frame = records[free_list.back()];
    free_list.pop_back();
    frame.references = 1;
    frame.flags = 0;
    frame.used = {};
    std::memset(arch::direct_map(frame_address(frame)), fill == Fill::Zero ? 0 : 0xa5, page_size);
    return FrameRef::adopt(frame);
}

void frame_return(Frame& frame) {
    std::memset(arch::direct_map(frame_address(frame)), 0x5a, page_size);   // who still uses it sees nonsense
    free_list.push_back(static_cast<u32>(&frame - records));
}
void frame_release(Frame& frame) {
    ASSERT(frame.references != 0);
    if (frame_release_last(frame)) frame_return(frame);
}

void* ObjectCache::allocate() { return allocation_fails() ? nullptr : std::malloc(object_size_); }
void ObjectCache::free(void* object) { std::free(object); }
ObjectCache& Vma::object_cache() {
    static constinit ObjectCache cache("Vma", sizeof(Vma), alignof(Vma));
    return cache;
}

}

arch::TlbSpace::TlbSpace(PhysAddr its_root) : root(its_root), id(1) {}
void arch::tlb_flush(TlbSpace&, std::span<u64 const>) {}
void arch::tlb_flush(TlbSpace&) {}
void arch::tlb_leave(TlbSpace const&) {}

namespace sync {
void RwLockBase::acquire_shared() {}
void RwLockBase::release_shared() {}
void RwLockBase::acquire_exclusive() {}
void RwLockBase::release_exclusive() {}
void MutexBase::acquire() {}
void MutexBase::release() {}
}

constinit u32 trace::enabled_events = 0;
void trace::record(Event, u64, u64) {}

namespace {

using mm::AddressSpace;
using mm::FaultKind;
using mm::FaultResult;
using mm::MapRequest;
using mm::Protection;
using mm::Sharing;

/// A file of `pages` pages whose holes read as the frame of zeros, as tmpfs has it.
class FakeFile final : public mm::VmObject {
public:
    explicit FakeFile(u64 pages) : frames_(pages) {}
    Result<mm::FrameRef> page(u64 index, mm::Access access) override {
        if (index >= frames_.size()) return fail(ENXIO);
        if (!frames_[index]) {
            if (access == mm::Access::Read) return mm::zero_frame();
            frames_[index] = TRY(mm::frame_allocator.allocate(0, mm::Fill::Zero, mm::Urgency::User));
        }
        return frames_[index];
    }
    void describe(base::Writer& out) const override { out.write("/bin/file"); }
    u64 device() const override { return 0x1203; }
    u64 inode_number() const override { return 42; }
private:
    std::vector<mm::FrameRef> frames_;
};

struct ModelObject {
    std::vector<u64> values;
    Ref<mm::VmObject> real;
};

struct ModelPage {
    Protection protection;
    Sharing sharing = Sharing::Private;
    std::shared_ptr<ModelObject> object;
    u64 index = 0;
    std::optional<u64> own;

    bool continues(ModelPage const& below) const {
        return protection == below.protection && sharing == below.sharing && object == below.object &&
               (!object || index == below.index + 1);
    }
    bool past_end() const { return object && index >= object->values.size(); }
    bool can_write() const { return protection.write && !(past_end() && !own); }
    bool can_read() const { return !protection.none() && !(past_end() && !own); }
    u64 value() const { return own ? *own : object ? object->values[index] : 0; }
};

struct Space {
    Ref<AddressSpace> real;
    std::map<u64, ModelPage> pages;
};

class AddressSpaceTest : public testing::Test {
protected:
    AddressSpaceTest() {
        prepare_memory();
        free_before_ = free_list.size();
        for (u64 size : {4, 40}) files_.push_back(make_file(size));
    }
    void expect_everything_back() {
        spaces_.clear();
        files_.clear();
        EXPECT_EQ(free_list.size(), free_before_);
        auto const counters = mm::vm_counters();
        EXPECT_EQ(counters.resident_anonymous + counters.resident_file + counters.resident_shared, 0u);
    }

    static std::shared_ptr<ModelObject> make_file(u64 pages) {
        auto object = std::make_shared<ModelObject>();
        object->values.resize(pages);
        object->real = Ref<mm::VmObject>::adopt(new FakeFile(pages));
        return object;
    }
    Space& add_space() {
        spaces_.push_back({*AddressSpace::create(), {}});
        return spaces_.back();
    }

    u64 pick(u64 limit) { return random_() % limit; }
    Protection random_protection() {
        if (pick(8) == 0) return {};
        return {.read = true, .write = pick(4) != 0, .execute = pick(4) == 0};
    }
    /// In one of three regions, each across the border of two tables.
    u64 random_page() { return (1 + pick(3)) * gib - reach_ * page_size * 2 / 5 + pick(reach_) * page_size; }
    u64 random_size() { return 1 + pick(longest_); }

    // ---- operations on a space and on its model

    void map(Space& space) {
        u64 const start = random_page(), pages = random_size();
        ModelPage page{.protection = random_protection()};
        MapRequest request{.address = UserAddr(start), .size = pages * page_size, .placement = MapRequest::Placement::Fixed,
                           .protection = page.protection};
        if (pick(2) == 0) {
            page.object = files_[pick(files_.size())];
            page.index = pick(4);
            request.object = page.object->real;
            request.offset = page.index * page_size;
        }
        if (pick(4) == 0) page.sharing = request.sharing = Sharing::Shared;
        if (page.sharing == Sharing::Shared && !page.object) {
            page.object = std::make_shared<ModelObject>();
            page.object->values.resize(pages);
        }
        auto const mapped = space.real->map(request);
        if (!mapped) return check_out_of_memory(mapped.error());
        ASSERT_EQ(mapped->value(), start);
        for (u64 i = 0; i < pages; ++i) {
            ModelPage& target = space.pages[start + i * page_size] = page;
            if (page.object) target.index += i;
        }
    }

    void unmap(Space& space) {
        u64 const start = random_page(), pages = random_size();
        auto const done = space.real->unmap(UserAddr(start), pages * page_size);
        if (!done) return check_out_of_memory(done.error());
        erase(space, start, pages);
    }

    static void erase(Space& space, u64 start, u64 pages) {
        space.pages.erase(space.pages.lower_bound(start), space.pages.lower_bound(start + pages * page_size));
    }

    void protect(Space& space) {
        u64 const start = random_page(), pages = random_size();
        Protection const protection = random_protection();
        auto const done = space.real->protect(UserAddr(start), pages * page_size, protection);
        for (u64 i = 0; i < pages; ++i) {
            auto const page = space.pages.find(start + i * page_size);
            if (page == space.pages.end()) {
                ASSERT_EQ(done.error().value, ENOMEM);
                return;
            }
            page->second.protection = protection;
        }
        ASSERT_TRUE(done);
    }

    void discard(Space& space) {
        u64 const start = random_page(), pages = random_size() / 2 + 1;
        static_cast<void>(space.real->advise(UserAddr(start), pages * page_size, mm::Advice::DontNeed));
        for (u64 i = 0; i < pages; ++i)
            if (auto const page = space.pages.find(start + i * page_size); page != space.pages.end()) page->second.own.reset();
    }

    void write(Space& space) {
        u64 const start = random_page(), pages = longest_ > 12 && pick(4) == 0 ? random_size() : 1;
        for (u64 i = 0; i < pages; ++i) ASSERT_NO_FATAL_FAILURE(write_page(space, start + i * page_size));
    }
    void write_page(Space& space, u64 address) {
        u64 const value = random_();
        auto const page = space.pages.find(address);
        bool const allowed = page != space.pages.end() && page->second.can_write();
        auto const bytes = std::as_bytes(std::span(&value, 1));
        auto done = space.real->write(UserAddr(address), bytes);
        if (done) done = space.real->write(UserAddr(address + page_size - sizeof value), bytes);
        if (!done && done.error().value == ENOMEM) return check_out_of_memory(done.error());
        ASSERT_EQ(allowed, done.has_value()) << std::hex << address;
        if (!allowed) return;
        if (page->second.sharing == Sharing::Shared) page->second.object->values[page->second.index] = value;
        else page->second.own = value;
    }

    void check_page(Space& space, u64 address) {
        auto const page = space.pages.find(address);
        bool const allowed = page != space.pages.end() && page->second.can_read();
        u64 values[2] = {};
        auto const first = space.real->read(UserAddr(address), std::as_writable_bytes(std::span(values).first(1)));
        auto const last = space.real->read(UserAddr(address + page_size - 8), std::as_writable_bytes(std::span(values).last(1)));
        if (!first || !last) return check_out_of_memory(Errno(ENOMEM));
        ASSERT_EQ(*first, allowed ? 8u : 0u) << std::hex << address;
        ASSERT_EQ(*last, *first);
        if (!allowed) return;
        ASSERT_EQ(values[0], page->second.value()) << std::hex << address;
        ASSERT_EQ(values[1], page->second.value()) << std::hex << address;
    }

    void fork(size_t parent) {
        auto child = spaces_[parent].real->fork();
        if (!child) return check_out_of_memory(child.error());
        spaces_.push_back({std::move(*child), spaces_[parent].pages});
    }

    void remap(Space& space) {
        u64 const start = random_page(), old_pages = random_size() * 2 / 3 + 1, new_pages = random_size();
        auto const first = space.pages.find(start);
        u64 run = 0;
        for (auto page = first; page != space.pages.end() && page->first == start + run * page_size; ++page) {
            if (page != first && !page->second.continues(std::prev(page)->second)) break;
            ++run;
        }
        auto const moved = space.real->remap(UserAddr(start), old_pages * page_size, new_pages * page_size, AddressSpace::Move::Maybe, UserAddr());
        if (!moved && moved.error().value == ENOMEM) return check_out_of_memory(moved.error());
        bool const possible = run != 0 && (new_pages <= old_pages || old_pages <= run);
        ASSERT_EQ(possible ? 0 : EFAULT, moved ? 0 : moved.error().value);
        if (!possible) return;
        if (new_pages <= old_pages) return erase(space, start + new_pages * page_size, old_pages - new_pages);
        move_model(space, start, old_pages, moved->value(), new_pages);
    }

    static void move_model(Space& space, u64 start, u64 old_pages, u64 target, u64 new_pages) {
        ModelPage const first = space.pages[start];
        std::vector<ModelPage> pages;
        for (u64 i = 0; i < new_pages; ++i) {
            ModelPage page = i < old_pages ? space.pages[start + i * page_size] : first;
            if (i >= old_pages) {
                page.own.reset();
                if (page.object) page.index = first.index + i;
            }
            pages.push_back(page);
        }
        erase(space, start, old_pages);
        for (u64 i = 0; i < new_pages; ++i) {
            ASSERT_FALSE(space.pages.contains(target + i * page_size));
            space.pages[target + i * page_size] = pages[i];
        }
    }

    void check_out_of_memory(Errno error) {
        ASSERT_EQ(error.value, ENOMEM);
        ASSERT_TRUE(may_fail_) << "an allocation failed unasked";
        ++failures_;
    }

    void random_step() {
        size_t const which = pick(spaces_.size());
        Space& space = spaces_[which];
        switch (pick(16)) {
        case 0: case 1: map(space); break;
        case 2: unmap(space); break;
        case 3: if (!may_fail_) protect(space); break;
        case 4: discard(space); break;
        case 5: remap(space); break;
        case 6: if (spaces_.size() < 6) fork(which); break;
        case 7: if (spaces_.size() > 2) spaces_.erase(spaces_.begin() + static_cast<i64>(which)); break;
        case 8: case 9: case 10: check_page(space, random_page()); break;
        default: write(space); break;
        }
    }

    void step_with_failures() {
        may_fail_ = true;
        failing_allocation = static_cast<int>(pick(pick(2) == 0 ? 4 : 80));
        random_step();
        failing_allocation = -1;
        may_fail_ = false;
    }

    void check_all() {
        for (Space& space : spaces_) {
            ASSERT_EQ(space.real->statistics().mapped_pages, space.pages.size());
            for (auto const& [address, page] : space.pages) ASSERT_NO_FATAL_FAILURE(check_page(space, address));
            auto const statistics = space.real->statistics();
            auto const own = std::ranges::count_if(space.pages, [](auto const& page) { return page.second.own.has_value(); });
            ASSERT_EQ(statistics.resident_pages - statistics.file_pages - statistics.shared_pages, static_cast<u64>(own));
        }
    }

    std::mt19937_64 random_{19680401};
    std::vector<Space> spaces_;
    std::vector<std::shared_ptr<ModelObject>> files_;
    size_t free_before_ = 0;
    u64 reach_ = 40, longest_ = 12;   ///< pages: of a region, and of what is mapped, moved, unmapped at once
    bool may_fail_ = false;
    int failures_ = 0;
};

TEST_F(AddressSpaceTest, RandomOperationsAgreeWithTheModel) {
    add_space();
    for (int step = 0; step < 30000; ++step) {
        ASSERT_NO_FATAL_FAILURE(random_step()) << "step " << step;
        if (step % 500 != 0) continue;
        ASSERT_NO_FATAL_FAILURE(check_all()) << "step " << step;
    }
    expect_everything_back();
}

TEST_F(AddressSpaceTest, RunningOutOfMemoryLosesNothing) {
    add_space();
    for (int step = 0; step < 30000; ++step) {
        ASSERT_NO_FATAL_FAILURE(step_with_failures()) << "step " << step;
        if (step % 500 != 0) continue;
        ASSERT_NO_FATAL_FAILURE(check_all()) << "step " << step;
    }
    EXPECT_GT(failures_, 2000);
    expect_everything_back();
}

/// Regions in which tables are full enough to be shared at fork.
TEST_F(AddressSpaceTest, SharedTablesAgreeWithTheModel) {
    reach_ = 900, longest_ = 400;
    for (auto const& [size, file] : {std::pair(u64{300}, &files_[0]), std::pair(u64{1300}, &files_[1])}) *file = make_file(size);
    auto const before = mm::vm_counters();
    add_space();
    for (int step = 0; step < 6000; ++step) {
        if (step % 2 == 0) ASSERT_NO_FATAL_FAILURE(random_step()) << "step " << step;
        else ASSERT_NO_FATAL_FAILURE(step_with_failures()) << "step " << step;
        if (step % 200 != 0) continue;
        ASSERT_NO_FATAL_FAILURE(check_all()) << "step " << step;
    }
    auto const after = mm::vm_counters();
    EXPECT_GT(after.table_shares - before.table_shares, 200u);
    EXPECT_GT(after.table_copies - before.table_copies, 100u);
    EXPECT_GT(after.table_takeovers - before.table_takeovers, 100u);
    expect_everything_back();
}

TEST_F(AddressSpaceTest, ForkCopiesOnlyWhatIsWritten) {
    Space& parent = add_space();
    auto const start = parent.real->map({.size = 120 * page_size, .protection = {.read = true, .write = true}});
    ASSERT_TRUE(start);
    u64 const value = 7;
    auto const bytes = std::as_bytes(std::span(&value, 1));
    for (u64 i = 0; i < 120; ++i) ASSERT_TRUE(parent.real->write(*start + i * page_size, bytes));
    size_t const free_frames = free_list.size();
    auto const before = mm::vm_counters();
    auto child = parent.real->fork();
    ASSERT_TRUE(child);
    EXPECT_EQ(free_frames - free_list.size(), (*child)->statistics().table_frames);
    for (u64 i = 0; i < 100; ++i) ASSERT_TRUE((*child)->write(*start + i * page_size, bytes));
    EXPECT_EQ(mm::vm_counters().cow_copies - before.cow_copies, 100u);
    EXPECT_EQ(free_frames - free_list.size(), (*child)->statistics().table_frames + 100);
    for (u64 i = 0; i < 100; ++i) ASSERT_TRUE(parent.real->write(*start + i * page_size, bytes));
    EXPECT_EQ(mm::vm_counters().cow_reuses - before.cow_reuses, 100u);
    child->reset();
    for (u64 i = 0; i < 120; ++i) ASSERT_TRUE(parent.real->write(*start + i * page_size, bytes));
    EXPECT_EQ(mm::vm_counters().cow_reuses - before.cow_reuses, 120u);
    EXPECT_EQ(mm::vm_counters().cow_copies - before.cow_copies, 100u);
    EXPECT_EQ(free_list.size(), free_frames);
    EXPECT_EQ(parent.real->statistics().resident_pages, 120u);
    expect_everything_back();
}

TEST_F(AddressSpaceTest, ForkSharesFullTables) {
    Space& parent = add_space();
    u64 const start = 3 * gib, size = 3 * 512 * page_size;
    ASSERT_TRUE(parent.real->map({.address = UserAddr(start), .size = size, .placement = MapRequest::Placement::Fixed, .protection = {.read = true, .write = true}}));
    u64 const value = 7;
    auto const write = [&](Ref<AddressSpace>& space, u64 page) {
        ASSERT_TRUE(space->write(UserAddr(start + page * page_size), std::as_bytes(std::span(&value, 1))));
    };
    for (u64 page = 0; page < 3 * 512; ++page) write(parent.real, page);
    size_t const free_frames = free_list.size();
    auto const before = mm::vm_counters();
    auto const expect = [&](u64 copies, u64 takeovers, u64 pages_copied, u64 pages_reused, u64 frames) {
        auto const now = mm::vm_counters();
        EXPECT_EQ(now.table_copies - before.table_copies, copies);
        EXPECT_EQ(now.table_takeovers - before.table_takeovers, takeovers);
        EXPECT_EQ(now.cow_copies - before.cow_copies, pages_copied);
        EXPECT_EQ(now.cow_reuses - before.cow_reuses, pages_reused);
        EXPECT_EQ(free_frames - free_list.size(), frames);
    };
    auto child = parent.real->fork();
    ASSERT_TRUE(child);
    EXPECT_EQ(mm::vm_counters().table_shares - before.table_shares, 3u);
    EXPECT_EQ((*child)->statistics().resident_pages, 3 * 512u);
    expect(0, 0, 0, 0, 3);          // root and two tables on the way; the leaf tables are the parent's
    write(*child, 5);
    expect(1, 0, 1, 0, 5);
    write(parent.real, 5);          // the table is the parent's alone, and so is the page now
    expect(1, 1, 1, 1, 5);
    write(parent.real, 6);
    expect(1, 1, 2, 1, 6);
    ASSERT_TRUE((*child)->unmap(UserAddr(start + 512 * page_size), 512 * page_size));
    EXPECT_EQ((*child)->statistics().resident_pages, 2 * 512u);
    expect(1, 1, 2, 1, 6);
    write(parent.real, 512);        // its entries never lost their write right
    expect(1, 2, 2, 1, 6);
    ASSERT_TRUE((*child)->protect(UserAddr(start + 1024 * page_size), page_size, {.read = true}));
    expect(2, 2, 2, 1, 7);
    child->reset();
    expect(2, 2, 2, 1, 0);
    EXPECT_EQ(parent.real->statistics().resident_pages, 3 * 512u);
    expect_everything_back();
}

TEST_F(AddressSpaceTest, TheStackGrowsToItsLimitAndKeepsItsDistance) {
    Space& space = add_space();
    u64 const top = 64 * gib;
    ASSERT_TRUE(space.real->map({.address = UserAddr(top - 4 * page_size), .size = 4 * page_size, .placement = MapRequest::Placement::Fixed,
                                 .protection = {.read = true, .write = true}, .kind = mm::VmaKind::Stack}));
    auto const touch = [&](u64 address) { return space.real->handle_fault(UserAddr(address), FaultKind::Write, UserAddr()); };
    EXPECT_EQ(touch(top - mib), FaultResult::Handled);
    EXPECT_EQ(touch(top - 8 * mib), FaultResult::Handled);
    EXPECT_EQ(touch(top - 8 * mib - 1), FaultResult::NotMapped);
    EXPECT_EQ(space.real->statistics().stack_pages, 8 * mib / page_size);
    space.real->set_limits({.stack = 64 * mib});
    ASSERT_TRUE(space.real->map({.address = UserAddr(top - 16 * mib), .size = page_size, .placement = MapRequest::Placement::Fixed,
                                 .protection = {.read = true}}));
    u64 const lowest = top - 16 * mib + page_size + mm::VmaSet::stack_guard_gap;
    EXPECT_EQ(touch(lowest - 1), FaultResult::NotMapped);
    EXPECT_EQ(touch(lowest), FaultResult::Handled);
    expect_everything_back();
}

TEST_F(AddressSpaceTest, ErrorsAreLinuxs) {
    AddressSpace& space = *add_space().real;
    using Placement = MapRequest::Placement;
    auto const error = [](auto const& result) { return result ? 0 : result.error().value; };
    auto const fixed = [&](u64 address, u64 size, Placement placement = Placement::Fixed) {
        return error(space.map({.address = UserAddr(address), .size = size, .placement = placement, .protection = {.read = true},
                                .max_protection = {.read = true}}));
    };
    EXPECT_EQ(fixed(gib, 0), EINVAL);
    EXPECT_EQ(fixed(gib + 1, page_size), EINVAL);
    EXPECT_EQ(fixed(gib, ~u64{0}), ENOMEM);
    EXPECT_EQ(fixed(gib, u64{1} << 47), ENOMEM);
    EXPECT_EQ(fixed(arch::user_space_end, page_size), ENOMEM);
    EXPECT_EQ(fixed(page_size, page_size), EPERM);
    EXPECT_EQ(fixed(gib, 2 * page_size), 0);
    EXPECT_EQ(fixed(gib + page_size, page_size, Placement::FixedNoReplace), EEXIST);
    EXPECT_EQ(fixed(gib + 2 * page_size, page_size, Placement::FixedNoReplace), 0);
    EXPECT_EQ(error(space.map({.size = frame_count * page_size + 1, .protection = {.write = true}})), ENOMEM);
    EXPECT_EQ(error(space.map({.size = frame_count * page_size + 1, .protection = {.write = true}, .no_reserve = true})), 0);
    EXPECT_EQ(error(space.unmap(UserAddr(gib), 0)), EINVAL);
    EXPECT_EQ(error(space.unmap(UserAddr(gib + 1), page_size)), EINVAL);
    EXPECT_EQ(error(space.unmap(UserAddr(arch::user_space_end), page_size)), EINVAL);
    EXPECT_EQ(error(space.unmap(UserAddr(5 * gib), page_size)), 0);
    EXPECT_EQ(error(space.protect(UserAddr(gib + 1), page_size, {})), EINVAL);
    EXPECT_EQ(error(space.protect(UserAddr(gib), 4 * page_size, {})), ENOMEM);
    EXPECT_EQ(space.handle_fault(UserAddr(gib), FaultKind::Read, UserAddr()), FaultResult::NotPermitted);
    EXPECT_EQ(error(space.protect(UserAddr(gib), page_size, {.write = true})), EACCES);
    EXPECT_EQ(error(space.sync(UserAddr(gib), 4 * page_size)), ENOMEM);
    EXPECT_EQ(error(space.sync(UserAddr(gib), 3 * page_size)), 0);
    auto const remap = [&](u64 from, u64 old_pages, u64 new_pages, AddressSpace::Move move, u64 to = 0) {
        return error(space.remap(UserAddr(from), old_pages * page_size, new_pages * page_size, move, UserAddr(to)));
    };
    using Move = AddressSpace::Move;
    EXPECT_EQ(remap(gib, 3, 0, Move::Maybe), EINVAL);
    EXPECT_EQ(remap(gib, 0, 1, Move::Maybe), EINVAL);
    EXPECT_EQ(remap(5 * gib, 1, 2, Move::Maybe), EFAULT);
    EXPECT_EQ(remap(gib, 4, 5, Move::Maybe), EFAULT);
    EXPECT_EQ(remap(gib, 1, 2, Move::Never), ENOMEM);
    EXPECT_EQ(remap(gib, 3, 3, Move::Fixed, gib + page_size), EINVAL);
    EXPECT_EQ(remap(gib, 3, 3, Move::Fixed, 7 * gib + 1), EINVAL);
    EXPECT_EQ(remap(gib, 3, 3, Move::Fixed, 7 * gib), 0);
    expect_everything_back();
}

TEST_F(AddressSpaceTest, LimitsAreKept) {
    AddressSpace& space = *add_space().real;
    space.set_limits({.address_space = 64 * page_size, .data = 16 * page_size});
    auto const map = [&](u64 pages, bool write) {
        return space.map({.size = pages * page_size, .protection = {.read = true, .write = write}}).has_value();
    };
    EXPECT_FALSE(map(65, false));
    EXPECT_FALSE(map(17, true));
    EXPECT_TRUE(map(16, true));
    EXPECT_FALSE(map(1, true));
    EXPECT_TRUE(map(48, false));
    EXPECT_FALSE(map(1, false));
    expect_everything_back();
}

TEST_F(AddressSpaceTest, TheBreakMovesByBytes) {
    AddressSpace& space = *add_space().real;
    space.set_heap(UserAddr(gib + 8));
    auto const set = [&](u64 address) { return space.set_break(UserAddr(address)).value(); };
    EXPECT_EQ(set(0), gib + 8);
    EXPECT_EQ(set(gib + 7), gib + 8);
    EXPECT_EQ(set(gib + 3 * page_size + 5), gib + 3 * page_size + 5);
    EXPECT_EQ(space.statistics().mapped_pages, 3u);
    EXPECT_EQ(set(gib + page_size), gib + page_size);
    EXPECT_EQ(space.statistics().mapped_pages, 0u);
    ASSERT_TRUE(space.map({.address = UserAddr(gib + 8 * page_size), .size = page_size, .placement = MapRequest::Placement::Fixed,
                           .protection = {.read = true}}));
    EXPECT_EQ(set(gib + 8 * page_size), gib + page_size);
    EXPECT_EQ(set(gib + 7 * page_size), gib + 7 * page_size);
    EXPECT_EQ(set(~u64{0}), gib + 7 * page_size);
    expect_everything_back();
}

class StringWriter final : public base::Writer {
public:
    void write(std::string_view part) override { text += part; }
    std::string text;
};

TEST_F(AddressSpaceTest, MapsReadAsLinuxWritesThem) {
    AddressSpace& space = *add_space().real;
    auto const map = [&](u64 address, MapRequest request) {
        request.address = UserAddr(address);
        request.placement = MapRequest::Placement::Fixed;
        ASSERT_TRUE(space.map(request));
    };
    map(0x400000, {.size = 0x52000, .protection = {.read = true, .execute = true}, .object = files_[0]->real, .offset = 0x1000});
    space.set_heap(UserAddr(0x10000000));
    space.set_break(UserAddr(0x10002000));
    map(0x7f0000000000, {.size = page_size, .protection = {.read = true, .write = true}, .sharing = Sharing::Shared, .object = files_[0]->real});
    map(0x7f0000010000, {.size = page_size});
    map(0x7ffffffde000, {.size = 2 * page_size, .protection = {.read = true, .write = true}, .kind = mm::VmaKind::Stack});
    mm::ImageLayout layout;
    layout.stack_start = UserAddr(0x7ffffffdf123);
    space.set_layout(layout);
    StringWriter out;
    space.write_maps(out);
    EXPECT_EQ(out.text,
              "00400000-00452000 r-xp 00001000 12:03 42                                 /bin/file\n"
              "10000000-10002000 rw-p 00000000 00:00 0                                  [heap]\n"
              "7f0000000000-7f0000001000 rw-s 00000000 12:03 42                         /bin/file\n"
              "7f0000010000-7f0000011000 ---p 00000000 00:00 0 \n"
              "7ffffffde000-7ffffffe0000 rw-p 00000000 00:00 0                          [stack]\n");
    expect_everything_back();
}

}
