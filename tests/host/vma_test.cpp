// SPDX-License-Identifier: MIT
// VmaSet against a model that knows each page by itself: thousands of random operations, after each of
// which the set must say the same as the model, be joined wherever it can be, and find the same gap.
// sources: mm/user/vma.cpp mm/user/vma_set.cpp mm/user/vma_gap.cpp mm/user/vm_counters.cpp
#include <cstdlib>
#include <random>

#include "mm/user/vma_set.h"

namespace {
/// The next allocation that is to fail, counted down; negative: none.
int failing_allocation = -1;
int live_vmas = 0;
}

namespace mm {

void* ObjectCache::allocate() {
    if (failing_allocation >= 0 && failing_allocation-- == 0) return nullptr;
    ++live_vmas;
    return std::malloc(object_size_);
}

void ObjectCache::free(void* object) {
    --live_vmas;
    std::free(object);
}

ObjectCache& Vma::object_cache() {
    static constinit ObjectCache cache("Vma", sizeof(Vma), alignof(Vma));
    return cache;
}

void frame_release(Frame&) {}

}

namespace {

using mm::Protection;
using mm::Sharing;
using mm::Vma;
using mm::VmaAttributes;
using mm::VmaKind;
using mm::VmaSet;

constexpr u64 first_page = VmaSet::lowest_address / page_size;
constexpr u64 top_page = 1700, page_count = 2048;
constexpr u64 guard_pages = VmaSet::stack_guard_gap / page_size;

class FakeObject final : public mm::VmObject {
public:
    explicit FakeObject(int* shared_vmas) : shared_vmas_(shared_vmas) {}
    Result<mm::FrameRef> page(u64, mm::Access) override { return fail(ENXIO); }
    void describe(base::Writer&) const override {}
    void mapped(bool added, bool) override { *shared_vmas_ += added ? 1 : -1; }
private:
    int* shared_vmas_;
};

struct ModelPage {
    bool mapped = false;
    VmaAttributes attributes;
    mm::VmObject* object = nullptr;
    u64 index = 0;   ///< of the page in the object

    bool continues(ModelPage const& below) const {
        return mapped && below.mapped && attributes == below.attributes && object == below.object &&
               (!object || index == below.index + 1);
    }
    bool is_stack() const { return mapped && attributes.kind == VmaKind::Stack; }
};

class VmaTest : public testing::Test {
protected:
    VmaTest() { set_.set_search_top(top_page * page_size); }
    ~VmaTest() override { failing_allocation = -1; }

    u64 pick(u64 limit) { return random_() % limit; }
    Protection random_protection() { return {.read = true, .write = pick(2) == 0, .execute = pick(4) == 0}; }

    std::pair<u64, u64> random_range() {
        u64 const start = first_page + pick(page_count - first_page - 1);
        return {start, std::min(page_count, start + 1 + pick(pick(8) == 0 ? 400 : 24))};
    }

    ModelPage random_mapping(u64 start) {
        ModelPage page{.mapped = true};
        page.attributes.protection = random_protection();
        if (pick(3) == 0) {
            page.object = objects_[pick(2)].get();
            page.attributes.sharing = pick(2) == 0 ? Sharing::Shared : Sharing::Private;
            page.index = pick(2) == 0 ? start : pick(1000);   // often one that a neighbour continues
        } else if (pick(20) == 0) {
            page.attributes.kind = VmaKind::Stack;
        }
        return page;
    }

    /// False: an allocation failed, nothing has changed.
    bool unmap(u64 start, u64 end) {
        if (!set_.isolate(start * page_size, end * page_size)) return false;
        mm::RemovedVmas removed;
        set_.remove_range(start * page_size, end * page_size, removed);
        std::fill(&model_[start], &model_[end], ModelPage{});
        return true;
    }

    bool map(u64 start, u64 end, ModelPage const& what) {
        auto* const vma = new (std::nothrow) Vma(start * page_size, end * page_size, what.index * page_size,
                                                 Ref<mm::VmObject>::share(what.object), what.attributes);
        if (!vma) return false;
        if (!unmap(start, end)) {
            delete vma;
            return false;
        }
        set_.insert(*vma);
        set_.merge(*vma);
        for (u64 page = start; page < end; ++page) {
            model_[page] = what;
            model_[page].index = what.object ? what.index + (page - start) : 0;
        }
        return true;
    }

