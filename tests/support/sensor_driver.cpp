// Shows tests what the sensors read: for each line on stdin one line of JSON with all domains of
// the sources named on the command line (none: auto). {"<domain>":[ns,value or null], …}
#include <cmath>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "base/json.hpp"
#include "telemetry/sources.hpp"

int main(int argc, char** argv) {
  using namespace ridgeline;
  std::vector<std::string> names(argv + 1, argv + argc);
  if (names.empty()) names = {"auto"};
  const auto sources = telemetry::open_sources(names, {});
  if (!sources) {
    std::fprintf(stderr, "%s\n", sources.error().line().c_str());
    return 2;
  }
  std::string line;
  while (std::getline(std::cin, line)) {
    Json all = Json::object();
    for (const auto& source : *sources) {
      const auto& domains = source->probe().domains;
      std::vector<std::size_t> indices;
      for (std::size_t i = 0; i < domains.size(); ++i) indices.push_back(i);
      std::vector<telemetry::Reading> readings;
      source->read(indices, readings);
      for (const telemetry::Reading& reading : readings) {
        const Json value = std::isfinite(reading.value) ? Json(reading.value) : Json(nullptr);
        all[domains[reading.domain].id] = {reading.ns, value};
      }
    }
    std::puts(to_line(all).c_str());
    std::fflush(stdout);
  }
  return 0;
}
