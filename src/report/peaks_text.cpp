// Tables of ceilings.
#include "report/peaks_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "report/format.hpp"
#include "report/record_view.hpp"
#include "report/table.hpp"
#include "report/text.hpp"

namespace ridgeline::report {
namespace {

constexpr std::size_t kMaxLine = 1000;

std::string line(std::string_view text) {
  return cut(printable(text), kMaxLine) + "\n";
}

// "L2, node 1" …: what of the machine a ceiling is about.
std::string place_of(const Json& ceiling) {
  std::string place = text_at(ceiling, {"level"}).value_or("");
  if (place.size() == 2 && place.front() == 'l') place.front() = 'L';
  if (const auto node = number_at(ceiling, {"node"})) place += fmt::format(", node {:.0f}", *node);
  return place;
}

std::string name_of(const Json& ceiling) {
  const std::string kind = text_at(ceiling, {"kind"}).value_or(std::string(kNone));
  const std::string id = text_at(ceiling, {"id"}).value_or("");
  if (kind == "gemm") {
    return "matrix products, " + text_at(ceiling, {"dtype"}).value_or(std::string(kNone));
  }
  if (kind == "launch") return "launch";
  if (kind == "h2d" || kind == "d2h") {
    const char* way = kind == "h2d" ? "host to device" : "device to host";
    return fmt::format("{}, {}", way, id.ends_with(".pinned") ? "pinned" : "pageable");
  }
  std::string name = fmt::format("{}, {}", kind, place_of(ceiling));
  if (id.ends_with(".one_thread")) name += ", one thread";
  return name;
}

std::string with_unit(std::optional<double> value, const std::string& unit) {
  if (!value) return std::string(kNone);
  if (unit == "s") return format_time(*value);
  if (unit == "B/s") return format_bytes(*value) + "/s";
  if (unit == "FLOP/s") return format_flops(*value);
  // Whole-number operations have the prefixes of FLOP/s.
  std::string text = format_flops(*value);
  const auto at = text.rfind("FLOP/s");
  return at == std::string::npos ? text : text.replace(at, 6, unit);
}

std::string age_text(const Json& set) {
  const auto seconds = number_at(set, {"age_seconds"});
  const std::string when = text_at(set, {"measured_at"}).value_or(std::string(kNone));
  if (!bool_at(set, {"cached"}).value_or(false)) return "measured now";
  if (!seconds) return "remembered from " + when;
  struct Unit {
    double seconds;
    const char* name;
  };
  constexpr Unit kUnits[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
  for (const Unit& unit : kUnits) {
    const double count = std::floor(*seconds / unit.seconds);
    if (count < 1 && unit.seconds > 1) continue;
    return fmt::format("remembered from {}, {:.0f} {}{} ago (--refresh measures again)", when,
                       count, unit.name, count == 1 ? "" : "s");
  }
  return "remembered from " + when;
}

std::string head_of(const Json& set) {
  std::string text = text_at(set, {"device"}).value_or(std::string(kNone));
  if (const auto name = text_at(set, {"device_name"})) text += ": " + *name;
  const double threads = number_at(set, {"threads"}).value_or(0);
  if (threads > 0) text += fmt::format(", {:.0f} thread{}", threads, threads == 1 ? "" : "s");
  if (const auto cores = text_at(set, {"cores"})) text += ", CPUs " + *cores;
  text += "; engine " + text_at(set, {"engine"}).value_or(std::string(kNone));
  if (const auto version = text_at(set, {"engine_version"})) text += " " + *version;
  return line(text) + line(age_text(set));
}

std::string evidence_text(const std::string& letter) {
  if (letter == "C") return "held against published texts";
  if (letter == "D") return "derived by formula";
  return "recalled, not read again";
}

std::string datasheet_line(const Json& set) {
  const Json& sheet = member(set, {"datasheet"});
  const auto name = text_at(sheet, {"name"});
  const auto source = text_at(sheet, {"source"});
  if (name) {
    return line(fmt::format("datasheet: {} ({})", *name,
                            evidence_text(text_at(sheet, {"evidence"}).value_or("R"))));
  }
  if (source) return line("datasheet: none; modelled as " + *source);
  return line("datasheet: none; " +
              text_at(sheet, {"bandwidth", "reason"}).value_or(std::string("not known")));
}

std::string share_text(const Json& ceiling) {
  return format_optional(number_at(ceiling, {"share"}), format_percent);
}

std::string table_of(const Json& set) {
  using Align = Table::Align;
  std::vector<Table::Column> columns = {{"ceiling"},
                                        {"working set", Align::kRight},
                                        {"best", Align::kRight},
                                        {"median", Align::kRight},
                                        {"datasheet", Align::kRight},
                                        {"share", Align::kRight}};
  const Json& ceilings = list_at(set, {"ceilings"});
  // Read with --power only: a column of dashes tells nobody anything.
  const bool with_power = std::any_of(ceilings.begin(), ceilings.end(), [](const Json& one) {
    return number_at(one, {"power"}).has_value();
  });
  if (with_power) columns.push_back({"power", Align::kRight});
  Table table(std::move(columns));
  for (const Json& ceiling : ceilings) {
    const std::string unit = text_at(ceiling, {"unit"}).value_or("");
    const auto size = number_at(ceiling, {"size"});
    const auto bytes = number_at(ceiling, {"bytes"});
    table.add_row({name_of(ceiling),
                   size ? fmt::format("{:.0f}³", *size) : format_optional(bytes, format_capacity),
                   with_unit(number_at(ceiling, {"value"}), unit),
                   with_unit(number_at(ceiling, {"median"}), unit),
                   with_unit(number_at(ceiling, {"datasheet", "value"}), unit), share_text(ceiling),
                   format_optional(number_at(ceiling, {"power"}),
                                   [](double watts) { return fmt::format("{:.1f} W", watts); })});
    if (const auto seconds = number_at(ceiling, {"round_trip"})) {
      table.add_row({name_of(ceiling) + ", until its end is seen", "", format_time(*seconds)});
    }
  }
  return table.text();
}

// "name: reason; enable", once for equal reasons.
std::string absences_of(const Json& set) {
  std::vector<std::pair<std::string, std::string>> reasons;  // reason, names
  for (const Json& ceiling : list_at(set, {"ceilings"})) {
    const auto reason = text_at(ceiling, {"reason"});
    if (!reason) continue;
    const auto enable = text_at(ceiling, {"enable"});
    const std::string why = enable ? *reason + "; " + *enable : *reason;
    const std::string name = text_at(ceiling, {"id"}).value_or(std::string(kNone));
    const auto at = std::find_if(reasons.begin(), reasons.end(),
                                 [&](const auto& entry) { return entry.first == why; });
    if (at == reasons.end()) {
      reasons.emplace_back(why, name);
    } else {
      at->second += ", " + name;
    }
  }
  std::string text;
  for (const auto& [why, names] : reasons) text += line(fmt::format("{}: – ({})", names, why));
  return text;
}

std::string idle_line(const Json& set) {
  const Json& power = member(set, {"idle_power"});
  if (const auto watts = number_at(power, {"value"})) {
    return line(fmt::format("idle power: {:.1f} W ({})", *watts,
                            text_at(power, {"source"}).value_or(std::string(kNone))));
  }
  std::string text =
      fmt::format("idle power: – ({}", text_at(power, {"reason"}).value_or("not known"));
  if (const auto enable = text_at(power, {"enable"})) text += "; " + *enable;
  return line(text + ")");
}

std::string notes_of(const Json& set) {
  std::string text;
  if (const auto note = text_at(set, {"note"})) text += line("warning: " + *note);
  for (const Json& note : list_at(set, {"datasheet", "notes"})) {
    if (note.is_string()) text += line("note: " + note.get<std::string>());
  }
  for (const Json& flag : list_at(set, {"flags"})) {
    if (flag.is_string()) text += line("warning: " + flag.get<std::string>());
  }
  return text;
}

}  // namespace

std::string peaks_text(const Json& peaks) {
  std::string text;
  for (const Json& set : list_at(peaks, {"sets"})) {
    if (!text.empty()) text += "\n";
    text += head_of(set) + datasheet_line(set) + "\n" + table_of(set);
    const std::string below = absences_of(set) + idle_line(set) + notes_of(set);
    text += "\n" + below;
  }
  return text;
}

}  // namespace ridgeline::report
