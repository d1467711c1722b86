// Expands a plan to configurations and cases, within limits.
#include "measure/matrix.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "measure/range_list.hpp"

namespace ridgeline::measure {
namespace {

constexpr std::int64_t kDefaultBatch = 1;
constexpr std::int64_t kDefaultSequence = 128;

// A message holds at most 16 MiB, and a byte of text can take six in JSON.
constexpr std::size_t kMaxBatchTextBytes = 2u << 20;
constexpr std::size_t kMaxBatchTexts = 1u << 17;
// Bounds the copies that the cases of one plan hold together.
constexpr std::size_t kMaxAllTextBytes = 256u << 20;

std::size_t times(std::size_t a, std::size_t b) {
  if (b != 0 && a > std::numeric_limits<std::size_t>::max() / b) {
    return std::numeric_limits<std::size_t>::max();
  }
  return a * b;
}

template <typename T>
std::vector<T> without_doubles(const std::vector<T>& values) {
  std::vector<T> kept;
  for (const T& value : values) {
    if (std::find(kept.begin(), kept.end(), value) == kept.end()) kept.push_back(value);
  }
  return kept;
}

template <typename T>
std::vector<std::optional<T>> or_none(const std::vector<T>& values) {
  const std::vector<T> kept = without_doubles(values);
  if (kept.empty()) return {std::nullopt};
  return {kept.begin(), kept.end()};
}

// Each configuration so far, once with every value of the next axis.
template <typename T, typename Set>
void spread(std::vector<Configuration>& configurations, const std::vector<T>& values, Set set) {
  std::vector<Configuration> all;
  all.reserve(configurations.size() * values.size());
  for (const Configuration& configuration : configurations) {
    for (const T& value : values) {
      all.push_back(configuration);
      set(all.back(), value);
    }
  }
  configurations = std::move(all);
}

std::size_t configuration_count(const Plan& plan) {
  const auto at_least_one = [](std::size_t size) { return std::max<std::size_t>(size, 1); };
  std::size_t count =
      times(without_doubles(plan.engines).size(), without_doubles(plan.models).size());
  count = times(count, at_least_one(without_doubles(plan.architectures).size()));
  count = times(count, without_doubles(plan.weights).size());
  count = times(count, without_doubles(plan.dtypes).size());
  count = times(count, without_doubles(plan.devices).size());
  count = times(count, at_least_one(without_doubles(plan.threads).size()));
  count = times(count, at_least_one(without_doubles(plan.cores).size()));
  for (const KnobChoice& knob : plan.knobs) count = times(count, knob.values.size());
  return count;
}

// Must stay below kMaxCases: checked by the caller before anything is built.
std::vector<Configuration> configurations_of(const Plan& plan) {
  Configuration first;
  first.seed = plan.seed;
  first.optimize_auto = plan.optimize_auto;
  first.engine_python = plan.engine_python;
  std::vector<Configuration> all = {first};
  using C = Configuration;
  using Text = std::string;
  spread(all, without_doubles(plan.engines), [](C& c, const Text& v) { c.engine = v; });
  spread(all, without_doubles(plan.models), [](C& c, const Text& v) { c.model = v; });
  spread(all, or_none(plan.architectures), [](C& c, const auto& v) { c.architecture = v; });
  spread(all, without_doubles(plan.weights), [](C& c, const Text& v) { c.weights = v; });
  spread(all, without_doubles(plan.dtypes), [](C& c, const Text& v) { c.dtype = v; });
  spread(all, without_doubles(plan.devices), [](C& c, const Text& v) { c.device = v; });
  spread(all, or_none(plan.threads), [](C& c, const auto& v) { c.threads = v; });
  spread(all, or_none(plan.cores), [](C& c, const auto& v) { c.cores = v; });
  for (const KnobChoice& knob : plan.knobs) {
    spread(all, knob.values, [&](C& c, const KnobValue& v) { c.knobs.push_back({knob.id, v}); });
  }
  return all;
}

// The values of each size that the cases of one model spread over; an empty one leaves it to the
// model.
struct Sizes {
  std::vector<std::int64_t> batch;
  std::vector<std::vector<std::optional<std::int64_t>>> axes;  // as workload_axes()

