// Wraps the loops of each instruction set, and those of the C library, into ways.
#include "engines/native/ceilings/host/streams.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace ridgeline::native::ceilings {
namespace {

// Slices up to this size may lie in a core's own caches; from the second on they lie in memory on
// nearly all machines. Between them every way is tried.
constexpr std::int64_t kMaybeOwnCache = std::int64_t{256} << 10;
constexpr std::int64_t kSurelyMemory = std::int64_t{64} << 20;

// The C library's functions go over a slice once.
void no_merging() {
  asm volatile("" ::: "memory");
}

struct Offer {
  Way way;
  bool plain = false;  // suits caches
  bool nontemporal = false;
};

template <typename Loop>
Offer offer(const StreamLoops& loops, const Variant<Loop>& variant,
            std::function<std::uint64_t(const Slice&, std::int64_t)> run) {
  std::string name = fmt::format("own {}", loops.name);
  if (variant.nontemporal) name.append(", non-temporal stores");
  if (variant.streams > 1) name.append(fmt::format(", {} streams", variant.streams));
  if (variant.prefetch) name.append(", prefetch");
  return {{std::move(name), std::move(run)},
          variant.streams == 1 && !variant.prefetch && !variant.nontemporal,
          variant.nontemporal};
}

void add_reads(const StreamLoops& loops, std::vector<Offer>& offers) {
  for (const auto& variant : loops.read) {
    offers.push_back(offer(loops, variant, [loop = variant.loop](const Slice& s, auto passes) {
      return loop(s.first, s.words, passes);
    }));
  }
}

void add_writes(const StreamLoops& loops, std::vector<Offer>& offers) {
  for (const auto& variant : loops.write) {
    offers.push_back(offer(loops, variant, [loop = variant.loop](const Slice& s, auto passes) {
      loop(s.first, s.words, passes, kWritten);
      return std::uint64_t{0};
    }));
  }
  const auto set = [](const Slice& s, std::int64_t passes) {
    for (std::int64_t pass = 0; pass < passes; ++pass) {
      std::memset(s.first, 0x3F, static_cast<std::size_t>(s.words) * 8);
      no_merging();
    }
    return std::uint64_t{0};
  };
  offers.push_back({{"C library memset", set}, true, false});
}

void add_copies(const StreamLoops& loops, std::vector<Offer>& offers) {
  for (const auto& variant : loops.copy) {
    offers.push_back(offer(loops, variant, [loop = variant.loop](const Slice& s, auto passes) {
      loop(s.second, s.first, s.words, passes);
      return std::uint64_t{0};
    }));
  }
  const auto copy = [](const Slice& s, std::int64_t passes) {
    for (std::int64_t pass = 0; pass < passes; ++pass) {
      std::memcpy(s.first, s.second, static_cast<std::size_t>(s.words) * 8);
      no_merging();
    }
    return std::uint64_t{0};
  };
  offers.push_back({{"C library memcpy", copy}, true, false});
}

void add_triads(const StreamLoops& loops, std::vector<Offer>& offers) {
  for (const auto& variant : loops.triad) {
    offers.push_back(offer(loops, variant, [loop = variant.loop](const Slice& s, auto passes) {
      // The words were filled as float64.
      loop(reinterpret_cast<const double*>(s.second), reinterpret_cast<const double*>(s.third),
           reinterpret_cast<double*>(s.first), s.words, passes, kScale);
      return std::uint64_t{0};
    }));
  }
}

}  // namespace

std::vector<const StreamLoops*> stream_loops() {
  std::vector<const StreamLoops*> all;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")) {
    all.push_back(&kAvx512Stream);
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) all.push_back(&kAvx2Stream);
#endif
  all.push_back(&kBaselineStream);
  return all;
}

std::vector<Way> ways(Kind kind, const StreamLoops& loops, std::int64_t words) {
  std::vector<Offer> offers;
  if (kind == Kind::kRead) add_reads(loops, offers);
  if (kind == Kind::kWrite) add_writes(loops, offers);
  if (kind == Kind::kCopy) add_copies(loops, offers);
  if (kind == Kind::kTriad) add_triads(loops, offers);
  if (words * 8 <= kMaybeOwnCache) {
    std::erase_if(offers, [](const Offer& each) { return !each.plain; });
  }
  // Should the time be too short for all, the first must have been the right ones.
  if (words * 8 >= kSurelyMemory) {
    std::stable_partition(offers.begin(), offers.end(),
                          [](const Offer& each) { return each.nontemporal; });
  }
  std::vector<Way> result;
  for (Offer& each : offers) result.push_back(std::move(each.way));
  return result;
}

}  // namespace ridgeline::native::ceilings
