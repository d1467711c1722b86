// PCRE2 behind the interface: compiled by its JIT where there is one, with limits for both ways.
#include "engines/native/inputs/text/regex.hpp"

#include <fmt/format.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <optional>

#include "engines/native/inputs/text/regex_syntax.hpp"
#include "engines/native/inputs/text/regex_tables.hpp"
#include "engines/native/inputs/text/unicode.hpp"

namespace ridgeline::native {
namespace {

// Real patterns have a few hundred bytes; PCRE2 would need memory for longer ones.
constexpr std::size_t kMaxPatternBytes = 1u << 16;
// Steps of one search: one long run of blanks of a 10 MB text fits, catastrophic backtracking ends.
constexpr std::uint32_t kMatchLimit = 50'000'000;
// Memory of one search in KiB.
constexpr std::uint32_t kHeapLimit = 256u << 10;
// Many searches that each stay below the limit: real patterns need about 0.05 microseconds a byte.
constexpr std::chrono::microseconds kTimeBase = std::chrono::seconds(20);
constexpr std::chrono::microseconds kTimePerByte{2};

using Clock = std::chrono::steady_clock;

struct MatchDataDeleter {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
using MatchData = std::unique_ptr<pcre2_match_data, MatchDataDeleter>;

struct MatchContextDeleter {
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};

bool has_exact_scripts() {
  std::array<char, 64> version{};
  pcre2_config(PCRE2_CONFIG_VERSION, version.data());
  int major = 0;
  int minor = 0;
  std::sscanf(version.data(), "%d.%d", &major, &minor);
  return major > 10 || (major == 10 && minor >= 40);
}

/// The code points that patterns see as others, with one flag a block so that most ask no more.
class StandIns {
 public:
  static const StandIns& get() {
    static const StandIns table;
    return table;
  }

  char32_t of(char32_t c) const {
    if (!blocks_[c >> kBlockBits]) return c;
    const auto ranges = stand_ins();
    const auto range = std::lower_bound(ranges.begin(), ranges.end(), c,
                                        [](const StandIn& r, char32_t v) { return r.last < v; });
    return range != ranges.end() && range->first <= c ? range->instead : c;
  }

 private:
  static constexpr int kBlockBits = 8;

  StandIns() {
    for (const StandIn& range : stand_ins()) {
      for (char32_t block = range.first >> kBlockBits; block <= range.last >> kBlockBits; ++block) {
        blocks_[block] = true;
      }
    }
  }

  std::array<bool, (0x110000 >> kBlockBits)> blocks_{};
};

// `text` as patterns see it, when that is not `text` itself.
std::optional<std::string> shown(std::string_view text) {
  const auto is_long = [](char c) { return static_cast<unsigned char>(c) >= 0xE0; };
  const StandIns& table = StandIns::get();
  std::optional<std::string> copy;
  for (auto lead = std::find_if(text.begin(), text.end(), is_long); lead != text.end();
       lead = std::find_if(lead, text.end(), is_long)) {
    auto at = static_cast<std::size_t>(lead - text.begin());
    const std::size_t begin = at;
    const char32_t c = decode_utf8(text, at);
    lead = text.begin() + static_cast<std::ptrdiff_t>(at);
    const char32_t instead = table.of(c);
    if (instead == c) continue;
    if (!copy) copy.emplace(text);
    std::string bytes;
    append_utf8(instead, bytes);
    std::copy(bytes.begin(), bytes.end(), copy->begin() + static_cast<std::ptrdiff_t>(begin));
  }
  return copy;
}

}  // namespace

struct Regex::Compiled {
  Compiled() = default;
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;
  ~Compiled() { pcre2_code_free(code); }