    bool protect(u64 start, u64 end, Protection protection) {
        for (u64 page = start; page < end; ++page)
            if (!model_[page].mapped) end = page;
        if (start >= end) return true;
        bool const isolated = set_.isolate(start * page_size, end * page_size).has_value();
        if (isolated) {
            for (Vma* vma = set_.find(start * page_size); vma && vma->start < end * page_size; vma = set_.next(*vma))
                set_.set_protection(*vma, protection);
            for (u64 page = start; page < end; ++page) model_[page].attributes.protection = protection;
        }
        set_.merge_range(start * page_size, end * page_size);
        return isolated;
    }

    /// As a stack or a heap grows, into free space on either side.
    void grow() {
        Vma* const vma = set_.first_ending_above((first_page + pick(page_count - first_page)) * page_size);
        if (!vma || vma->object) return;
        u64 const start = vma->start / page_size, end = vma->end / page_size;
        bool const down = pick(2) == 0;
        if (down ? start == first_page || model_[start - 1].mapped : end == page_count || model_[end].mapped) return;
        (down ? model_[start - 1] : model_[end]) = model_[start];
        set_.resize(*vma, vma->start - (down ? page_size : 0), vma->end + (down ? 0 : page_size));
        set_.merge(*vma);
    }

    // ---- what must hold

    void check_pages() {
        mm::VmaPages expected;
        u32 runs = 0;
        for (u64 page = 0; page < page_count; ++page) {
            ModelPage const& model = model_[page];
            Vma const* const vma = set_.find(page * page_size + pick(page_size));
            ASSERT_EQ(model.mapped, vma != nullptr) << "page " << page;
            if (!vma) continue;
            ASSERT_EQ(model.attributes, vma->attributes) << "page " << page;
            ASSERT_EQ(model.object, vma->object.get()) << "page " << page;
            ASSERT_EQ(model.index, model.object ? vma->page_index(page * page_size) : 0) << "page " << page;
            if (!model.continues(model_[page - 1])) {
                ++runs;
                ASSERT_EQ(vma->start, page * page_size);
            }
            ++expected.total;
            Protection const protection = model.attributes.protection;
            if (model.is_stack()) ++expected.stack;
            else if (model.attributes.sharing == Sharing::Private && protection.write) ++expected.data;
            else if (protection.execute && !protection.write) ++expected.text;
        }
        ASSERT_EQ(runs, set_.count());
        ASSERT_EQ(expected.total, set_.pages().total);
        ASSERT_EQ(expected.data, set_.pages().data);
        ASSERT_EQ(expected.stack, set_.pages().stack);
        ASSERT_EQ(expected.text, set_.pages().text);
    }

    void check_ownership() {
        int shared = 0;
        set_.for_each([&](Vma const& vma) { shared += vma.is_shared(); });
        ASSERT_EQ(shared, shared_vmas_);
        ASSERT_EQ(static_cast<int>(set_.count()), live_vmas);
    }

    /// Bottom of the highest free run of `pages` in [low, high), or 0.
    u64 highest_gap(u64 pages, u64 low, u64 high) {
        u64 run = 0;
        for (u64 page = high; page-- > low;) {
            bool usable = !model_[page].mapped;
            for (u64 above = page + 1; usable && above <= page + guard_pages && above < page_count; ++above) {
                if (!model_[above].mapped) continue;
                usable = !model_[above].is_stack();
                break;
            }
            run = usable ? run + 1 : 0;
            if (run == pages) return page;
        }
        return 0;
    }

    void check_gap() {
        u64 const pages = 1 + pick(pick(4) == 0 ? 600 : 12);
        u64 expected = highest_gap(pages, first_page, top_page);
        if (expected == 0) expected = highest_gap(pages, top_page, page_count);
        auto const found = set_.find_gap(pages * page_size, page_count * page_size);
        ASSERT_EQ(expected != 0, found.has_value()) << pages << " pages";
        if (!found) return;
        ASSERT_EQ(expected * page_size, *found) << pages << " pages";
        if (pick(3) == 0) return;   // a caller may find no memory to use the gap
        ASSERT_TRUE(map(expected, expected + pages, random_mapping(expected)));
    }

