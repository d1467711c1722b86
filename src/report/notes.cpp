// Collects the notes of records.
#include "report/notes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "report/case_labels.hpp"
#include "report/format.hpp"
#include "report/record_view.hpp"
#include "report/text.hpp"

namespace ridgeline::report {
namespace {

// A reason from outside may be megabytes long.
constexpr std::size_t kMaxNote = 500;

// Equal notes of several cases, joined.
class Notes {
 public:
  explicit Notes(const std::vector<CaseView>& views)
      : views_(&views), labels_(case_labels(views, std::vector<std::string>(views.size()))) {}

  void add(const std::string& text, const CaseView& view) {
    const auto it = std::find_if(entries_.begin(), entries_.end(),
                                 [&](const Entry& entry) { return entry.text == text; });
    Entry& entry = it == entries_.end() ? entries_.emplace_back(Entry{text, {}}) : *it;
    if (std::find(entry.views.begin(), entry.views.end(), &view) == entry.views.end()) {
      entry.views.push_back(&view);
    }
  }

  // Appends "text (case)", "text (3 cases)", or the text alone when it holds for all.
  void flush_to(std::vector<std::string>& lines) {
    for (const Entry& entry : entries_) {
      std::string line = entry.text;
      if (entry.views.size() == 1 && views_->size() > 1) {
        line += fmt::format(" ({})", labels_[place_of(*entry.views.front())]);
      } else if (entry.views.size() < views_->size()) {
        line += fmt::format(" ({} cases)", entry.views.size());
      }
      lines.push_back(cut(printable(line), kMaxNote));
    }
    entries_.clear();
  }

 private:
  struct Entry {
    std::string text;
    std::vector<const CaseView*> views;
  };

  std::size_t place_of(const CaseView& view) const {
    return static_cast<std::size_t>(&view - views_->data());
  }

