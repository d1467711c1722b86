// Loops that do nothing but move bytes, for one instruction set. Each of stream_*.cpp includes this
// file, is compiled for its set, and exports one table.
//
// Nothing but <cstdint> is included: a template of the standard library that is instantiated here
// could be the copy that the linker keeps for the whole program, instructions and all.
#pragma once

#include <cstdint>

namespace ridgeline::native::ceilings {

/// Arrays are `words` words of 8 bytes, aligned to 8; each loop goes over them `passes` times.
/// Destinations must not overlap sources.
using ReadLoop = std::uint64_t (*)(const std::uint64_t* from, std::int64_t words,
                                   std::int64_t passes);
using WriteLoop = void (*)(std::uint64_t* to, std::int64_t words, std::int64_t passes,
                           std::uint64_t value);
using CopyLoop = void (*)(const std::uint64_t* from, std::uint64_t* to, std::int64_t words,
                          std::int64_t passes);
/// to = a + scale · b, in float64.
using TriadLoop = void (*)(const double* a, const double* b, double* to, std::int64_t words,
                           std::int64_t passes, double scale);

/// One way of going over arrays.
template <typename Loop>
struct Variant {
  Loop loop;
  int streams;       ///< places of each array that are worked on side by side
  bool prefetch;     ///< lines ahead are asked for
  bool nontemporal;  ///< stores go past the caches
};

/// The sum of read loops is that of all words of one pass, times `passes`, mod 2^64. The first
/// variant of a kind suits caches; which one suits memory is found by measuring.
struct StreamLoops {
  const char* name;  ///< "baseline", "avx2", "avx512"
  Variant<ReadLoop> read[4];
  Variant<WriteLoop> write[3];
  Variant<CopyLoop> copy[4];
  Variant<TriadLoop> triad[4];
};

extern const StreamLoops kBaselineStream;
#if defined(__x86_64__)
extern const StreamLoops kAvx2Stream;
extern const StreamLoops kAvx512Stream;
#endif

}  // namespace ridgeline::native::ceilings

#if defined(RIDGELINE_STREAM_BYTES)

