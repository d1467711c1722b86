// Reads the message, bounds what it asks for, and calls what measures it.
#include "engines/native/engine/probe.hpp"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "engines/native/ceilings/device_bandwidth.hpp"
#include "engines/native/ceilings/gemm.hpp"
#include "engines/native/ceilings/host/host_bandwidth.hpp"
#include "engines/native/ceilings/launch.hpp"
#include "engines/native/ceilings/products.hpp"
#include "engines/native/ceilings/transfer.hpp"
#include "engines/native/device/device.hpp"

namespace ridgeline::native {
namespace {

using ceilings::Ceiling;
using ceilings::GemmDtype;
using ceilings::Kind;
using ceilings::Request;

constexpr std::string_view kWhat = "probe";
constexpr std::int64_t kMostBytes = std::int64_t{1} << 46;
constexpr std::int64_t kLeastSize = 16;
constexpr std::int64_t kMostSize = 131072;
constexpr std::int64_t kMostThreads = 65536;
constexpr double kLeastSeconds = 0.01;
constexpr double kMostSeconds = 60;
// The working set on the CPU when none is asked for: beyond the caches of nearly all machines.
constexpr std::int64_t kDefaultHostBytes = std::int64_t{1} << 30;

struct KindRow {
  std::string_view name;
  Kind kind;
};

constexpr std::array kKinds = {
    KindRow{"read", Kind::kRead},        KindRow{"write", Kind::kWrite},
    KindRow{"copy", Kind::kCopy},        KindRow{"triad", Kind::kTriad},
    KindRow{"gemm", Kind::kGemm},        KindRow{"launch", Kind::kLaunch},
    KindRow{"h2d", Kind::kHostToDevice}, KindRow{"d2h", Kind::kDeviceToHost},
};

constexpr std::array kDtypes = {GemmDtype::kFloat64,  GemmDtype::kFloat32, GemmDtype::kTfloat32,
                                GemmDtype::kBfloat16, GemmDtype::kFloat16, GemmDtype::kInt8,
                                GemmDtype::kFloat8};

Result<Kind> kind_from(std::string_view name) {
  for (const KindRow& row : kKinds) {
    if (row.name == name) return row.kind;
  }
  return bad_input(fmt::format("probe: unknown kind '{}'", name.substr(0, 40)),
                   "use read, write, copy, triad, gemm, launch, h2d or d2h");
}

Result<GemmDtype> dtype_from_name(std::string_view name) {
  for (const GemmDtype dtype : kDtypes) {
    if (ceilings::name_of(dtype) == name) return dtype;
  }
  return bad_input(fmt::format("probe: unknown dtype '{}'", name.substr(0, 40)),
                   "use float64, float32, tfloat32, bfloat16, float16, int8 or float8_e4m3");
}

// A whole number from `least` to `most`; 0 stands for "choose".
Result<std::int64_t> count_of(const Json& fields, std::string_view key, std::int64_t least,
                              std::int64_t most) {
  RIDGELINE_TRY(const std::int64_t value, get_int(fields, key, kWhat, 0));
  if (value == 0 || (value >= least && value <= most)) return value;
  return bad_input(fmt::format("probe: {} {} is outside {} to {}", key, value, least, most));
}

Result<Request> request_from(const Json& fields) {
  Request request;
  RIDGELINE_TRY(const std::string kind, get_string(fields, "kind", kWhat));
  RIDGELINE_TRY(request.kind, kind_from(kind));
  RIDGELINE_TRY(const std::string dtype, get_string(fields, "dtype", kWhat, "float32"));
  RIDGELINE_TRY(request.dtype, dtype_from_name(dtype));
  RIDGELINE_TRY(request.bytes, count_of(fields, "bytes", 1, kMostBytes));
  RIDGELINE_TRY(request.size, count_of(fields, "size", kLeastSize, kMostSize));
  RIDGELINE_TRY(request.pinned, get_bool(fields, "pinned", kWhat, true));
  RIDGELINE_TRY(request.seconds, get_number(fields, "seconds", kWhat, 0.5));
  if (!(request.seconds >= kLeastSeconds && request.seconds <= kMostSeconds)) {
    return bad_input(fmt::format("probe: seconds {} are outside {} to {}", request.seconds,
                                 kLeastSeconds, kMostSeconds));
  }
  RIDGELINE_TRY(request.steady_seconds, get_number(fields, "steady_seconds", kWhat, 0));
  if (!(request.steady_seconds >= 0 && request.steady_seconds <= kMostSeconds)) {
    return bad_input(fmt::format("probe: steady_seconds {} are outside 0 to {}",
                                 request.steady_seconds, kMostSeconds));
  }
  RIDGELINE_TRY(const std::int64_t threads, count_of(fields, "threads", 1, kMostThreads));
  RIDGELINE_TRY(const std::string cores, get_string(fields, "cores", kWhat, ""));
  RIDGELINE_TRY(request.placement, ceilings::place_threads(static_cast<int>(threads), cores));
  RIDGELINE_TRY(const std::string device, get_string(fields, "device", kWhat, "cpu"));
  RIDGELINE_TRY(request.device, open_device(device));
  return request;
}

Result<Ceiling> measure(const Request& request) {
  const bool cpu = request.device.is_cpu();
  switch (request.kind) {
    case Kind::kGemm:
      return ceilings::gemm_rate(request);
    case Kind::kLaunch:
      return ceilings::launch_latency(request);
    case Kind::kHostToDevice:
    case Kind::kDeviceToHost:
      if (cpu) {
        return unsupported("the CPU has no transfers to itself", "ask for kind copy");
      }
      return ceilings::transfer_bandwidth(request);
    default:
      break;
  }
  if (!cpu) return ceilings::device_bandwidth(request);
  RIDGELINE_TRY(Ceiling found, ceilings::host_bandwidth(
                                   {.kind = request.kind,
                                    .bytes = request.bytes == 0 ? kDefaultHostBytes : request.bytes,
                                    .placement = request.placement,
                                    .seconds = std::max(request.seconds, request.steady_seconds),
                                    .tick = request.tick}));
  found.steady_seconds = found.seconds;
  return found;
}

Json to_json(const Ceiling& ceiling) {
  Json json = {{"value", ceiling.value},     {"unit", ceiling.unit},
               {"median", ceiling.median},   {"samples", ceiling.samples},
               {"seconds", ceiling.seconds}, {"steady_seconds", ceiling.steady_seconds},
               {"kernel", ceiling.kernel}};
  if (ceiling.bytes) json["bytes"] = *ceiling.bytes;
  if (ceiling.bytes_per_repetition) json["bytes_per_repetition"] = *ceiling.bytes_per_repetition;
  if (ceiling.flops_per_repetition) json["flops_per_repetition"] = *ceiling.flops_per_repetition;
  if (ceiling.size) json["size"] = *ceiling.size;
  if (ceiling.threads) json["threads"] = *ceiling.threads;
  if (ceiling.round_trip) json["round_trip"] = *ceiling.round_trip;
  if (!ceiling.note.empty()) json["note"] = ceiling.note;
  return json;
}

}  // namespace

Result<Json> probe(const Json& fields, protocol::Progress& progress) {
  RIDGELINE_TRY(Request request, request_from(fields));
  request.tick = [&progress] { progress.tick(); };
  RIDGELINE_TRY(const Ceiling ceiling, measure(request));
  return to_json(ceiling);
}

}  // namespace ridgeline::native