  const std::vector<CaseView>* views_;
  std::vector<std::string> labels_;
  std::vector<Entry> entries_;
};

void note_outcome(const Json& record, const CaseView& view, Notes& notes) {
  if (view.status != "failed" && view.status != "partial") return;
  std::string text = view.status;
  if (const auto error = text_at(record, {"outcome", "class"})) text += ", " + *error;
  text += ": " + text_at(record, {"outcome", "reason"}).value_or("no reason was recorded");
  if (const auto remedy = text_at(record, {"outcome", "remedy"}); remedy && !remedy->empty()) {
    text += "; " + *remedy;
  }
  notes.add(text, view);
}

void note_refused(const Json& record, const CaseView& view, Notes& notes) {
  for (const Json& optimization : list_at(record, {"optimizations"})) {
    if (!is_refused(optimization)) continue;
    const auto reason = text_at(optimization, {"reason"});
    notes.add(fmt::format("optimization {} was requested and not applied: {}",
                          optimization_text(optimization),
                          reason && !reason->empty() ? *reason : "no reason was recorded"),
              view);
  }
}

void note_synthetic(const CaseView& view, Notes& notes) {
  if (view.synthetic_weights) {
    notes.add(
        "synthetic!: random weights of the model's shapes: its speed is real, its outputs mean "
        "nothing",
        view);
  }
  if (view.synthetic_inputs) {
    notes.add("synthetic inputs: generated, not real data", view);
  }
}

// The widest interval of a record relative to its median, and the phase it belongs to.
std::string widest_interval(const Json& record) {
  double widest = -1;
  std::string text;
  for (const Json& phase : list_at(record, {"phases"})) {
    // Preprocessing is a side figure and does not decide.
    if (text_at(phase, {"name"}) == "preprocess") continue;
    const MetricView latency = metric_at(member(phase, {"metrics"}), "latency");
    if (!latency.half_width || latency.value.value_or(0) <= 0) continue;
    const double relative = *latency.half_width / latency.value.value_or(1);
    if (relative <= widest) continue;
    widest = relative;
    text = fmt::format("{} ± {}", text_at(phase, {"name"}).value_or("?"), format_percent(relative));
  }
  return text;
}

void note_precision(const Json& record, const CaseView& view, Notes& notes) {
  if (view.status == "failed") return;  // its own note says more
  if (bool_at(record, {"stop_rule", "precision_reached"}) != false) return;
  std::string text = "precision not reached";
  if (const auto target = number_at(record, {"stop_rule", "precision_target"})) {
    text = fmt::format("precision of {} not reached", format_percent(*target));
  }
  if (const std::string widest = widest_interval(record); !widest.empty()) text += ": " + widest;
  const auto ended_by = text_at(record, {"stop_rule", "ended_by"});
  if (ended_by) text += ", ended by " + *ended_by;
  const auto done = number_at(record, {"stop_rule", "invocations_done"});
  const auto planned = number_at(record, {"stop_rule", "invocations_planned"});
  if (done && planned) text += fmt::format(" after {:.0f} of {:.0f} invocations", *done, *planned);
  notes.add(text, view);
}

void note_flags(const Json& record, const CaseView& view, std::string_view severity, Notes& notes) {
  for (const Json& flag : list_at(record, {"validity", "flags"})) {
    if (text_at(flag, {"severity"}).value_or("warn") != severity) continue;
    std::string text = fmt::format("{} {}", severity == "warn" ? "warning" : severity,
                                   text_at(flag, {"id"}).value_or("?"));
    if (const auto detail = text_at(flag, {"detail"})) text += ": " + *detail;
    if (const auto advice = text_at(flag, {"advice"}); advice && !advice->empty()) {
      text += "; " + *advice;
    }
    notes.add(text, view);
  }
}

bool any_interval(const std::vector<Json>& records, std::string_view kind) {
  for (const Json& record : records) {
    for (const Json& phase : list_at(record, {"phases"})) {
      const MetricView latency = metric_at(member(phase, {"metrics"}), "latency");
      if (latency.half_width && latency.interval == kind) return true;
    }
  }
  return false;
}

struct Shown {
  std::string_view metric;
  std::string_view column;
};
// Columns whose numbers may rest on formulas, or be absent for a reason.
constexpr std::array kShown = {
    Shown{"throughput.sequence", "sequences/s"}, Shown{"throughput.image", "images/s"},
    Shown{"throughput.token", "tokens/s"}, Shown{"flops_rate", "GFLOP/s"},
    Shown{"arithmetic_intensity", "FLOP/B"}};
// Metrics that stand for a quantity when it is absent; what is computed from them follows.
constexpr std::array kQuantities = {Shown{"energy.gross", "energy"}, Shown{"power.mean", "power"},
                                    Shown{"bandwidth.dram", "bandwidth"}, Shown{"mfu", "MFU"},
                                    Shown{"mbu", "MBU"}};

void add_unique(std::vector<std::string>& list, const std::string& text) {
  if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(text);
}

bool is_weak(std::string_view source) {
  return source == "modelled" || source == "datasheet" || source == "given";
}

std::string provenance_note(const std::vector<Json>& records) {
  std::vector<std::string> columns;
  std::vector<std::string> sources;
  for (const Json& record : records) {
    for (const Json& phase : list_at(record, {"phases"})) {
      for (const Shown& shown : kShown) {
        const MetricView metric = metric_at(member(phase, {"metrics"}), shown.metric);
        const std::string& strength = metric.source == "derived" ? metric.weakest : metric.source;
        if (!metric.value || !is_weak(strength)) continue;
        add_unique(columns, std::string(shown.column));
        add_unique(sources, strength);
      }
    }
  }
  if (columns.empty()) return {};
  return fmt::format("{}: not counted by hardware; the weakest input is {}",
                     fmt::join(columns, ", "), fmt::join(sources, ", "));
}

// What an absent metric is called in a note: its column, or its quantity for sensors.
std::string absent_name(const std::string& metric) {
  for (const Shown& shown : kShown) {
    if (metric == shown.metric) return std::string(shown.column);
  }
  for (const Shown& quantity : kQuantities) {
    if (metric == quantity.metric) return std::string(quantity.column);
  }
  return {};
}

// "energy, power: – (reason; enable)", once for each reason.
void absent_notes(const std::vector<Json>& records, std::vector<std::string>& lines) {
  struct Group {
    std::string reason;
    std::vector<std::string> names;
  };
  std::vector<Group> groups;
  for (const Json& record : records) {
    for (const Json& phase : list_at(record, {"phases"})) {
      const Json& metrics = member(phase, {"metrics"});
      if (!metrics.is_object()) continue;
      for (const auto& [key, value] : metrics.items()) {
        const MetricView metric = metric_at(metrics, key);
        const std::string name = absent_name(key);
        if (metric.value || metric.reason.empty() || name.empty()) continue;
        const std::string reason =
            metric.enable.empty() ? metric.reason : metric.reason + "; " + metric.enable;
        const auto it = std::find_if(groups.begin(), groups.end(),
                                     [&](const Group& group) { return group.reason == reason; });
        Group& group = it == groups.end() ? groups.emplace_back(Group{reason, {}}) : *it;
        add_unique(group.names, name);
      }
    }
  }
  for (const Group& group : groups) {
    lines.push_back(cut(
        printable(fmt::format("{}: {} ({})", fmt::join(group.names, ", "), kNone, group.reason)),
        kMaxNote));
  }
}

void interval_notes(const std::vector<Json>& records, std::vector<std::string>& lines) {
  if (any_interval(records, "between_invocations")) {
    lines.emplace_back(
        "latency: median; ±: 95 % t interval over the medians of the invocations, each a process "
        "of its own");
  }
  if (any_interval(records, "within_invocation")) {
    lines.emplace_back(
        "*: one invocation only; its interval does not see the spread between processes");
  }
}

// What the abbreviations of the table mean, where it has them.
void definition_notes(const std::vector<Json>& records, std::vector<std::string>& lines) {
  if (any_metric(records, "ttft")) {
    lines.emplace_back(
        "TTFT: from the request to its first token, preprocessing of real data included; TPOT: "
        "time "
        "per token after it");
  }
  if (any_metric(records, "real_time_factor")) {
    lines.emplace_back("RTF: seconds of work for a second of real sound");
  }
}

// What the joules belong to, how long they were counted and how wrong their sensor may be.
void energy_notes(const std::vector<Json>& records, std::vector<std::string>& lines) {
  for (const Json& record : records) {
    for (const Json& phase : list_at(record, {"phases"})) {
      const auto value = number_at(phase, {"metrics", "energy.gross", "value"});
      if (!value) continue;
      std::string line = fmt::format(
          "energy, power: of the {} while the phase runs, idle power included; {} over "
          "windows of {:.3g} s",
          text_at(phase, {"energy", "boundary"}).value_or("machine"),
          text_at(phase, {"metrics", "energy.gross", "source"}).value_or(""),
          number_at(phase, {"energy", "window_seconds"}).value_or(0));
      const auto systematic = number_at(phase, {"metrics", "energy.gross", "systematic"});
      if (systematic) {
        line +=
            fmt::format("; the sensor itself may be off by about {}", format_percent(*systematic));
      }
      add_unique(lines, line);
    }
  }
}

}  // namespace

std::vector<std::string> notes(const std::vector<Json>& records,
                               const std::vector<CaseView>& views) {
  std::vector<std::string> lines;
  Notes collected(views);
  const auto each = [&](const auto& collect) {
    for (std::size_t i = 0; i < records.size(); ++i) collect(records[i], views[i]);
    collected.flush_to(lines);
  };
  each([&](const Json& record, const CaseView& view) { note_outcome(record, view, collected); });
  each([&](const Json& record, const CaseView& view) {
    note_flags(record, view, "invalid", collected);
  });
  each([&](const Json& record, const CaseView& view) { note_refused(record, view, collected); });
  each([&](const Json&, const CaseView& view) { note_synthetic(view, collected); });
  each([&](const Json& record, const CaseView& view) { note_precision(record, view, collected); });
  each([&](const Json& record, const CaseView& view) {
    note_flags(record, view, "warn", collected);
  });
  interval_notes(records, lines);
  definition_notes(records, lines);
  energy_notes(records, lines);
  if (std::string note = provenance_note(records); !note.empty()) lines.push_back(std::move(note));
  absent_notes(records, lines);
  return lines;
}

}  // namespace ridgeline::report