    int shared_vmas_ = 0;
    std::array<Ref<FakeObject>, 2> objects_{Ref<FakeObject>::adopt(new FakeObject(&shared_vmas_)),
                                            Ref<FakeObject>::adopt(new FakeObject(&shared_vmas_))};
    std::vector<ModelPage> model_ = std::vector<ModelPage>(page_count + 1);
    std::mt19937_64 random_{20240229};
    VmaSet set_;
};

TEST_F(VmaTest, RandomOperationsAgreeWithTheModel) {
    for (int step = 0; step < 6000; ++step) {
        auto const [start, end] = random_range();
        switch (pick(6)) {
        case 0: ASSERT_TRUE(map(start, end, random_mapping(start))); break;
        case 1: case 2: ASSERT_TRUE(unmap(start, end)); break;
        case 3: ASSERT_TRUE(protect(start, end, random_protection())); break;
        case 4: grow(); break;
        default: ASSERT_NO_FATAL_FAILURE(check_gap()); break;
        }
        ASSERT_NO_FATAL_FAILURE(check_pages()) << "step " << step;
        ASSERT_NO_FATAL_FAILURE(check_ownership()) << "step " << step;
    }
}

TEST_F(VmaTest, FailedAllocationsChangeNothing) {
    int failures = 0;
    for (int step = 0; step < 6000; ++step) {
        auto const [start, end] = random_range();
        failing_allocation = static_cast<int>(pick(3));
        bool succeeded = true;
        switch (pick(3)) {
        case 0: succeeded = map(start, end, random_mapping(start)); break;
        case 1: succeeded = unmap(start, end); break;
        default: succeeded = protect(start, end, random_protection()); break;
        }
        failures += !succeeded;
        failing_allocation = -1;
        ASSERT_NO_FATAL_FAILURE(check_pages()) << "step " << step;
        ASSERT_NO_FATAL_FAILURE(check_ownership()) << "step " << step;
    }
    EXPECT_GT(failures, 500);
}

TEST_F(VmaTest, EmptyRangesHoldNothingAndChangeNothing) {
    ModelPage const anonymous{.mapped = true, .attributes = {.protection = {.read = true, .write = true}}};
    ASSERT_TRUE(map(100, 110, anonymous));
    for (u64 const page : {99u, 100u, 105u, 109u, 110u, 111u}) {
        for (u64 const end : {page, page - 1, page - 20}) {
            u64 const from = page * page_size, to = end * page_size;
            EXPECT_EQ(set_.pages_in(from, to), 0u);
            EXPECT_TRUE(set_.is_free(from, to) && set_.is_free_with_guard(from, to));
            failing_allocation = 0;
            EXPECT_TRUE(set_.isolate(from, to));
            failing_allocation = -1;
            mm::RemovedVmas removed;
            set_.remove_range(from, to, removed);
            ASSERT_NO_FATAL_FAILURE(check_pages()) << page << " to " << end;
            ASSERT_EQ(set_.count(), 1u);
        }
    }
}

TEST_F(VmaTest, RepeatedMappingJoinsIntoOne) {
    for (u64 i = 1; i <= 1000; ++i) {
        auto const at = set_.find_gap(page_size, page_count * page_size);
        ASSERT_TRUE(at);
        ASSERT_EQ(*at, (top_page - i) * page_size);
        ASSERT_TRUE(map(*at / page_size, *at / page_size + 1, ModelPage{.mapped = true, .attributes = {.protection = {.read = true}}}));
        ASSERT_EQ(set_.count(), 1u);
    }
}

TEST_F(VmaTest, PrivatePagesSurviveJoining) {
    ModelPage const anonymous{.mapped = true, .attributes = {.protection = {.read = true, .write = true}}};
    ASSERT_TRUE(map(100, 110, anonymous));
    ASSERT_TRUE(protect(105, 110, {.read = true}));
    ASSERT_EQ(set_.count(), 2u);
    set_.find(105 * page_size)->has_private_pages = true;
    ASSERT_TRUE(protect(105, 110, {.read = true, .write = true}));
    ASSERT_EQ(set_.count(), 1u);
    EXPECT_TRUE(set_.find(100 * page_size)->has_private_pages);
}

TEST_F(VmaTest, TheLimitOnTheirNumberRefusesToSplit) {
    // Alternating rights keep neighbours apart: one VMA a page.
    for (u64 i = 0; i < VmaSet::max_count - 1; ++i) {
        u64 const start = (1000 + i) * page_size;
        auto* const vma = new (std::nothrow) Vma(start, start + page_size, 0, nullptr, {.protection = {.read = i % 2 == 0}});
        set_.insert(*vma);
    }
    set_.insert(*new (std::nothrow) Vma(100 * page_size, 110 * page_size, 0, nullptr, {.protection = {.read = true}}));
    EXPECT_EQ(set_.count(), VmaSet::max_count);
    EXPECT_EQ(set_.isolate(103 * page_size, 105 * page_size).error().value, ENOMEM);
    EXPECT_EQ(set_.count(), VmaSet::max_count);
    EXPECT_TRUE(set_.isolate(100 * page_size, 110 * page_size));
}

}
