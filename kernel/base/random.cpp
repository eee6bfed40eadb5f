// SPDX-License-Identifier: MIT
// The generator: ChaCha20 with fast key erasure (Bernstein, 2017). It has one lock; each request takes a fresh key
// under it and produces its bytes without it.
#include "kernel/base/random.h"

#include <algorithm>
#include <cstring>

#include <arch/cpu.h>
#include <arch/spin_lock.h>
#include <arch/time.h>

#include "kernel/base/chacha20.h"

namespace base {

namespace {

constexpr size_t key_words = 8;
using Key = std::array<u32, key_words>;

ChaChaState state_of(Key const& key, u32 counter) {
    ChaChaState state{};
    std::ranges::copy(chacha_constants, state.begin());
    std::ranges::copy(key, state.begin() + chacha_constants.size());
    state[12] = counter;
    return state;
}

class Generator {
public:
    constexpr Generator() = default;
    /// Half of a block becomes the next key; the other half is the caller's.
    Key take_key() {
        Locked guard(lock_);
        if (!seeded_) seed();
        auto const block = chacha20_block(state_of(key_, 0));
        std::copy_n(block.begin(), key_words, key_.begin());
        Key key;
        std::copy_n(block.begin() + key_words, key_words, key.begin());
        return key;
    }
    /// Mixes block by block: others wait for one block, with interrupts off, however much is mixed in.
    void mix(std::span<std::byte const> bytes) {
        while (!bytes.empty()) {
            auto const part = bytes.first(std::min(bytes.size(), sizeof(Key)));
            bytes = bytes.subspan(part.size());
            Locked guard(lock_);
            absorb(part);
        }
    }
private:
    void absorb(std::span<std::byte const> bytes) REQUIRES(lock_) {
        while (!bytes.empty()) {
            size_t const count = std::min(bytes.size(), sizeof(Key));
            Key words{};
            std::memcpy(words.data(), bytes.data(), count);
            for (size_t i = 0; i < key_words; ++i) key_[i] ^= words[i];
            auto const block = chacha20_block(state_of(key_, static_cast<u32>(count)));
            std::copy_n(block.begin(), key_words, key_.begin());
            bytes = bytes.subspan(count);
        }
    }
    void absorb_word(u64 word) REQUIRES(lock_) { absorb(std::as_bytes(std::span(&word, 1))); }
    void seed() REQUIRES(lock_) {
        seeded_ = true;
        for (int i = 0; i < 4; ++i)
            if (u64 word; arch::hardware_random(word)) absorb_word(word);
        absorb_word(arch::read_rtc_seconds());
        absorb_word(arch::clock_ns());
        u64 jitter = 0;
        for (int i = 0; i < 64; ++i) jitter = std::rotl(jitter, 7) ^ arch::read_tsc();
        absorb_word(jitter);
    }

    SpinLock<LockRank::leaf, InterruptsOff> lock_;
    Key key_ GUARDED_BY(lock_) = {};
    bool seeded_ GUARDED_BY(lock_) = false;
};

constinit Generator generator;

}

void random_bytes(std::span<std::byte> out) {
    auto const key = generator.take_key();
    u32 counter = 0;
    while (!out.empty()) {
        auto const block = chacha20_block(state_of(key, ++counter));
        size_t const count = std::min(out.size(), sizeof block);
        std::memcpy(out.data(), block.data(), count);
        out = out.subspan(count);
    }
}

u64 random_u64() {
    u64 word;
    random_bytes(std::as_writable_bytes(std::span(&word, 1)));
    return word;
}

void add_entropy(std::span<std::byte const> bytes) { generator.mix(bytes); }

}
