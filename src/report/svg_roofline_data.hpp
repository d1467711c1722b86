// The points and roofs of a static roofline, out of a report's payload.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"

namespace ridgeline::report {

struct RooflinePoint {
  std::string label;  ///< of the case
  std::string phase;
  double intensity = 0;  ///< FLOP/B
  double rate = 0;       ///< FLOP/s
  int series = 0;        ///< number of the case
};

struct Roof {
  double flops_rate = 0;  ///< FLOP/s
  double bytes_rate = 0;  ///< B/s
  bool measured = false;  ///< else of the datasheet
  std::string name;       ///< "bfloat16", with device or threads where several differ

  double ridge() const { return flops_rate / bytes_rate; }
  double at(double intensity) const;
};

struct RooflineData {
  std::vector<RooflinePoint> points;
  std::vector<Roof> roofs;  ///< distinct by more than a few percent
};

RooflineData roofline_data(const Json& payload);

}  // namespace ridgeline::report