  /// Searches from `from`; the code of PCRE2 below 0.
  int search(std::string_view text, std::size_t from, pcre2_match_data* data) const {
    const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
    const int found =
        pcre2_match(code, subject, text.size(), from, PCRE2_NO_UTF_CHECK, data, context.get());
    // The JIT has a small stack; the interpreter takes what it needs from the heap.
    if (found != PCRE2_ERROR_JIT_STACKLIMIT) return found;
    return pcre2_match(code, subject, text.size(), from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, data,
                       context.get());
  }

  std::string pattern;
  pcre2_code* code = nullptr;
  std::unique_ptr<pcre2_match_context, MatchContextDeleter> context;
};

Regex::Regex(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}

Result<Regex> Regex::compile(std::string_view pattern, std::string_view what) {
  const auto refusal = [&](std::string_view why) {
    return unsupported(fmt::format("{}: the regular expression '{}' is not supported: {}", what,
                                   excerpt(pattern), why));
  };
  if (pattern.size() > kMaxPatternBytes) return refusal("it is too long");
  static const bool exact_scripts = has_exact_scripts();
  const Result<std::string> translated = to_pcre2(pattern, exact_scripts);
  if (!translated) return refusal(translated.error().message);

  const std::unique_ptr<pcre2_compile_context, void (*)(pcre2_compile_context*)> settings(
      pcre2_compile_context_create(nullptr), pcre2_compile_context_free);
  pcre2_set_newline(settings.get(), PCRE2_NEWLINE_LF);
  auto compiled = std::make_shared<Compiled>();
  compiled->pattern = std::string(pattern);
  int error = 0;
  PCRE2_SIZE offset = 0;
  compiled->code =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated->data()), translated->size(),
                    PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE, &error, &offset, settings.get());
  if (compiled->code == nullptr) {
    std::array<PCRE2_UCHAR, 256> message{};
    pcre2_get_error_message(error, message.data(), message.size());
    return refusal(reinterpret_cast<const char*>(message.data()));
  }
  // Where the JIT cannot work, matching falls back to the interpreter by itself.
  pcre2_jit_compile(compiled->code, PCRE2_JIT_COMPLETE);
  compiled->context.reset(pcre2_match_context_create(nullptr));
  pcre2_set_match_limit(compiled->context.get(), kMatchLimit);
  pcre2_set_heap_limit(compiled->context.get(), kHeapLimit);
  return Regex(std::move(compiled));
}

Status Regex::find(std::string_view text, std::vector<Segment>& segments) const {
  segments.clear();
  if (text.empty()) return {};
  const auto too_hard = [&] {
    return bad_input(fmt::format("the regular expression '{}' takes too long on a text",
                                 excerpt(compiled_->pattern)));
  };
  const std::optional<std::string> copy = shown(text);
  const std::string_view subject = copy ? std::string_view(*copy) : text;
  const MatchData data(pcre2_match_data_create(1, nullptr));
  const PCRE2_SIZE* range = pcre2_get_ovector_pointer(data.get());
  std::optional<Clock::time_point> deadline;
  std::size_t done = 0;                 // where the last match ended
  std::optional<std::size_t> last_end;  // the same, once there was one
  int searches = 0;
  for (std::size_t from = 0; from <= text.size();) {
    const int found = compiled_->search(subject, from, data.get());
    if (found == PCRE2_ERROR_NOMATCH) break;
    if (found < 0) return too_hard();
    if (++searches % 16 == 0) {
      const auto now = Clock::now();
      if (!deadline) deadline = now + kTimeBase + kTimePerByte * text.size();
      if (now > *deadline) return too_hard();
    }
    const std::size_t begin = range[0];
    const std::size_t end = range[1];
    if (begin == end && last_end == end) {
      // An empty match right behind another one: go on behind the next character.
      if (end == text.size()) break;
      from = end;
      decode_utf8(text, from);
      continue;
    }
    if (done < begin) segments.push_back({done, begin, false});
    segments.push_back({begin, end, true});
    done = end;
    last_end = end;
    from = end;
  }
  if (done < text.size()) segments.push_back({done, text.size(), false});
  return {};
}

}  // namespace ridgeline::native
