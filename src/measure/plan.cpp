// Puts a plan together, resolves its references, and keeps it as JSON.
#include "measure/plan.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "measure/engine_locator.hpp"
#include "measure/engine_name.hpp"
#include "measure/plan_keys.hpp"
#include "measure/range_list.hpp"

namespace ridgeline::measure {
namespace {

constexpr std::string_view kPlanSchema = "ridgeline-plan/1";
constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::uint64_t kMaxTextFileBytes = 16ull << 20;

// Keys that say the same thing in different ways: naming one leaves the others of the file out.
constexpr std::array<std::string_view, 2> kModelGroup = {"models", "suite"};
constexpr std::array<std::string_view, 3> kInputGroup = {"text", "text_file", "sequence"};

template <std::size_t N>
bool has(const std::array<std::string_view, N>& group, std::string_view key) {
  return std::find(group.begin(), group.end(), key) != group.end();
}

bool replaces(const Assignment& flag, const Assignment& from_file) {
  return flag.key == from_file.key ||
         (has(kModelGroup, flag.key) && has(kModelGroup, from_file.key)) ||
         (has(kInputGroup, flag.key) && has(kInputGroup, from_file.key));
}

template <typename T>
void remove_doubles(std::vector<T>& values) {
  std::vector<T> kept;
  for (T& value : values) {
    if (std::find(kept.begin(), kept.end(), value) == kept.end()) kept.push_back(std::move(value));
  }
  values = std::move(kept);
}

Status append_texts(const std::string& path, std::vector<std::string>& texts) {
  RIDGELINE_TRY(const std::string all, read_text_file(path, kMaxTextFileBytes));
  Plan checked;
  std::size_t line = 0;
  for (std::size_t from = 0; from < all.size();) {
    const std::size_t to = std::min(all.find('\n', from), all.size());
    std::string text = all.substr(from, to - from);
    from = to + 1;
    ++line;
    if (!text.empty() && text.back() == '\r') text.pop_back();
    if (text.find_first_not_of(" \t") == std::string::npos) continue;
    RIDGELINE_CHECK(assign(checked, {"text", {text}, fmt::format("{}:{}", path, line)}));
    if (texts.size() >= kMaxListItems) {
      return bad_input(fmt::format("{}:{}: more than {} texts", path, line, kMaxListItems));
    }
    texts.push_back(std::move(text));
  }
  if (texts.empty()) return bad_input(fmt::format("{}: no text in the file", path));
  return {};
}

// Files are looked for now, so that a mistake does not wait for its turn, and a run folder can be
// resumed from elsewhere.
Status resolve_files(std::vector<std::string>& paths, std::string_view kind) {
  for (std::string& path : paths) {
    std::error_code failure;
    if (!std::filesystem::exists(path, failure)) {
      return bad_input(fmt::format("no such {} file: {}", kind, in_quotes(path)));
    }
    path = std::filesystem::absolute(path, failure).lexically_normal().string();
  }
  return {};
}

// The raw values of one key of a stored plan, as flags would give them.
Result<std::vector<std::string>> values_from(const Json& json, const std::string& where) {
  std::vector<std::string> values;
  const Json list = json.is_array() ? json : Json::array({json});
  for (const Json& item : list) {
    if (item.is_string()) {
      values.push_back(item.get<std::string>());
    } else if (item.is_number() || item.is_boolean()) {
      values.push_back(to_line(item));
    } else {
      return bad_input(
          fmt::format("{}: must be text or a number, not {}", where, item.type_name()));
    }
  }
  return values;
}

Result<std::vector<std::string>> optimize_from(const Json& json, const std::string& where) {
  std::vector<std::string> values;
  for (const auto& [id, choices] : json.items()) {
    RIDGELINE_TRY(const auto texts, values_from(choices, where));
    if (id == "auto") {
      if (texts.size() == 1 && texts.front() == "true") values.emplace_back("auto");
      continue;
    }
    for (const std::string& text : texts) values.push_back(fmt::format("{}={}", id, text));
  }
  if (values.empty()) values.emplace_back("none");
  return values;
}

Json optimize_to_json(const Plan& plan) {
  Json json = {{"auto", plan.optimize_auto}};
  for (const KnobChoice& choice : plan.knobs) {
    Json values = Json::array();
    for (const KnobValue& value : choice.values) values.push_back(to_json(value));
    json[choice.id] = std::move(values);
  }
  return json;
}

}  // namespace

bool wants(const Plan& plan, std::string_view group) {
  return plan.metrics.empty() ||
         std::find(plan.metrics.begin(), plan.metrics.end(), group) != plan.metrics.end();
}

Result<Plan> make_plan(const std::vector<Assignment>& file, const std::vector<Assignment>& flags) {
  Plan plan;
  for (const Assignment& assignment : file) {
    // A key that a flag replaces is still read, so that its mistakes do not wait for another day.
    Plan unused;
    const bool replaced = std::any_of(flags.begin(), flags.end(), [&](const Assignment& flag) {
      return replaces(flag, assignment);
    });
    RIDGELINE_CHECK(assign(replaced ? unused : plan, assignment));
  }
  for (const Assignment& assignment : flags) RIDGELINE_CHECK(assign(plan, assignment));
  return plan;
}

std::string baseline_of(const Plan& plan) {
  if (plan.engines.size() < 2) return {};
  if (!plan.baseline.empty()) return plan.baseline;
  for (const std::string& engine : plan.engines) {
    if (parse_engine(engine).program != "native") return engine;
  }
  return {};
}

const std::vector<std::int64_t>& sizes_of(const Plan& plan, std::string_view axis) {
  if (axis == "depth") return plan.depth;
  if (axis == "new_tokens") return plan.new_tokens;
  if (axis == "image_size") return plan.image_size;
  if (axis == "audio_seconds") return plan.audio_seconds;
  return plan.sequence;
}

Result<Plan> resolve(const Plan& plan, const PlanContext& context) {
  Plan resolved = plan;
  if (!plan.suite.empty()) {
    if (!context.models_of_suite) {
      return bad_input(fmt::format("unknown suite {}", in_quotes(plan.suite)));
    }
    RIDGELINE_TRY(const auto models, context.models_of_suite(plan.suite));
    resolved.models.insert(resolved.models.end(), models.begin(), models.end());
  }
  if (!plan.text_file.empty()) {
    RIDGELINE_CHECK(append_texts(plan.text_file, resolved.texts));
    resolved.text_file.clear();
  }
  if (resolved.models.empty()) {
    return bad_input("no model to run",
                     "name one, as in ridgeline run bert-base, or use --suite quick");
  }
  RIDGELINE_CHECK(resolve_files(resolved.images, "image"));
  RIDGELINE_CHECK(resolve_files(resolved.audio, "audio"));
  if (resolved.chat && resolved.texts.empty()) {
    return bad_input("chat needs a text to put into the template", "give --text or --text-file");
  }
  if (!resolved.audio.empty() && !resolved.audio_seconds.empty()) {
    return bad_input("audio_seconds and audio exclude each other: the files have a length",
                     "leave out one of --audio-seconds and --audio");
  }
  if (!resolved.texts.empty() && !resolved.sequence.empty()) {
    return bad_input("sequence and text exclude each other: the tokenizer decides the length",
                     "leave out one of --sequence and --text");
  }
  if (!resolved.engine_python.empty()) {
    RIDGELINE_TRY(resolved.engine_python,
                  find_python(resolved.engine_python, flag_of("engine_python")));
  }
  remove_doubles(resolved.models);
  remove_doubles(resolved.engines);
  const auto& engines = resolved.engines;
  if (!plan.baseline.empty() &&
      std::find(engines.begin(), engines.end(), plan.baseline) == engines.end()) {
    return bad_input(
        fmt::format("--baseline: {} is not among the engines", in_quotes(plan.baseline)),
        fmt::format("it is one of --engine {}", fmt::join(engines, ",")));
  }
  remove_doubles(resolved.architectures);
  remove_doubles(resolved.weights);
  remove_doubles(resolved.dtypes);
  remove_doubles(resolved.devices);
  remove_doubles(resolved.threads);
  remove_doubles(resolved.cores);
  remove_doubles(resolved.batch);
  remove_doubles(resolved.sequence);
  remove_doubles(resolved.depth);
  remove_doubles(resolved.new_tokens);
  remove_doubles(resolved.image_size);
  remove_doubles(resolved.audio_seconds);
  remove_doubles(resolved.phases);
  remove_doubles(resolved.metrics);
  remove_doubles(resolved.sensors);
  return resolved;
}

Json to_json(const Plan& plan) {
  Json json = {{"schema", kPlanSchema}};
  const auto add = [&json](std::string_view key, const auto& value) {
    if (!value.empty()) json[std::string(key)] = value;
  };
  add("models", plan.models);
  add("suite", plan.suite);
  add("engine", plan.engines);
  add("engine_python", plan.engine_python);
  add("baseline", plan.baseline);
  add("architecture", plan.architectures);
  add("weights", plan.weights);
  add("dtype", plan.dtypes);
  add("device", plan.devices);
  add("threads", plan.threads);
  add("cores", plan.cores);
  add("batch", plan.batch);
  for (const WorkloadAxis& axis : workload_axes()) add(axis.key, sizes_of(plan, axis.key));
  add("text", plan.texts);
  add("text_file", plan.text_file);
  add("image", plan.images);
  add("audio", plan.audio);
  if (plan.chat) json["chat"] = true;
  json["optimize"] = optimize_to_json(plan);
  json["invocations"] = plan.invocations;
  json["budget"] = format_duration(plan.budget_ns);
  json["precision"] = plan.precision;
  json["phase_time"] = plan.phase_time_ns ? format_duration(*plan.phase_time_ns) : "auto";
  json["warmup"] = !plan.warmup_ns       ? "auto"
                   : *plan.warmup_ns > 0 ? format_duration(*plan.warmup_ns)
                                         : "none";
  json["seed"] = plan.seed;
  add("output", plan.output);
  add("phases", plan.phases);
  add("metrics", plan.metrics);
  add("sensors", plan.sensors);
  json["energy_window"] = plan.energy_window_ns ? format_duration(*plan.energy_window_ns) : "auto";
  json["energy_trials"] = plan.energy_trials;
  json["busy"] = plan.busy;
  json["strict"] = plan.strict;
  return json;
}

Result<Plan> plan_from_json(const Json& json, std::string_view what) {
  RIDGELINE_TRY(const std::string schema, get_string(json, "schema", what));
  if (schema != kPlanSchema) {
    return bad_input(fmt::format("{}: schema {} is not {}", what, in_quotes(schema), kPlanSchema));
  }
  std::vector<Assignment> assignments;
  for (const auto& [key, value] : json.items()) {
    if (key == "schema") continue;
    Assignment assignment{key, {}, fmt::format("{}: {}", what, in_quotes(key))};
    if (key == "optimize" && value.is_object()) {
      RIDGELINE_TRY(assignment.values, optimize_from(value, assignment.where));
    } else {
      RIDGELINE_TRY(assignment.values, values_from(value, assignment.where));
    }
    assignments.push_back(std::move(assignment));
  }
  return make_plan(assignments, {});
}

Status check_same_plan(const Plan& stored, const Plan& asked) {
  const Json before = to_json(stored);
  const Json now = to_json(asked);
  for (const PlanKey& key : plan_keys()) {
    const std::string name(key.name);
    if (name == "output" || name == "baseline") continue;
    const Json old_value = before.value(name, Json());
    const Json new_value = now.value(name, Json());
    if (old_value == new_value) continue;
    return bad_input(fmt::format("the run folder was made with another {}: {}, not {}", name,
                                 in_quotes(to_line(old_value)), in_quotes(to_line(new_value))),
                     "resume with the same plan, or give another --output");
  }
  return {};
}

std::string format_duration(std::int64_t ns) {
  if (ns % kNsPerSecond == 0) return fmt::format("{}s", ns / kNsPerSecond);
  if (ns % kNsPerMs == 0) return fmt::format("{}ms", ns / kNsPerMs);
  return fmt::format("{}.{:06}ms", ns / kNsPerMs, ns % kNsPerMs);
}

}  // namespace ridgeline::measure
