// Labels that tell cases apart.
#include "report/case_labels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "report/format.hpp"
#include "report/record_view.hpp"
#include "report/text.hpp"

namespace ridgeline::report {
namespace {

constexpr std::size_t kMostModels = 3;
constexpr std::size_t kMaxLabel = 120;

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t end = std::min(list.find(", ", at), list.size());
    words.push_back(list.substr(at, end - at));
    at = end + 2;
  }
  return words;
}

// Adds to labels that several cases share the optimizations that not all of these cases have;
// "default" where a case has none of them.
void add_optimizations(const std::vector<CaseView>& views, std::vector<std::string>& labels) {
  std::map<std::string, std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < views.size(); ++i) groups[labels[i]].push_back(i);
  for (const auto& [label, group] : groups) {
    if (group.size() < 2) continue;
    std::map<std::string, std::size_t> times;
    for (const std::size_t i : group) {
      for (const std::string& word : split(views[i].optimizations)) ++times[word];
    }
    for (const std::size_t i : group) {
      std::string own;
      for (const std::string& word : split(views[i].optimizations)) {
        if (times[word] < group.size() && word != kNone) own += (own.empty() ? " " : ", ") + word;
      }
      const bool any = std::any_of(times.begin(), times.end(), [&](const auto& one) {
        return one.first != kNone && one.second < group.size();
      });
      if (any) labels[i] += own.empty() ? " default" : own;
    }
  }
}

using Field = std::string CaseView::*;

std::string words_of(const CaseView& view, Field field) {
  const std::string& text = view.*field;
  if (text == kNone || text.empty()) return {};
  if (field == &CaseView::threads) {
    return fmt::format(" {} thread{}", text, text == "1" ? "" : "s");
  }
  return " " + text;
}

bool differs(const std::vector<CaseView>& views, Field field) {
  return std::any_of(views.begin(), views.end(),
                     [&](const CaseView& view) { return view.*field != views.front().*field; });
}

// How many cases have each label.
std::map<std::string, int> counts_of(const std::vector<std::string>& labels) {
  std::map<std::string, int> counts;
  for (const std::string& label : labels) ++counts[label];
  return counts;
}

// Numbers the labels that are still the same.
void make_unique(std::vector<std::string>& labels) {
  std::set<std::string> known;
  for (std::string& label : labels) {
    const std::string first = label;
    for (int number = 2; !known.insert(label).second; ++number) {
      label = fmt::format("{} #{}", first, number);
    }
  }
}

}  // namespace

std::vector<std::string> case_labels(const std::vector<CaseView>& views,
                                     const std::vector<std::string>& runs) {
  std::vector<std::string> labels;
  labels.reserve(views.size());
  for (const CaseView& view : views) {
    labels.push_back(fmt::format("{} {} {}", view.model, view.shape, view.dtype));
  }
  for (const Field field :
       {&CaseView::engine, &CaseView::device, &CaseView::architecture, &CaseView::threads}) {
    if (!differs(views, field)) continue;
    const auto counts = counts_of(labels);
    for (std::size_t i = 0; i < views.size(); ++i) {
      // The engine is always worth a word where there are several.
      const bool tells = field == &CaseView::engine || counts.at(labels[i]) > 1;
      if (tells) labels[i] += words_of(views[i], field);
    }
  }
  add_optimizations(views, labels);
  const auto counts = counts_of(labels);
  for (std::size_t i = 0; i < views.size(); ++i) {
    const bool tells = runs[i] != runs.front() || runs[i] != runs.back();
    if (tells && counts.at(labels[i]) > 1) labels[i] += fmt::format(" ({})", runs[i]);
  }
  for (std::string& label : labels) label = cut(printable(label), kMaxLabel);
  make_unique(labels);
  return labels;
}

std::string report_title(const std::vector<CaseView>& views, const Json& machine) {
  std::vector<std::string> models;
  bool any_accelerator = false;
  for (const CaseView& view : views) {
    if (view.model != kNone &&
        std::find(models.begin(), models.end(), view.model) == models.end()) {
      models.push_back(view.model);
    }
    any_accelerator = any_accelerator || (view.device != "cpu" && view.device != kNone);
  }
  std::string title = models.empty() ? "Ridgeline" : fmt::format("{} models", models.size());
  if (!models.empty() && models.size() <= kMostModels) {
    title = fmt::format("{}", fmt::join(models, ", "));
  }
  std::string device = text_at(machine, {"cpu", "model"}).value_or("");
  if (any_accelerator) {
    for (const Json& one : list_at(machine, {"accelerators"})) {
      const auto name = text_at(one, {"name"});
      if (!name || text_at(one, {"kind"}) == "display") continue;
      device = *name;
      break;
    }
  }
  if (!device.empty()) title += " on " + device;
  return cut(printable(title), kMaxLabel);
}

}  // namespace ridgeline::report
