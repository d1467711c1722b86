// Stamps of single ops.
#include "engines/native/engine/op_profile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "engines/native/device/device.hpp"
#include "engines/native/ops/op_observer.hpp"

namespace ridgeline::native {
namespace {

// Calls of one phase are alike; more of them than this only fill memory.
constexpr int kMostCalls = 1000;

class Stamps final : public OpObserver {
 public:
  explicit Stamps(DeviceBackend& backend) : backend_(&backend) {}

  void begin(std::string_view name, OpClass op_class, at::ScalarType arithmetic) override {
    const std::size_t place = spans_.size();
    if (place == clocks_.size()) clocks_.push_back(backend_->clock());
    spans_.push_back(
        {row_of(name, op_class, arithmetic), open_.empty() ? kNobody : open_.back(), now_ns()});
    open_.push_back(place);
    clocks_[place]->begin();
  }

  void end() override {
    Span& span = spans_[open_.back()];
    clocks_[open_.back()]->end();
    span.host_ns = now_ns() - span.host_ns;
    open_.pop_back();
  }

  // The work of the call is done: its spans go to the rows.
  void take_call() {
    for (std::size_t i = 0; i < spans_.size(); ++i) {
      const std::int64_t device = clocks_[i]->ns();
      const double ns = static_cast<double>(device >= 0 ? device : spans_[i].host_ns);
      rows_[spans_[i].row].ns += ns;
      ++rows_[spans_[i].row].calls;
      if (spans_[i].parent != kNobody) rows_[spans_[spans_[i].parent].row].ns -= ns;
    }
    spans_.clear();
    open_.clear();
  }

  // Ops of restore(), which is no part of a call.
  void forget_spans() { spans_.clear(); }
  void forget_rows() { rows_.clear(); }

  Json rows(int calls) const {
    Json ops = Json::array();
    for (const Row& row : rows_) {
      if (row.calls == 0) continue;  // of restore()
      ops.push_back({{"op", row.name},
                     {"class", name_of(row.op_class)},
                     {"dtype", name_of(row.arithmetic)},
                     {"calls", std::llround(static_cast<double>(row.calls) / calls)},
                     {"seconds", std::max(0.0, 1e-9 * row.ns / calls)}});
    }
    return ops;
  }

 private:
  static constexpr std::size_t kNobody = static_cast<std::size_t>(-1);

  struct Row {
    std::string name;
    OpClass op_class;
    at::ScalarType arithmetic;
    std::int64_t calls = 0;
    double ns = 0;
  };
  struct Span {
    std::size_t row;
    std::size_t parent;    // place of the span that it lies within
    std::int64_t host_ns;  // its begin, then its length
  };

  // A model has some twenty kinds of ops.
  std::size_t row_of(std::string_view name, OpClass op_class, at::ScalarType arithmetic) {
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (rows_[i].name == name && rows_[i].arithmetic == arithmetic) return i;
    }
    rows_.push_back({std::string(name), op_class, arithmetic});
    return rows_.size() - 1;
  }

  DeviceBackend* backend_;
  std::vector<std::unique_ptr<SpanClock>> clocks_;  // one for each op of a call, used again
  std::vector<Span> spans_;
  std::vector<std::size_t> open_;
  std::vector<Row> rows_;
};

}  // namespace

Result<Json> profile_ops(const Phase& phase, DeviceBackend& backend, double seconds,
                         bool recorded) {
  Stamps stamps(backend);
  const OpObserverGuard guard(stamps);
  const auto one_call = [&] {
    if (phase.restore) phase.restore();
    stamps.forget_spans();
    backend.wait();
    const std::int64_t begin = now_ns();
    (void)phase.call();
    backend.wait();
    const std::int64_t taken = now_ns() - begin;
    stamps.take_call();
    return taken;
  };
  (void)one_call();
  stamps.forget_rows();
  const std::int64_t end = now_ns() + static_cast<std::int64_t>(1e9 * seconds);
  int calls = 0;
  std::int64_t total = 0;
  do {
    total += one_call();
    ++calls;
  } while (now_ns() < end && calls < kMostCalls);
  Json ops = stamps.rows(calls);
  if (ops.empty()) {
    return unsupported(
        fmt::format("phase {} runs as fused kernels, which are no single ops", phase.name),
        "--optimize fused=off shows those of the plain path");
  }
  return Json{{"calls", calls},
              {"seconds", 1e-9 * static_cast<double>(total) / calls},
              {"ops", std::move(ops)},
              {"note", recorded ? Json("each op was launched by itself here, while the timed calls "
                                       "replay a recorded graph: short ops look longer")
                                : Json()}};
}

}  // namespace ridgeline::native
