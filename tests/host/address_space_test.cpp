// SPDX-License-Identifier: MIT
// An address space on the host, one property after the other: what fork copies and shares, the stack, the break,
// limits, errors, /proc/PID/maps.
#include <string>

#include "tests/host/memory_surroundings.h"

namespace {

class AddressSpaceTest : public MemoryTest {
protected:
    Ref<AddressSpace>& add_space() {
        spaces_.push_back(*AddressSpace::create());
        return spaces_.back();
    }
    void expect_everything_back() {
        spaces_.clear();
        expect_every_frame_back();
    }
private:
    std::vector<Ref<AddressSpace>> spaces_;
};

TEST_F(AddressSpaceTest, ForkCopiesOnlyWhatIsWritten) {
    Ref<AddressSpace>& parent = add_space();
    auto const start = parent->map({.size = 120 * page_size, .protection = {.read = true, .write = true}});
    ASSERT_TRUE(start);
    u64 const value = 7;
    auto const bytes = std::as_bytes(std::span(&value, 1));
    for (u64 i = 0; i < 120; ++i) ASSERT_TRUE(parent->write(*start + i * page_size, bytes));
    size_t const free_frames = free_list.size();
    auto const before = mm::vm_counters();
    auto child = parent->fork();
    ASSERT_TRUE(child);
    EXPECT_EQ(free_frames - free_list.size(), (*child)->statistics().table_frames);
    for (u64 i = 0; i < 100; ++i) ASSERT_TRUE((*child)->write(*start + i * page_size, bytes));
    EXPECT_EQ(mm::vm_counters().cow_copies - before.cow_copies, 100u);
    EXPECT_EQ(free_frames - free_list.size(), (*child)->statistics().table_frames + 100);
    for (u64 i = 0; i < 100; ++i) ASSERT_TRUE(parent->write(*start + i * page_size, bytes));
    EXPECT_EQ(mm::vm_counters().cow_reuses - before.cow_reuses, 100u);
    child->reset();
    for (u64 i = 0; i < 120; ++i) ASSERT_TRUE(parent->write(*start + i * page_size, bytes));
    EXPECT_EQ(mm::vm_counters().cow_reuses - before.cow_reuses, 120u);
    EXPECT_EQ(mm::vm_counters().cow_copies - before.cow_copies, 100u);
    EXPECT_EQ(free_list.size(), free_frames);
    EXPECT_EQ(parent->statistics().resident_pages, 120u);
    expect_everything_back();
}

TEST_F(AddressSpaceTest, ForkSharesFullTables) {
    Ref<AddressSpace>& parent = add_space();
    u64 const start = 3 * gib, size = 3 * 512 * page_size;
    ASSERT_TRUE(parent->map({.address = UserAddr(start), .size = size, .placement = MapRequest::Placement::Fixed, .protection = {.read = true, .write = true}}));
    u64 const value = 7;
    auto const write = [&](Ref<AddressSpace>& space, u64 page) {
        ASSERT_TRUE(space->write(UserAddr(start + page * page_size), std::as_bytes(std::span(&value, 1))));
    };
    for (u64 page = 0; page < 3 * 512; ++page) write(parent, page);
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
    auto child = parent->fork();
    ASSERT_TRUE(child);
    EXPECT_EQ(mm::vm_counters().table_shares - before.table_shares, 3u);
    EXPECT_EQ((*child)->statistics().resident_pages, 3 * 512u);
    expect(0, 0, 0, 0, 3);          // root and two tables on the way; the leaf tables are the parent's
    write(*child, 5);
    expect(1, 0, 1, 0, 5);
    write(parent, 5);          // the table is the parent's alone, and so is the page now
    expect(1, 1, 1, 1, 5);
    write(parent, 6);
    expect(1, 1, 2, 1, 6);
    ASSERT_TRUE((*child)->unmap(UserAddr(start + 512 * page_size), 512 * page_size));
    EXPECT_EQ((*child)->statistics().resident_pages, 2 * 512u);
    expect(1, 1, 2, 1, 6);
    write(parent, 512);        // its entries never lost their write right
    expect(1, 2, 2, 1, 6);
    ASSERT_TRUE((*child)->protect(UserAddr(start + 1024 * page_size), page_size, {.read = true}));
    expect(2, 2, 2, 1, 7);
    child->reset();
    expect(2, 2, 2, 1, 0);
    EXPECT_EQ(parent->statistics().resident_pages, 3 * 512u);
    expect_everything_back();
}

TEST_F(AddressSpaceTest, TheStackGrowsToItsLimitAndKeepsItsDistance) {
    Ref<AddressSpace>& space = add_space();
    u64 const top = 64 * gib;
    ASSERT_TRUE(space->map({.address = UserAddr(top - 4 * page_size), .size = 4 * page_size, .placement = MapRequest::Placement::Fixed,
                                 .protection = {.read = true, .write = true}, .kind = mm::VmaKind::Stack}));
    auto const touch = [&](u64 address) { return space->handle_fault(UserAddr(address), FaultKind::Write); };
    EXPECT_EQ(touch(top - mib), FaultResult::Handled);
    EXPECT_EQ(touch(top - 8 * mib), FaultResult::Handled);
    EXPECT_EQ(touch(top - 8 * mib - 1), FaultResult::NotMapped);
    EXPECT_EQ(space->statistics().stack_pages, 8 * mib / page_size);
    space->set_limits({.stack = 64 * mib});
    ASSERT_TRUE(space->map({.address = UserAddr(top - 16 * mib), .size = page_size, .placement = MapRequest::Placement::Fixed,
                                 .protection = {.read = true}}));
    u64 const lowest = top - 16 * mib + page_size + mm::VmaSet::stack_guard_gap;
    EXPECT_EQ(touch(lowest - 1), FaultResult::NotMapped);
    EXPECT_EQ(touch(lowest), FaultResult::Handled);
    expect_everything_back();
}

TEST_F(AddressSpaceTest, ErrorsAreLinuxs) {
    AddressSpace& space = *add_space();
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
    EXPECT_EQ(space.handle_fault(UserAddr(gib), FaultKind::Read), FaultResult::NotPermitted);
    EXPECT_EQ(error(space.protect(UserAddr(gib), page_size, {.write = true})), EACCES);
    EXPECT_EQ(error(space.sync(UserAddr(gib), 4 * page_size, false)), ENOMEM);
    EXPECT_EQ(error(space.sync(UserAddr(gib), 3 * page_size, false)), 0);
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
    AddressSpace& space = *add_space();
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
    AddressSpace& space = *add_space();
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
    auto const file = Ref<mm::VmObject>::adopt(new FakeFile(4));
    AddressSpace& space = *add_space();
    auto const map = [&](u64 address, MapRequest request) {
        request.address = UserAddr(address);
        request.placement = MapRequest::Placement::Fixed;
        ASSERT_TRUE(space.map(request));
    };
    map(0x400000, {.size = 0x52000, .protection = {.read = true, .execute = true}, .object = file, .offset = 0x1000});
    space.set_heap(UserAddr(0x10000000));
    space.set_break(UserAddr(0x10002000));
    map(0x7f0000000000, {.size = page_size, .protection = {.read = true, .write = true}, .sharing = Sharing::Shared, .object = file});
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
