// Groups of cases whose manifests agree; one of each side is a pair.
#include "analysis/manifest_matching.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <unordered_map>

#include "analysis/record_figures.hpp"
#include "base/json_values.hpp"

namespace ridgeline::analysis {
namespace {

// Beyond this many pairs of cases the nearest ones are not looked for: only advice.
constexpr std::size_t kMostLooks = 250'000;

std::vector<Manifest> manifests_of(const std::vector<Json>& records) {
  std::vector<Manifest> manifests;
  manifests.reserve(records.size());
  for (const Json& record : records) manifests.push_back(manifest_of(record));
  return manifests;
}

// Sets that grow together.
class Groups {
 public:
  explicit Groups(std::size_t size) : parent_(size) {
    std::iota(parent_.begin(), parent_.end(), std::size_t{0});
  }
  std::size_t of(std::size_t at) {
    while (parent_[at] != at) at = parent_[at] = parent_[parent_[at]];
    return at;
  }
  void join(std::size_t a, std::size_t b) { parent_[of(a)] = of(b); }

 private:
  std::vector<std::size_t> parent_;
};

class Matcher {
 public:
  Matcher(const std::vector<Json>& base, const std::vector<Json>& now, const Across& across)
      : base_(base),
        now_(now),
        across_(across),
        base_manifests_(manifests_of(base)),
        now_manifests_(manifests_of(now)),
        base_taken_(base.size()),
        now_taken_(now.size()) {}

  Matching run() {
    if (!across_.members.any()) pair_equal_ids();
    pair_groups();
    std::sort(matching_.pairs.begin(), matching_.pairs.end());
    const bool looks = base_.size() * now_.size() <= kMostLooks;
    for (std::size_t i = 0; i < base_.size(); ++i) {
      if (!base_taken_[i]) matching_.base.push_back(nearest(i, true, looks));
    }
    for (std::size_t j = 0; j < now_.size(); ++j) {
      if (!now_taken_[j]) matching_.now.push_back(nearest(j, false, looks));
    }
    return std::move(matching_);
  }

 private:
  void take(std::size_t i, std::size_t j) {
    matching_.pairs.emplace_back(i, j);
    base_taken_[i] = now_taken_[j] = true;
  }

  void pair_equal_ids() {
    std::unordered_map<std::string, std::size_t> by_id;
    for (std::size_t j = 0; j < now_.size(); ++j) by_id.emplace(text_in(now_[j], "id"), j);
    for (std::size_t i = 0; i < base_.size(); ++i) {
      const auto found = by_id.find(text_in(base_[i], "id"));
      if (found == by_id.end() || now_taken_[found->second]) continue;
      const std::size_t j = found->second;
      const bool little_known = has_failed(base_[i]) || has_failed(now_[j]);
      if (little_known || agree(base_manifests_[i], now_manifests_[j], across_)) take(i, j);
    }
  }

  // Cases that agree with each other, directly or by way of one that knows little, are a group.
  void pair_groups() {
    Groups groups(base_.size() + now_.size());
    for (std::size_t i = 0; i < base_.size(); ++i) {
      for (std::size_t j = 0; j < now_.size(); ++j) {
        if (base_taken_[i] || now_taken_[j]) continue;
        if (agree(base_manifests_[i], now_manifests_[j], across_)) groups.join(i, base_.size() + j);
      }
    }
    std::map<std::size_t, Ambiguous> members;
    for (std::size_t i = 0; i < base_.size(); ++i) {
      if (!base_taken_[i]) members[groups.of(i)].base.push_back(i);
    }
    for (std::size_t j = 0; j < now_.size(); ++j) {
      if (!now_taken_[j]) members[groups.of(base_.size() + j)].now.push_back(j);
    }
    for (auto& [root, group] : members) settle(std::move(group));
  }

  void settle(Ambiguous group) {
    if (group.base.empty() || group.now.empty()) return;
    if (group.base.size() == 1 && group.now.size() == 1) {
      take(group.base.front(), group.now.front());
      return;
    }
    for (const std::size_t i : group.base) base_taken_[i] = true;
    for (const std::size_t j : group.now) now_taken_[j] = true;
    group.members = telling(group);
    matching_.ambiguous.push_back(std::move(group));
  }

  // Ignored members that have several values on one side.
  std::vector<std::string> telling(const Ambiguous& group) const {
    std::vector<std::string> names;
    for (std::size_t at = 0; at < kManifestSize; ++at) {
      std::set<std::string> ours;
      std::set<std::string> theirs;
      for (const std::size_t i : group.base)
        ours.insert(base_manifests_[i].values[at].value_or(""));
      for (const std::size_t j : group.now)
        theirs.insert(now_manifests_[j].values[at].value_or(""));
      if (ours.size() > 1 || theirs.size() > 1) names.emplace_back(kManifestMembers[at]);
    }
    return names;
  }

  // The case of the other side with the fewest members that differ, among those of its model.
  Unmatched nearest(std::size_t at, bool is_base, bool looks) const {
    Unmatched unmatched;
    unmatched.record = at;
    if (!looks) return unmatched;
    const Manifest& own = is_base ? base_manifests_[at] : now_manifests_[at];
    const auto& others = is_base ? now_manifests_ : base_manifests_;
    for (std::size_t other = 0; other < others.size(); ++other) {
      auto differs = is_base ? differences(own, others[other], across_)
                             : differences(others[other], own, across_);
      const bool other_model = !differs.empty() && differs.front().member == "model";
      if (differs.empty() || other_model) continue;
      if (unmatched.nearest && differs.size() >= unmatched.differs.size()) continue;
      unmatched.nearest = other;
      unmatched.differs = std::move(differs);
    }
    return unmatched;
  }

  const std::vector<Json>& base_;
  const std::vector<Json>& now_;
  const Across& across_;
  std::vector<Manifest> base_manifests_;
  std::vector<Manifest> now_manifests_;
  std::vector<bool> base_taken_;
  std::vector<bool> now_taken_;
  Matching matching_;
};

}  // namespace

Matching match_cases(const std::vector<Json>& base, const std::vector<Json>& now,
                     const Across& across) {
  return Matcher(base, now, across).run();
}

}  // namespace ridgeline::analysis
