// SPDX-License-Identifier: MIT
// The names of a directory: many of them, listings while names come and go, and the hash they are found by.
#include "tests/host/fs_surroundings.h"

#include <functional>
#include <set>

namespace {

using namespace surroundings;
using DirectoryNames = FsTest;

TEST_F(DirectoryNames, ManyNamesInOneDirectory) {
    ASSERT_EQ(mkdir("/many"), 0);
    std::set<std::string> model;
    for (int i = 0; i < 5000; ++i) {
        auto const name = "name" + std::to_string(i * 7919 % 5003);
        ASSERT_EQ(symlink("x", "/many/" + name), 0);
        model.insert(name);
    }
    for (auto const& name : model) ASSERT_EQ(error(vfs.resolve(no_follow(), "/many/" + name)), 0) << name;
    auto names = list("/many", 100);
    EXPECT_EQ(names.size(), model.size() + 2);
    EXPECT_EQ(std::set<std::string>(names.begin() + 2, names.end()), model);
    // Names vanish while the directory is read: the others still come, each once.
    auto const directory = *open("/many", O_RDONLY);
    struct Remover final : DirectorySink {
        std::function<void(std::string)> see;
        size_t seen = 0;
        bool add(DirectoryEntry const& entry) override {
            ++seen;
            see(std::string(entry.name));
            return true;
        }
    } remover;
    remover.see = [this](std::string const& name) {
        if (name.starts_with('.')) return;
        EXPECT_EQ(unlink("/many/" + name), 0) << name;
    };
    ASSERT_TRUE(directory->list(remover));
    EXPECT_EQ(remover.seen, model.size() + 2);
    EXPECT_EQ(list("/many").size(), 2u);
}

/// Renames or makes a file for each entry it sees: what comes after the start of a listing is not in it.
struct Disturber final : DirectorySink {
    std::function<void(std::string)> see;
    size_t seen = 0, room = 0;
    bool add(DirectoryEntry const& entry) override {
        if (room == 0) return false;
        --room;
        ++seen;
        if (entry.name[0] != '.') see(std::string(entry.name));
        return true;
    }
};

TEST_F(DirectoryNames, ListingsEndThoughNamesMoveAndCome) {
    ASSERT_EQ(mkdir("/moving"), 0);
    constexpr size_t count = 300;
    for (size_t i = 0; i < count; ++i) ASSERT_EQ(symlink("x", "/moving/n" + std::to_string(i)), 0);
    for (bool renames : {true, false}) {
        size_t const there = list("/moving", 50).size();
        auto const directory = *open("/moving", O_RDONLY);
        Disturber disturber;
        disturber.see = [&](std::string const& name) {
            auto const from = "/moving/" + name, to = from + "+";
            EXPECT_EQ(renames ? rename(from, to) : symlink("x", to), 0);
        };
        for (size_t before = 1; disturber.seen != before && before < 10 * there;) {
            before = disturber.seen;
            disturber.room = 7;
            ASSERT_TRUE(directory->list(disturber));
        }
        EXPECT_EQ(disturber.seen, there) << renames;
        // From the start again: what is there now.
        ASSERT_TRUE(directory->seek(0, SEEK_SET));
        Disturber quiet;
        quiet.see = [](std::string const&) {};
        quiet.room = 10000;
        ASSERT_TRUE(directory->list(quiet));
        EXPECT_EQ(quiet.seen, renames ? there : 2 * there - 2);
        EXPECT_EQ(error(directory->seek(0, SEEK_END)), EINVAL);
    }
}

TEST(NameHash, IsUnderASecret) {
    std::vector<std::string> names;
    for (size_t size = 0; size < 40; ++size)
        for (char fill : {'a', 'b', '\0'}) names.push_back(std::string(size, fill));
    names.push_back("prefix01suffix");
    names.push_back("prefix02suffix");
    auto const hashes = [&] {
        std::vector<u32> out;
        for (auto const& name : names) out.push_back(hash_of_name(name));
        return out;
    };
    NameSecret::initialize();
    auto const first = hashes();
    EXPECT_EQ(first, hashes());
    NameSecret::initialize();
    auto const second = hashes();
    size_t same = 0;
    for (size_t i = 0; i < names.size(); ++i) same += first[i] == second[i];
    EXPECT_LT(same, 3u);
    EXPECT_GT(std::set<u32>(first.begin(), first.end()).size(), names.size() - 5);
}

/// Names with one hash under one secret have as many as there are names under another: nothing can be prepared.
TEST(NameHash, CollisionsDoNotLast) {
    NameSecret::initialize();
    std::set<std::string> together;
    for (u32 i = 0; together.size() < 64 && i < 1'000'000; ++i) {
        auto name = "n" + std::to_string(i);
        if (hash_of_name(name) % 4096 == 17) together.insert(std::move(name));
    }
    ASSERT_EQ(together.size(), 64u);
    NameSecret::initialize();
    std::set<u32> buckets;
    for (auto const& name : together) buckets.insert(hash_of_name(name) % 4096);
    EXPECT_GT(buckets.size(), 50u);
}

TEST(NameHash, NamesAreComparedToTheLastByte) {
    for (size_t size = 1; size < 40; ++size)
        for (size_t i = 0; i < size; ++i) {
            std::string const one(size, 'x');
            std::string other = one;
            EXPECT_TRUE(is_same_name(one, other));
            other[i] = 'y';
            EXPECT_FALSE(is_same_name(one, other)) << size << " " << i;
        }
}

}
