// One pass over the pattern. Only what is known to mean the same, or can be rewritten, gets
// through.
#include "engines/native/inputs/text/regex_syntax.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "engines/native/inputs/text/regex_properties.hpp"
#include "engines/native/inputs/text/unicode.hpp"

namespace ridgeline::native {
namespace {

constexpr std::size_t kNone = std::string::npos;

// \w of Oniguruma inside a class; PCRE2's own leaves marks and letter-like numbers out.
constexpr std::string_view kWordClass =
    R"(\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\x{24B6}-\x{24E9})"
    R"(\x{1F130}-\x{1F149}\x{1F150}-\x{1F169}\x{1F170}-\x{1F189})";
// Outside of a class it has these as well: superscripts and fractions of Latin-1.
constexpr std::string_view kWordLatin = R"(\x{B2}\x{B3}\x{B9}\x{BC}-\x{BE})";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_alphanumeric(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

class Translator {
 public:
  Translator(std::string_view pattern, bool exact_scripts)
      : in_(pattern), exact_scripts_(exact_scripts) {}

  Result<std::string> run() {
    if (in_.starts_with("(?i)")) {
      out_ = "(?i)";
      at_ = 4;
      caseless_ = true;
    }
    while (at_ < in_.size() && problem_.empty()) step();
    if (!problem_.empty()) return unsupported(problem_);
    return std::move(out_);
  }

 private:
  struct Group {
    std::size_t begin;
    bool caseless;
    bool is_look;
  };

  void refuse(std::string_view what) {
    if (problem_.empty()) problem_ = fmt::format("{} at byte {}", what, at_);
  }

  bool take(std::string_view text) {
    if (!in_.substr(at_).starts_with(text)) return false;
    at_ += text.size();
    return true;
  }

  void step() {
    switch (in_[at_]) {
      case '(':
        return open_group();
      case ')':
        return close_group();
      case '[':
        return character_class();
      case '\\':
        return escape();
      case '*':
      case '+':
      case '?':
      case '{':
        return quantifier();
      case '|':
        previous_ = 0;
        return assertion("|", 1);
      case '^':
        return assertion("^", 1);
      case '$':
        return assertion("$", 1);
      case '.':
        return atom(".", 1);
      default:
        return literal(decode_utf8(in_, at_));
    }
  }

  // Something that can be repeated.
  void atom(std::string_view text, std::size_t taken) {
    atom_ = out_.size();
    out_ += text;
    at_ += taken;
    previous_ = 0;
  }

  // Something that cannot.
  void assertion(std::string_view text, std::size_t taken) {
    out_ += text;
    at_ += taken;
    atom_ = kNone;
  }

  void literal(char32_t c) {
    if (caseless_) check_caseless(c);
    previous_ = c;
    atom_ = out_.size();
    append_literal(c);
  }

  void append_literal(char32_t c) {
    if (c < 0x80 && !is_alphanumeric(static_cast<char>(c))) {
      out_ += fmt::format("\\x{{{:X}}}", static_cast<std::uint32_t>(c));
    } else {
      append_utf8(c, out_);
    }
  }

  // Without case, Oniguruma lets "ss" match one character and the like.
  void check_caseless(char32_t c) {
    const auto lower = [](char32_t v) { return v >= 'A' && v <= 'Z' ? v + ('a' - 'A') : v; };
    if (c >= 0x80) return refuse("a character that is not ASCII where case is ignored");
    const char pair[] = {static_cast<char>(lower(previous_)), static_cast<char>(lower(c)), 0};
    for (const std::string_view folding : {"ss", "st", "ff", "fi", "fl"}) {
      if (folding == pair) return refuse(fmt::format("'{}' where case is ignored", folding));
    }
  }

  void open_group() {
    Group group{out_.size(), caseless_, false};
    if (take("(?:")) {
      out_ += "(?:";
    } else if (take("(?>")) {
      out_ += "(?>";
    } else if (take("(?i:")) {
      out_ += "(?i:";
      caseless_ = true;
    } else if (take("(?-i:")) {
      out_ += "(?-i:";
      caseless_ = false;
    } else if (open_look()) {
      group.is_look = true;
    } else if (in_.substr(at_).starts_with("(?") || in_.substr(at_).starts_with("(*")) {
      return refuse(fmt::format("the group '{}'", excerpt(in_.substr(at_, 3))));
    } else {
      // Nothing refers to groups, so that none needs to be captured.
      ++at_;
      out_ += "(?:";
    }
    groups_.push_back(group);
    atom_ = kNone;
  }

  bool open_look() {
    for (const std::string_view look : {"(?=", "(?!", "(?<=", "(?<!"}) {
      if (!take(look)) continue;
      out_ += look;
      return true;
    }
    return false;
  }

  void close_group() {
    if (groups_.empty()) return refuse("a parenthesis that nothing opened");
    const Group group = groups_.back();
    groups_.pop_back();
    caseless_ = group.caseless;
    out_ += ')';
    ++at_;
    atom_ = group.is_look ? kNone : group.begin;
  }

  void quantifier() {
    if (in_[at_] == '{') {
      const std::size_t before = at_;
      const auto interval = parse_interval();
      if (!interval) {
        at_ = before + 1;
        return literal('{');
      }
      return repeat(*interval, true);
    }
    const std::string text(1, in_[at_++]);
    repeat(text, false);
  }

  void repeat(const std::string& text, bool is_interval) {
    if (atom_ == kNone) return refuse("a repetition of nothing");
    previous_ = 0;
    const std::size_t begin = atom_;
    atom_ = kNone;
    out_ += text;
    if (take("?")) {
      if (is_interval && text.find(',') == kNone) return refuse("'{n}?'");
      out_ += '?';
    } else if (take("+")) {
      if (is_interval) {
        // Not possessive but repeated again.
        out_.insert(begin, "(?:");
        out_ += ')';
      }
      out_ += '+';
    }
  }

  // "{n}", "{n,}", "{n,m}" or "{,m}".
  std::optional<std::string> parse_interval() {
    const std::size_t end = in_.find('}', at_);
    if (end == kNone) return std::nullopt;
    const std::string_view body = in_.substr(at_ + 1, end - at_ - 1);
    const std::size_t comma = body.find(',');
    const std::string_view low = body.substr(0, comma);
    const std::string_view high = comma == kNone ? low : body.substr(comma + 1);
    const auto number = [](std::string_view text) {
      return std::all_of(text.begin(), text.end(), is_digit);
    };
    if (!number(low) || !number(high) || (low.empty() && high.empty())) return std::nullopt;
    at_ = end + 1;
    if (comma == kNone) return fmt::format("{{{}}}", low);
    return fmt::format("{{{},{}}}", low.empty() ? "0" : low, high);
  }

  void escape() {
    if (at_ + 1 >= in_.size()) return refuse("a backslash at the end");
    const char c = in_[at_ + 1];
    switch (c) {
      case 'd':
      case 'D':
      case 's':
      case 'S':
        return caseless_ ? refuse("a class where case is ignored") : atom(in_.substr(at_, 2), 2);
      case 'w':
      case 'W':
        if (caseless_) return refuse("a class where case is ignored");
        return atom(fmt::format("[{}{}{}]", c == 'W' ? "^" : "", kWordClass, kWordLatin), 2);
      case 'h':
        return atom("[0-9A-Fa-f]", 2);
      case 'H':
        return atom("[^0-9A-Fa-f]", 2);
      case 'b':
        return assertion(fmt::format("(?:(?<=[{0}{1}])(?![{0}{1}])|(?<![{0}{1}])(?=[{0}{1}]))",
                                     kWordClass, kWordLatin),
                         2);
      case 'A':
      case 'z':
      case 'Z':
        return assertion(in_.substr(at_, 2), 2);
      case 'p':
      case 'P':
        return property();
      default:
        if (const auto character = escaped_character()) literal(*character);
    }
  }

  void property() {
    if (caseless_) return refuse("a property where case is ignored");
    atom_ = out_.size();
    append_property();
  }

  void append_property() {
    bool negated = in_[at_ + 1] == 'P';
    const std::size_t end = in_.find('}', at_);
    if (at_ + 2 >= in_.size() || in_[at_ + 2] != '{' || end == kNone) {
      return refuse("a property without braces");
    }
    std::string_view name = in_.substr(at_ + 3, end - at_ - 3);
    if (name.starts_with("^")) {
      negated = !negated;
      name.remove_prefix(1);
    }
    const std::string known = pcre2_property(name, exact_scripts_);
    if (known.empty()) return refuse(fmt::format("the property '{}'", excerpt(name)));
    out_ += fmt::format("\\{}{{{}}}", negated ? 'P' : 'p', known);
    at_ = end + 1;
  }

  // The character of an escape that stands for one, after it.
  std::optional<char32_t> escaped_character() {
    const char c = in_[at_ + 1];
    if (c == 'x' || c == 'u') return escaped_number();
    constexpr std::string_view kNames = "tnrfvae";
    constexpr std::string_view kValues = "\t\n\r\f\v\a\x1B";
    if (const std::size_t index = kNames.find(c); index != kNone) {
      at_ += 2;
      return static_cast<char32_t>(kValues[index]);
    }
    if (is_alphanumeric(c)) {
      refuse(fmt::format("the escape '\\{}'", c));
      return std::nullopt;
    }
    ++at_;
    return decode_utf8(in_, at_);
  }

  // \xHH below 80, \x{H...} and \uHHHH.
  std::optional<char32_t> escaped_number() {
    const bool braces = in_[at_ + 1] == 'x' && at_ + 2 < in_.size() && in_[at_ + 2] == '{';
    const std::size_t begin = at_ + (braces ? 3 : 2);
    const std::size_t longest = braces ? 8 : (in_[at_ + 1] == 'u' ? 4 : 2);
    char32_t value = 0;
    std::size_t end = begin;
    for (; end < in_.size() && end - begin < longest; ++end) {
      const char c = in_[end];
      const char lower = c >= 'A' && c <= 'F' ? static_cast<char>(c + ('a' - 'A')) : c;
      const bool is_letter = lower >= 'a' && lower <= 'f';
      if (!is_digit(c) && !is_letter) break;
      value = value * 16 + static_cast<char32_t>(is_letter ? lower - 'a' + 10 : c - '0');
    }
    const bool complete =
        braces ? end > begin && end < in_.size() && in_[end] == '}' : end - begin == longest;
    const bool is_byte = !braces && longest == 2 && value >= 0x80;
    if (!complete || is_byte || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
      refuse("a number that is no character");
      return std::nullopt;
    }
    at_ = end + (braces ? 1 : 0);
    return value;
  }

  void character_class() {
    previous_ = 0;
    atom_ = out_.size();
    out_ += '[';
    ++at_;
    if (take("^")) out_ += '^';
    if (take("]")) return refuse("a class that begins with ']'");
    while (problem_.empty()) {
      if (at_ >= in_.size()) return refuse("a class without an end");
      if (take("]")) break;
      class_member();
    }
    out_ += ']';
  }

  void class_member() {
    const char c = in_[at_];
    if (c == '[') return refuse("a class inside a class");
    if (in_.substr(at_).starts_with("&&")) return refuse("an intersection of classes");
    if (c == '-') {
      out_ += '-';
      ++at_;
      return;
    }
    if (c == '\\') return class_escape();
    class_literal(decode_utf8(in_, at_));
  }

  void class_literal(char32_t c) {
    if (caseless_ && c >= 0x80)
      return refuse("a character that is not ASCII where case is ignored");
    append_literal(c);
  }

  void class_escape() {
    if (at_ + 1 >= in_.size()) return refuse("a backslash at the end");
    const char c = in_[at_ + 1];
    if (c == 'h') {
      out_ += "0-9A-Fa-f";
      at_ += 2;
    } else if (c == 'b') {
      at_ += 2;
      class_literal('\b');
    } else if (std::string_view("dDsSwpP").find(c) != kNone) {
      if (caseless_) return refuse("a class where case is ignored");
      if (c == 'p' || c == 'P') return append_property();
      out_ += c == 'w' ? kWordClass : in_.substr(at_, 2);
      at_ += 2;
    } else if (const auto character = escaped_character()) {
      class_literal(*character);
    }
  }

  std::string_view in_;
  bool exact_scripts_;
  std::size_t at_ = 0;
  std::string out_;
  std::size_t atom_ = kNone;  // where the last repeatable part begins in out_
  char32_t previous_ = 0;     // the literal before, for pairs that fold together
  bool caseless_ = false;
  std::vector<Group> groups_;
  std::string problem_;
};

}  // namespace

Result<std::string> to_pcre2(std::string_view pattern, bool exact_scripts) {
  return Translator(pattern, exact_scripts).run();
}

}  // namespace ridgeline::native
