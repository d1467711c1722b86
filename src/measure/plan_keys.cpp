// How each key of a plan is read and checked.
#include "measure/plan_keys.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/cpu_list.hpp"
#include "base/nearest.hpp"
#include "measure/engine_name.hpp"
#include "measure/plan_values.hpp"
#include "measure/range_list.hpp"

namespace ridgeline::measure {
namespace {

constexpr std::size_t kMaxTextBytes = 1 << 20;
constexpr std::int64_t kMaxInvocations = 1000;
constexpr std::int64_t kMaxTrials = 1000;

constexpr std::string_view kAuto = "auto";
constexpr std::string_view kNone = "none";
constexpr std::array<std::string_view, 4> kWeights = {"auto", "checkpoint", "synthetic", "meta"};
constexpr std::array<std::string_view, 3> kDtypes = {"float32", "bfloat16", "float16"};
constexpr std::array<std::string_view, 3> kBusy = {"warn", "fail", "wait"};

Status set_models(Plan& plan, const Values& values, std::string_view where) {
  // Not split at commas: a folder may have one in its name.
  for (const std::string& value : values) RIDGELINE_CHECK(check_name(value, where));
  plan.models = values;
  return {};
}

Status set_suite(Plan& plan, const Values& values, std::string_view where) {
  RIDGELINE_TRY(plan.suite, only_value(values, where));
  return check_name(plan.suite, where);
}

Status set_engine(Plan& plan, const Values& values, std::string_view where) {
  RIDGELINE_TRY(plan.engines, names_of(values, where));
  for (const std::string& engine : plan.engines) RIDGELINE_CHECK(check_engine(engine, where));
  return {};
}

Status set_engine_python(Plan& plan, const Values& values, std::string_view where) {
  RIDGELINE_TRY(plan.engine_python, only_value(values, where));
  return check_name(plan.engine_python, where);
}

Status set_baseline(Plan& plan, const Values& values, std::string_view where) {
  RIDGELINE_TRY(plan.baseline, only_value(values, where));
  RIDGELINE_CHECK(check_name(plan.baseline, where));
  return check_engine(plan.baseline, where);
}

Status set_architecture(Plan& plan, const Values& values, std::string_view where) {
  RIDGELINE_TRY(plan.architectures, names_of(values, where));
  return {};
}

Status set_weights(Plan& plan, const Values& values, std::string_view where) {
  RIDGELINE_TRY(plan.weights, choices_of(values, where, kWeights));
  return {};
}

// Spellings of other tools, for the hint: one dtype has one name here.
struct Alias {
  std::string_view name, dtype;
};

constexpr std::array kAliases = {Alias{"fp32", "float32"},  Alias{"f32", "float32"},
                                 Alias{"float", "float32"}, Alias{"bf16", "bfloat16"},
                                 Alias{"fp16", "float16"},  Alias{"f16", "float16"},
                                 Alias{"half", "float16"}};

Status set_dtype(Plan& plan, const Values& values, std::string_view where) {
  RIDGELINE_TRY(const auto names, names_of(values, where));
  for (const std::string& name : names) {
    for (const Alias& alias : kAliases) {
      if (alias.name != name) continue;
      return bad_input(fmt::format("{}: unknown value {}", where, in_quotes(name)),
                       fmt::format("write {}", alias.dtype));
    }
  }
  RIDGELINE_TRY(plan.dtypes, choices_of(values, where, kDtypes));
  return {};
}

Status set_device(Plan& plan, const Values& values, std::string_view where) {
  RIDGELINE_TRY(plan.devices, names_of(values, where));
  for (std::string& device : plan.devices) {
    const std::size_t colon = device.find(':');
    const std::string kind = device.substr(0, colon);
    const bool kind_is_good = !kind.empty() && std::all_of(kind.begin(), kind.end(), [](char c) {
      return c >= 'a' && c <= 'z';
    });
    std::int64_t ordinal = 0;
    bool ordinal_is_good = true;
    if (colon != std::string::npos) {
      const auto parsed = parse_int(device.substr(colon + 1), where, 0);
      ordinal_is_good = parsed.has_value() && *parsed <= 1023;
      if (ordinal_is_good) ordinal = *parsed;
    }
    if (!kind_is_good || !ordinal_is_good || (kind == "cpu" && ordinal != 0)) {
      return bad_input(fmt::format("{}: {} is not a device", where, in_quotes(device)),
                       "write cpu or cuda:0");
    }
    // One spelling each, so that cuda and cuda:0 are one configuration.
    device = kind == "cpu" ? kind : fmt::format("{}:{}", kind, ordinal);
  }
  return {};
}

Status set_threads(Plan& plan, const Values& values, std::string_view where) {
  RIDGELINE_TRY(plan.threads, numbers_of(values, where));
  return {};
}

Status set_cores(Plan& plan, const Values& values, std::string_view where) {
  std::vector<std::string> sets;
  // A comma belongs to one set of CPUs, so sets are parted by a slash.
  for (const std::string& value : values) {
    for (std::size_t from = 0; from <= value.size();) {
      const std::size_t to = std::min(value.find('/', from), value.size());
      const auto cpus = parse_cpu_list(value.substr(from, to - from));
      if (!cpus || cpus->empty()) {
        return bad_input(fmt::format("{}: {} is not a set of CPUs", where, in_quotes(value)),
                         "write CPU numbers as 0-3 or 0,2,4, and several sets as 0-3/4-7");
      }
      sets.push_back(to_cpu_list(*cpus));
      from = to + 1;
    }
    if (sets.size() > kMaxListItems) return bad_input(fmt::format("{}: too many sets", where));
  }
  plan.cores = std::move(sets);
  return {};
}

// Sizes of a workload, each a list.
template <std::vector<std::int64_t> Plan::* member>
Status set_sizes(Plan& plan, const Values& values, std::string_view where) {
  RIDGELINE_TRY(plan.*member, numbers_of(values, where));
  return {};
}

// Files of the batch, one a flag: not split at commas, a name may have one.
template <std::vector<std::string> Plan::* member>
Status set_files(Plan& plan, const Values& values, std::string_view where) {
  for (const std::string& value : values) RIDGELINE_CHECK(check_name(value, where));
  plan.*member = values;
  return {};
}

Status set_text(Plan& plan, const Values& values, std::string_view where) {
  for (const std::string& value : values) {
    RIDGELINE_CHECK(check_text(value, where, kMaxTextBytes));
  }
  plan.texts = values;
  return {};
}

Status set_text_file(Plan& plan, const Values& values, std::string_view where) {
  RIDGELINE_TRY(plan.text_file, only_value(values, where));
  return check_name(plan.text_file, where);
}

// Adds "id=value" to the choices, which stay sorted by id.
Status add_knob(std::vector<KnobChoice>& knobs, const std::string& item, std::string_view where) {
  const std::size_t equals = item.find('=');
  const std::string id = item.substr(0, equals);
  if (equals == std::string::npos || id.empty() || equals + 1 == item.size()) {
    return bad_input(fmt::format("{}: {} is not a choice", where, in_quotes(item)),
                     "write auto, none or id=value, as attention=flash");
  }
  if (id == "auto" || id == "none") {
    return bad_input(fmt::format("{}: '{}' takes no value", where, id));
  }
  for (const std::string_view key : {"threads", "cores", "dtype", "device"}) {
    if (id != key) continue;
    return bad_input(fmt::format("{}: '{}' is a key of its own", where, id),
                     fmt::format("use {} {}", flag_of(id), item.substr(equals + 1)));
  }
  const KnobValue value = knob_value_from_text(item.substr(equals + 1));
  const auto at = std::find_if(knobs.begin(), knobs.end(),
                               [&](const KnobChoice& choice) { return choice.id >= id; });
  if (at == knobs.end() || at->id != id) {
    knobs.insert(at, {id, {value}});
  } else if (std::find(at->values.begin(), at->values.end(), value) == at->values.end()) {
    at->values.push_back(value);
  }
  return {};
}

Status set_optimize(Plan& plan, const Values& values, std::string_view where) {
  RIDGELINE_TRY(const auto items, names_of(values, where));
  bool is_auto = false;
  bool is_none = false;
  std::vector<KnobChoice> knobs;
  for (const std::string& item : items) {
    if (item == "auto") {
      is_auto = true;
    } else if (item == "none") {
      is_none = true;
    } else {
      RIDGELINE_CHECK(add_knob(knobs, item, where));
    }
    if (knobs.size() > 256) return bad_input(fmt::format("{}: too many knobs", where));
  }
  if (is_none && (is_auto || !knobs.empty())) {
    return bad_input(fmt::format("{}: 'none' stands alone", where),
                     "leave out none: only the listed choices are made then");
  }
  plan.optimize_auto = is_auto;
  plan.knobs = std::move(knobs);
  return {};
}

Status set_invocations(Plan& plan, const Values& values, std::string_view where) {
  RIDGELINE_TRY(const std::string value, only_value(values, where));
  RIDGELINE_TRY(plan.invocations, parse_int(value, where, 1));
  if (plan.invocations <= kMaxInvocations) return {};
  return bad_input(fmt::format("{}: {} is above {}", where, in_quotes(value), kMaxInvocations));
}

Status set_budget(Plan& plan, const Values& values, std::string_view where) {
  RIDGELINE_TRY(const std::string value, only_value(values, where));
  RIDGELINE_TRY(plan.budget_ns, parse_duration(value, where));
  return {};
}

Status set_precision(Plan& plan, const Values& values, std::string_view where) {
  RIDGELINE_TRY(const std::string value, only_value(values, where));
  RIDGELINE_TRY(plan.precision, parse_share(value, where));
  return {};
}

Status set_phase_time(Plan& plan, const Values& values, std::string_view where) {
  RIDGELINE_TRY(const std::string value, only_value(values, where));
  plan.phase_time_ns.reset();
  if (value == kAuto) return {};
  RIDGELINE_TRY(plan.phase_time_ns, parse_duration(value, where));
  return {};
}

Status set_warmup(Plan& plan, const Values& values, std::string_view where) {
  RIDGELINE_TRY(const std::string value, only_value(values, where));
  plan.warmup_ns.reset();
  if (value == kAuto) return {};
  if (value == kNone) {
    plan.warmup_ns = 0;
    return {};
  }
  RIDGELINE_TRY(plan.warmup_ns, parse_duration(value, where));
  return {};
}

Status set_seed(Plan& plan, const Values& values, std::string_view where) {
  RIDGELINE_TRY(const std::string value, only_value(values, where));
  RIDGELINE_TRY(plan.seed, parse_int(value, where, 0));
  return {};
}

Status set_output(Plan& plan, const Values& values, std::string_view where) {
  RIDGELINE_TRY(plan.output, only_value(values, where));
  return check_name(plan.output, where);
}

Status set_phases(Plan& plan, const Values& values, std::string_view where) {
  RIDGELINE_TRY(plan.phases, names_of(values, where));
  return {};
}

Status set_metrics(Plan& plan, const Values& values, std::string_view where) {
  RIDGELINE_TRY(plan.metrics, choices_of(values, where, kMetricGroups));
  return {};
}

Status set_busy(Plan& plan, const Values& values, std::string_view where) {
  RIDGELINE_TRY(plan.busy, only_value(values, where));
  if (std::find(kBusy.begin(), kBusy.end(), plan.busy) != kBusy.end()) return {};
  return bad_input(fmt::format("{}: unknown value {}", where, in_quotes(plan.busy)),
                   suggestion(plan.busy, kBusy));
}

Status set_sensors(Plan& plan, const Values& values, std::string_view where) {
  RIDGELINE_TRY(const auto names, names_of(values, where));
  for (const std::string_view alone : {kAuto, kNone}) {
    const bool is_there = std::find(names.begin(), names.end(), alone) != names.end();
    if (is_there && names.size() > 1) {
      return bad_input(fmt::format("{}: '{}' stands alone", where, alone),
                       fmt::format("leave out {}: only the named sources are read then", alone));
    }
  }
  plan.sensors = names;
  return {};
}

Status set_energy_window(Plan& plan, const Values& values, std::string_view where) {
  RIDGELINE_TRY(const std::string value, only_value(values, where));
  plan.energy_window_ns.reset();
  if (value == kAuto) return {};
  RIDGELINE_TRY(plan.energy_window_ns, parse_duration(value, where));
  return {};
}

Status set_energy_trials(Plan& plan, const Values& values, std::string_view where) {
  RIDGELINE_TRY(const std::string value, only_value(values, where));
  RIDGELINE_TRY(plan.energy_trials, parse_int(value, where, 1));
  if (plan.energy_trials <= kMaxTrials) return {};
  return bad_input(fmt::format("{}: {} is above {}", where, in_quotes(value), kMaxTrials));
}

template <bool Plan::* member>
Status set_switch(Plan& plan, const Values& values, std::string_view where) {
  RIDGELINE_TRY(const std::string value, only_value(values, where));
  if (value != "true" && value != "false") {
    return bad_input(fmt::format("{}: {} is not true or false", where, in_quotes(value)));
  }
  plan.*member = value == "true";
  return {};
}

}  // namespace

const std::vector<PlanKey>& plan_keys() {
  static const std::vector<PlanKey> keys = {
      {"models", "MODEL", "folder, hub id in the cache, or preset", true, set_models},
      {"suite", "NAME", "adds the models of a suite", false, set_suite},
      {"engine", "NAME[:MODE],...", "engines to run the models on", true, set_engine},
      {"engine_python", "FILE", "Python of engines written in it", false, set_engine_python},
      {"baseline", "ENGINE", "compare with it (default: the first but native)", false,
       set_baseline},
      {"architecture", "NAME,...", "model class, as BertForMaskedLM", true, set_architecture},
      {"weights", "auto|checkpoint|synthetic|meta", "where weights come from", true, set_weights},
      {"dtype", "float32|bfloat16|float16,...", "arithmetic and storage type", true, set_dtype},
      {"device", "cpu|cuda:N,...", "where the model runs", true, set_device},
      {"threads", "N,...", "CPU threads of the engine", true, set_threads},
      {"cores", "0-3/4-7", "CPUs to pin to; sets are parted by /", true, set_cores},
      {"batch", "N,...", "rows a call: 1,8 or 1-64*2", true, set_sizes<&Plan::batch>},
      {"sequence", "N,...", "tokens a row: 128 or 128-512+128", true, set_sizes<&Plan::sequence>},
      {"depth", "N,...", "tokens in the cache while decoding", true, set_sizes<&Plan::depth>},
      {"new_tokens", "N,...", "tokens to generate, exactly", true, set_sizes<&Plan::new_tokens>},
      {"image_size", "N,...", "pixels of a side", true, set_sizes<&Plan::image_size>},
      {"audio_seconds", "N,...", "seconds of sound a row", true, set_sizes<&Plan::audio_seconds>},
      {"text", "TEXT", "a text of the batch; repeat for more rows", true, set_text},
      {"text_file", "FILE", "texts of the batch, one a line", false, set_text_file},
      {"image", "FILE", "a picture of the batch; repeat for more rows", true,
       set_files<&Plan::images>},
      {"audio", "FILE", "a sound of the batch; repeat for more rows", true,
       set_files<&Plan::audio>},
      {"chat", "", "put the texts into the chat template", false, set_switch<&Plan::chat>},
      {"optimize", "auto|none|ID=VALUE,...", "optimizations", true, set_optimize},
      {"invocations", "N", "worker processes a configuration", false, set_invocations},
      {"budget", "TIME", "time of the whole run: 60s, 5m", false, set_budget},
      {"precision", "SHARE", "wanted half width of the interval: 2%", false, set_precision},
      {"phase_time", "auto|TIME",
       "timed calls of a phase in a process: a share of the budget, or TIME", false,
       set_phase_time},
      {"warmup", "auto|none|TIME", "until stationary, or at most TIME", false, set_warmup},
      {"seed", "N", "of weights, inputs and order", false, set_seed},
      {"output", "FOLDER", "run folder; an existing run is resumed", false, set_output},
      {"phases", "NAME,...", "only these, as prefill,decode", true, set_phases},
      {"metrics", "GROUP,...", "time, load, memory, cost, ops, energy, traffic, counters", true,
       set_metrics},
      {"sensors", "auto|none|NAME,...", "sources that may be read", true, set_sensors},
      {"energy_window", "auto|TIME", "shortest window of an energy trial", false,
       set_energy_window},
      {"energy_trials", "N", "energy windows of a phase", false, set_energy_trials},
      {"busy", "warn|fail|wait", "what to do while other work runs here", false, set_busy},
      {"strict", "", "turn every fallback into an error", false, set_switch<&Plan::strict>},
  };
  return keys;
}

const PlanKey* find_plan_key(std::string_view name) {
  for (const PlanKey& key : plan_keys()) {
    if (key.name == name) return &key;
  }
  return nullptr;
}

std::string flag_of(std::string_view key) {
  std::string flag = "--" + std::string(key);
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

Status assign(Plan& plan, const Assignment& assignment) {
  const PlanKey* key = find_plan_key(assignment.key);
  if (key == nullptr) {
    std::vector<std::string_view> names;
    for (const PlanKey& row : plan_keys()) names.push_back(row.name);
    return bad_input(fmt::format("{}: unknown key {}", assignment.where, in_quotes(assignment.key)),
                     suggestion(assignment.key, names));
  }
  if (assignment.values.empty()) {
    return bad_input(fmt::format("{}: the list is empty", assignment.where));
  }
  if (assignment.values.size() > kMaxListItems) {
    return bad_input(fmt::format("{}: more than {} values", assignment.where, kMaxListItems));
  }
  return key->set(plan, assignment.values, assignment.where);
}

}  // namespace ridgeline::measure