  std::size_t count() const {
    std::size_t all = batch.size();
    for (const auto& axis : axes) all = times(all, axis.size());
    return all;
  }
};

// Rows that the user's data make up.
std::size_t given_rows(const Plan& plan) {
  return std::max({plan.texts.size(), plan.images.size(), plan.audio.size()});
}

Sizes sizes_of(const Plan& plan, const PlanContext& context, const std::string& model) {
  std::optional<WorkloadDefaults> defaults;
  if (context.defaults_of_model) defaults = context.defaults_of_model(model);
  Sizes sizes{without_doubles(plan.batch), {}};
  if (sizes.batch.empty()) {
    const std::size_t given = given_rows(plan);
    sizes.batch = {given > 0  ? static_cast<std::int64_t>(given)
                   : defaults ? defaults->batch
                              : kDefaultBatch};
  }
  for (const WorkloadAxis& axis : workload_axes()) {
    auto values = or_none(sizes_of(plan, axis.key));
    // Of texts the tokenizer knows the length, of files nobody asks for one.
    const bool is_sequence = axis.key == "sequence";
    const bool given = (is_sequence && !plan.texts.empty()) ||
                       (axis.key == "image_size" && !plan.images.empty()) ||
                       (axis.key == "audio_seconds" && !plan.audio.empty());
    // Who names a prompt length and no depth decodes behind that prompt.
    const bool follows = axis.key == "depth" && !plan.sequence.empty();
    if (!values.front() && !given && !follows) {
      values.front() = defaults ? (*defaults).*axis.member : std::nullopt;
      if (!values.front() && is_sequence) values.front() = kDefaultSequence;
    }
    sizes.axes.push_back(std::move(values));
  }
  return sizes;
}

// Bytes of all rows of a batch, texts repeated; an error when a message could not hold them.
Result<std::size_t> batch_text_bytes(const Plan& plan, std::int64_t batch) {
  if (static_cast<std::size_t>(batch) > kMaxBatchTexts) {
    return bad_input(
        fmt::format("batch {} of texts is above the limit of {}", batch, kMaxBatchTexts),
        "use --sequence for batches of this size");
  }
  std::size_t bytes = 0;
  for (std::size_t row = 0; row < static_cast<std::size_t>(batch); ++row) {
    bytes += plan.texts[row % plan.texts.size()].size();
  }
  if (bytes <= kMaxBatchTextBytes) return bytes;
  return bad_input(fmt::format("the texts of batch {} are above the limit of {} bytes", batch,
                               kMaxBatchTextBytes),
                   "use shorter texts or a smaller batch");
}

// The first `rows` of the data of one kind.
std::vector<std::string> first_of(const std::vector<std::string>& given, std::int64_t rows) {
  const auto count = std::min(static_cast<std::size_t>(rows), given.size());
  return {given.begin(), given.begin() + static_cast<std::ptrdiff_t>(count)};
}

// The sizes must have passed check_limits.
std::vector<Workload> workloads_of(const Plan& plan, const Sizes& sizes) {
  std::vector<Workload> workloads;
  for (const std::int64_t batch : sizes.batch) {
    Workload workload;
    workload.batch = batch;
    workload.texts = first_of(plan.texts, batch);
    workload.images = first_of(plan.images, batch);
    workload.audio = first_of(plan.audio, batch);
    workload.chat = plan.chat;
    workloads.push_back(std::move(workload));
  }
  for (std::size_t i = 0; i < sizes.axes.size(); ++i) {
    std::vector<Workload> all;
    all.reserve(workloads.size() * sizes.axes[i].size());
    for (const Workload& workload : workloads) {
      for (const auto& value : sizes.axes[i]) {
        all.push_back(workload);
        all.back().*workload_axes()[i].member = value;
      }
    }
    workloads = std::move(all);
  }
  return workloads;
}

Error too_many(std::size_t count) {
  const std::string shown = count == std::numeric_limits<std::size_t>::max()
                                ? "far more cases than"
                                : fmt::format("{} cases, more than", count);
  return bad_input(fmt::format("the plan makes {} the limit of {}", shown, kMaxCases),
                   "shorten a list or split the plan");
}

// All of it before anything is built, so that a hostile plan costs nothing.
Status check_limits(const Plan& plan, const PlanContext& context) {
  const std::size_t configurations = configuration_count(plan);
  if (configurations == 0) return bad_input("the plan has no model, engine, dtype or device");
  if (configurations > kMaxCases) return too_many(configurations);
  const auto models = without_doubles(plan.models);
  const std::size_t per_model = configurations / models.size();
  std::size_t cases = 0;
  std::size_t text_bytes = 0;
  for (const std::string& model : models) {
    const Sizes sizes = sizes_of(plan, context, model);
    cases += times(per_model, sizes.count());
    if (cases > kMaxCases) return too_many(cases);
    if (plan.texts.empty()) continue;
    for (const std::int64_t batch : sizes.batch) {
      RIDGELINE_TRY(const std::size_t bytes, batch_text_bytes(plan, batch));
      text_bytes += per_model * bytes;
    }
    if (text_bytes > kMaxAllTextBytes) {
      return bad_input(
          fmt::format("the texts of all cases are above the limit of {} bytes", kMaxAllTextBytes),
          "use shorter texts or fewer cases");
    }
  }
  return {};
}

}  // namespace

std::size_t Matrix::case_count() const {
  std::size_t count = 0;
  for (const ConfigurationCases& one : configurations) count += one.cases.size();
  return count;
}

Result<Matrix> expand(const Plan& plan, const PlanContext& context) {
  RIDGELINE_CHECK(check_limits(plan, context));
  Matrix matrix;
  for (Configuration& configuration : configurations_of(plan)) {
    ConfigurationCases entry;
    const Sizes sizes = sizes_of(plan, context, configuration.model);
    for (Workload& workload : workloads_of(plan, sizes)) {
      std::string id = case_id(configuration, workload);
      entry.cases.push_back({std::move(id), std::move(workload)});
    }
    entry.id = id_of(configuration);
    entry.configuration = std::move(configuration);
    matrix.configurations.push_back(std::move(entry));
  }
  for (const std::int64_t batch : without_doubles(plan.batch)) {
    const auto note = [&](const std::vector<std::string>& given, std::string_view kind) {
      if (static_cast<std::size_t>(batch) >= given.size()) return;
      matrix.notes.push_back(
          fmt::format("batch {} takes the first {} of {} {}", batch, batch, given.size(), kind));
    };
    note(plan.texts, "texts");
    note(plan.images, "pictures");
    note(plan.audio, "sounds");
  }
  return matrix;
}

std::string describe(const Plan& plan, const Matrix& matrix) {
  std::string text;
  for (const ConfigurationCases& entry : matrix.configurations) {
    const std::string configuration = describe(entry.configuration);
    for (const Case& one : entry.cases) {
      text += fmt::format("{}  {}  {}\n", one.id, configuration, describe(one.workload));
    }
  }
  for (const std::string& note : matrix.notes) text += "note: " + note + "\n";
  const auto counted = [](std::size_t count, std::string_view noun) {
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
  };
  const std::size_t configurations = matrix.configurations.size();
  const auto invocations = static_cast<std::size_t>(plan.invocations);
  text += fmt::format("{} of {}, {} each: {}, budget {}\n", counted(matrix.case_count(), "case"),
                      counted(configurations, "configuration"), counted(invocations, "invocation"),
                      counted(configurations * invocations, "worker start"),
                      format_duration(plan.budget_ns));
  return text;
}

}  // namespace ridgeline::measure
