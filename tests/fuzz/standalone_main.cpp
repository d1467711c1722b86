// Drives a fuzz target without libFuzzer: every file given, then mutations of them that are the
// same in every run. Usage: TARGET [-n MUTATIONS_PER_FILE] FILE...
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void run(const std::vector<std::uint8_t>& input) {
  // A copy of exactly that size, so that the address sanitizer sees a read past its end.
  const std::vector<std::uint8_t> exact(input.begin(), input.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

/// One to eight edits: a byte changed, a piece removed, doubled, or overwritten by a special value.
std::vector<std::uint8_t> mutate(std::vector<std::uint8_t> input, std::mt19937_64& random) {
  constexpr const char* kPieces[] = {"0",
                                     "-1",
                                     "18446744073709551615",
                                     "9223372036854775808",
                                     "1e99",
                                     "[",
                                     "{\"",
                                     "null",
                                     "\xff",
                                     "\"",
                                     "../",
                                     ","};
  const auto below = [&](std::size_t limit) { return limit == 0 ? 0 : random() % limit; };
  const auto at = [&](std::size_t index) {
    return input.begin() + static_cast<std::ptrdiff_t>(index);
  };
  for (std::size_t edits = 1 + below(8); edits > 0; --edits) {
    const std::size_t from = below(input.size());
    const std::size_t to = from + below(std::min<std::size_t>(input.size() - from, 24) + 1);
    const char* piece = kPieces[below(std::size(kPieces))];
    switch (below(4)) {
      case 0:
        if (!input.empty()) input[from] = static_cast<std::uint8_t>(random());
        break;
      case 1:
        input.erase(at(from), at(to));
        break;
      case 2: {
        const std::vector<std::uint8_t> copy(at(from), at(to));
        input.insert(at(from), copy.begin(), copy.end());
        break;
      }
      default:
        input.erase(at(from), at(to));
        input.insert(at(from), piece, piece + std::strlen(piece));
    }
  }
  return input;
}

}  // namespace

int main(int argc, char** argv) {
  long mutations = 1000;
  std::mt19937_64 random(1);
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "-n") == 0 && i + 1 < argc) {
      mutations = std::strtol(argv[++i], nullptr, 10);
      continue;
    }
    std::ifstream in(argv[i], std::ios::binary);
    if (!in) {
      std::fprintf(stderr, "cannot read %s\n", argv[i]);
      return 2;
    }
    const std::vector<std::uint8_t> input((std::istreambuf_iterator<char>(in)), {});
    run(input);
    for (long n = 0; n < mutations; ++n) run(mutate(input, random));
  }
  return 0;
}
