// SPDX-License-Identifier: MIT
// Whole address spaces on the host: several of them map, write, fork, move and die at random, beside a model
// that knows what each page must contain, also while memory runs out.
#include <map>
#include <random>

#include "tests/host/memory_surroundings.h"

namespace {

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

class AddressSpaceModelTest : public MemoryTest {
protected:
    AddressSpaceModelTest() {
        for (u64 size : {4u, 40u}) files_.push_back(make_file(size));
    }
    void expect_everything_back() {
        spaces_.clear();
        files_.clear();
        expect_every_frame_back();
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
    u64 reach_ = 40, longest_ = 12;   ///< pages: of a region, and of what is mapped, moved, unmapped at once
    bool may_fail_ = false;
    int failures_ = 0;
};

TEST_F(AddressSpaceModelTest, RandomOperationsAgreeWithTheModel) {
    add_space();
    for (int step = 0; step < 30000; ++step) {
        ASSERT_NO_FATAL_FAILURE(random_step()) << "step " << step;
        if (step % 500 != 0) continue;
        ASSERT_NO_FATAL_FAILURE(check_all()) << "step " << step;
    }
    expect_everything_back();
}

TEST_F(AddressSpaceModelTest, RunningOutOfMemoryLosesNothing) {
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
TEST_F(AddressSpaceModelTest, SharedTablesAgreeWithTheModel) {
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

}