namespace ridgeline::native::ceilings {
namespace {

// Bytes of a vector; words in it; vectors that one step takes from each stream. Eight sums hide the
// latency of an addition with room to spare.
constexpr std::int64_t kBytes = RIDGELINE_STREAM_BYTES;
constexpr std::int64_t kLanes = kBytes / 8;
constexpr std::int64_t kVectors = 8;
constexpr std::int64_t kStep = kVectors * kLanes;
// Bytes between what is asked for and what is used.
constexpr std::int64_t kAhead = 4096;

using Words = std::uint64_t __attribute__((vector_size(kBytes)));
using Doubles = double __attribute__((vector_size(kBytes)));

template <typename Vector, typename Element>
inline Vector load(const Element* from) {
  Vector values;
  __builtin_memcpy(&values, from, sizeof values);
  return values;
}

// Non-temporal stores want aligned vectors: the loops see to it.
template <bool kNontemporal, typename Vector, typename Element>
inline void store(Element* to, Vector values) {
  if constexpr (kNontemporal) {
#if defined(__clang__)
    __builtin_nontemporal_store(values, reinterpret_cast<Vector*>(to));
#elif defined(__x86_64__)
    using Quads = long long __attribute__((vector_size(kBytes), may_alias));
    auto* place = reinterpret_cast<Quads*>(to);
    const auto quads = (Quads)values;
#if RIDGELINE_STREAM_BYTES == 64
    __builtin_ia32_movntdq512(place, quads);
#elif RIDGELINE_STREAM_BYTES == 32
    __builtin_ia32_movntdq256(place, quads);
#else
    __builtin_ia32_movntdq(place, quads);
#endif
#else
    __builtin_memcpy(to, &values, sizeof values);
#endif
  } else {
    __builtin_memcpy(to, &values, sizeof values);
  }
}

// Before anybody else may read what non-temporal stores wrote.
template <bool kNontemporal>
inline void finish_stores() {
#if defined(__x86_64__)
  if constexpr (kNontemporal) __builtin_ia32_sfence();
#endif
}

// Keeps the compiler from merging passes that write or read the same.
inline void end_pass() {
  asm volatile("" ::: "memory");
}

template <bool kPrefetch>
inline void ask_for(const void* from) {
  if constexpr (kPrefetch) {
#pragma GCC unroll 8
    for (std::int64_t line = 0; line < kStep * 8; line += 64) {
      __builtin_prefetch(static_cast<const char*>(from) + kAhead + line, 0, 2);
    }
  }
}

// Single words until `to` is aligned to a vector.
inline std::int64_t words_to_alignment(const void* to, std::int64_t words) {
  const auto address = reinterpret_cast<std::uintptr_t>(to);
  const auto beyond = static_cast<std::int64_t>(address % kBytes);
  const std::int64_t missing = beyond == 0 ? 0 : (kBytes - beyond) / 8;
  return missing < words ? missing : words;
}

// Where each of `streams` equal parts ends, counted from `begin` in whole steps; what is left
// behind the last one is done word by word.
inline std::int64_t part_of(std::int64_t words, std::int64_t streams) {
  return words / streams / kStep * kStep;
}

template <int kStreams, bool kPrefetch>
std::uint64_t read(const std::uint64_t* from, std::int64_t words, std::int64_t passes) {
  Words sums[kVectors] = {};
  std::uint64_t rest = 0;
  const std::int64_t part = part_of(words, kStreams);
  for (std::int64_t pass = 0; pass < passes; ++pass) {
    for (std::int64_t at = 0; at < part; at += kStep) {
#pragma GCC unroll 8
      for (int stream = 0; stream < kStreams; ++stream) {
        const std::uint64_t* here = from + stream * part + at;
        ask_for<kPrefetch>(here);
#pragma GCC unroll 8
        for (int vector = 0; vector < kVectors; ++vector) {
          sums[vector] += load<Words>(here + vector * kLanes);
        }
      }
    }
    for (std::int64_t at = part * kStreams; at < words; ++at) rest += from[at];
    end_pass();
  }
  for (int vector = 1; vector < kVectors; ++vector) sums[0] += sums[vector];
  for (int lane = 0; lane < kLanes; ++lane) rest += sums[0][lane];
  return rest;
}

template <int kStreams, bool kNontemporal>
void write(std::uint64_t* to, std::int64_t words, std::int64_t passes, std::uint64_t value) {
  const Words values = Words{} + value;
  const std::int64_t head = words_to_alignment(to, words);
  const std::int64_t part = part_of(words - head, kStreams);
  for (std::int64_t pass = 0; pass < passes; ++pass) {
    for (std::int64_t at = 0; at < head; ++at) to[at] = value;
    for (std::int64_t at = 0; at < part; at += kStep) {
#pragma GCC unroll 8
      for (int stream = 0; stream < kStreams; ++stream) {
        std::uint64_t* here = to + head + stream * part + at;
#pragma GCC unroll 8
        for (int vector = 0; vector < kVectors; ++vector) {
          store<kNontemporal>(here + vector * kLanes, values);
        }
      }
    }
    for (std::int64_t at = head + part * kStreams; at < words; ++at) to[at] = value;
    end_pass();
  }
  finish_stores<kNontemporal>();
}

template <int kStreams, bool kPrefetch, bool kNontemporal>
void copy(const std::uint64_t* from, std::uint64_t* to, std::int64_t words, std::int64_t passes) {
  const std::int64_t head = words_to_alignment(to, words);
  const std::int64_t part = part_of(words - head, kStreams);
  for (std::int64_t pass = 0; pass < passes; ++pass) {
    for (std::int64_t at = 0; at < head; ++at) to[at] = from[at];
    for (std::int64_t at = head; at < head + part; at += kStep) {
#pragma GCC unroll 8
      for (int stream = 0; stream < kStreams; ++stream) {
        const std::int64_t here = stream * part + at;
        ask_for<kPrefetch>(from + here);
        Words values[kVectors];
#pragma GCC unroll 8
        for (int vector = 0; vector < kVectors; ++vector) {
          values[vector] = load<Words>(from + here + vector * kLanes);
        }
#pragma GCC unroll 8
        for (int vector = 0; vector < kVectors; ++vector) {
          store<kNontemporal>(to + here + vector * kLanes, values[vector]);
        }
      }
    }
    for (std::int64_t at = head + part * kStreams; at < words; ++at) to[at] = from[at];
    end_pass();
  }
  finish_stores<kNontemporal>();
}

template <int kStreams, bool kPrefetch, bool kNontemporal>
void triad(const double* a, const double* b, double* to, std::int64_t words, std::int64_t passes,
           double scale) {
  const std::int64_t head = words_to_alignment(to, words);
  const std::int64_t part = part_of(words - head, kStreams);
  for (std::int64_t pass = 0; pass < passes; ++pass) {
    for (std::int64_t at = 0; at < head; ++at) to[at] = a[at] + scale * b[at];
    for (std::int64_t at = head; at < head + part; at += kStep) {
#pragma GCC unroll 8
      for (int stream = 0; stream < kStreams; ++stream) {
        const std::int64_t here = stream * part + at;
        ask_for<kPrefetch>(a + here);
        ask_for<kPrefetch>(b + here);
#pragma GCC unroll 8
        for (int vector = 0; vector < kVectors; ++vector) {
          const std::int64_t place = here + vector * kLanes;
          store<kNontemporal>(to + place,
                              load<Doubles>(a + place) + scale * load<Doubles>(b + place));
        }
      }
    }
    for (std::int64_t at = head + part * kStreams; at < words; ++at) to[at] = a[at] + scale * b[at];
    end_pass();
  }
  finish_stores<kNontemporal>();
}

}  // namespace
}  // namespace ridgeline::native::ceilings

// {loop, streams, prefetch, nontemporal}
#define RIDGELINE_STREAM_LOOPS(name)                                                      \
  {                                                                                       \
    name,                                                                                 \
        {{read<1, false>, 1, false, false},                                               \
         {read<1, true>, 1, true, false},                                                 \
         {read<2, false>, 2, false, false},                                               \
         {read<4, false>, 4, false, false}},                                              \
        {{write<1, false>, 1, false, false},                                              \
         {write<1, true>, 1, false, true},                                                \
         {write<2, true>, 2, false, true}},                                               \
        {{copy<1, false, false>, 1, false, false},                                        \
         {copy<1, false, true>, 1, false, true},                                          \
         {copy<1, true, true>, 1, true, true},                                            \
         {copy<2, false, true>, 2, false, true}},                                         \
    {                                                                                     \
      {triad<1, false, false>, 1, false, false}, {triad<1, false, true>, 1, false, true}, \
          {triad<1, true, true>, 1, true, true}, {                                        \
        triad<2, false, true>, 2, false, true                                             \
      }                                                                                   \
    }                                                                                     \
  }

#endif
