// Records of one case with known work on a machine with known ceilings: an accelerator that reads
// 1 TB/s and multiplies 100 TFLOP/s, or a CPU with 100 GB/s and 1 TFLOP/s.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "analysis/case_analysis.hpp"
#include "base/json.hpp"

namespace ridgeline::test {

inline Json value_metric(double value, const char* unit = "s") {
  return {{"value", value}, {"unit", unit}, {"source", "timed"}};
}

inline Json absent_metric(const char* unit, const char* reason, const char* enable = "") {
  return {{"value", nullptr},
          {"unit", unit},
          {"source", nullptr},
          {"reason", reason},
          {"enable", enable}};
}

/// An op of a cost; bytes by weights, operands read and results written.
inline Json op(const char* op_class, double calls, double flops, double weights, double read,
               double written, const char* dtype = "bfloat16") {
  return {{"op", op_class},           {"class", op_class},  {"dtype", dtype},
          {"storage", dtype},         {"calls", calls},     {"flops", flops},
          {"bytes_weights", weights}, {"bytes_read", read}, {"bytes_written", written}};
}

/// One matrix product that is all of the phase's work.
inline Json cost_of(double flops, double bytes, const char* dtype = "bfloat16") {
  return {{"flops", flops},
          {"bytes", bytes},
          {"bytes_weights", 0.9 * bytes},
          {"bytes_cache", 0},
          {"ops", Json::array({op("matmul", 10, flops, 0.9 * bytes, 0.1 * bytes, 0, dtype)})}};
}

inline Json ceiling(const std::string& id, double value, double median, const char* unit,
                    double power = 0) {
  Json json = {{"id", id}, {"value", value}, {"median", median}, {"unit", unit}};
  json["power"] = power > 0 ? Json(power) : Json(nullptr);
  return json;
}

inline Json device_ceilings() {
  Json measured = {{"engine", "native"},
                   {"device", "cuda:0"},
                   {"pci_address", "0000:17:00.0"},
                   {"memory", 80e9},
                   {"ceilings", Json::array({ceiling("read", 1e12, 0.98e12, "B/s", 300),
                                             ceiling("gemm.bfloat16", 100e12, 80e12, "FLOP/s", 500),
                                             ceiling("gemm.float32", 20e12, 20e12, "FLOP/s"),
                                             ceiling("launch", 4e-6, 4e-6, "s")})}};
  const Json sheet = {
      {"name", "Scripted GPU"},
      {"bandwidth", {{"value", 1.25e12}}},
      {"rates", {{"bfloat16", {{"value", 125e12}}}, {"float32", {{"value", 25e12}}}}}};
  return {{"measured", std::move(measured)},
          {"reason", nullptr},
          {"enable", nullptr},
          {"datasheet", sheet}};
}

inline Json cpu_ceilings() {
  Json l3 = ceiling("read.l3", 400e9, 390e9, "B/s");
  l3["level"] = "l3";
  l3["capacity"] = 32 << 20;
  Json measured = {{"engine", "native"},
                   {"device", "cpu"},
                   {"ceilings", Json::array({ceiling("read", 100e9, 95e9, "B/s"), std::move(l3),
                                             ceiling("gemm.float32", 1e12, 0.9e12, "FLOP/s"),
                                             ceiling("gemm.bfloat16", 2e12, 2e12, "FLOP/s")})}};
  return {{"measured", std::move(measured)},
          {"reason", nullptr},
          {"enable", nullptr},
          {"datasheet", nullptr}};
}

/// A case on the accelerator without phases; add_phase() gives it some.
inline Json device_case(const char* dtype = "bfloat16") {
  return {{"schema", "ridgeline/1"},
          {"machine",
           {{"devices", Json::array({{{"pci_address", "0000:17:00.0"},
                                      {"memory_total", 80e9},
                                      {"power_limit", 700.0},
                                      {"power_limit_default", 700.0},
                                      {"clock_max", 2e9}}})}}},
          {"engine", {{"name", "native"}}},
          {"configuration", {{"engine", "native"}, {"device", "cuda:0"}, {"dtype", dtype}}},
          {"workload", {{"batch", 1}, {"sequence", 128}}},
          {"optimizations", Json::array()},
          {"outcome", {{"status", "ok"}}},
          {"invocations", Json::array()},
          {"phases", Json::array()},
          {"cost", Json::object()},
          {"memory", {{"metrics", Json::object()}}},
          {"ceilings", device_ceilings()}};
}

inline Json cpu_case(const char* dtype = "float32") {
  Json record = device_case(dtype);
  record["configuration"]["device"] = "cpu";
  record["configuration"]["threads"] = 8;
  record["machine"] = {{"cpu", {{"physical_cores", 8}}},
                       {"memory", {{"total_bytes", 64e9}, {"available_bytes", 60e9}}}};
  record["ceilings"] = cpu_ceilings();
  return record;
}

/// Adds a phase; `cost` null: none is stated.
inline Json& add_phase(Json& record, const std::string& name, double latency,
                       const Json& cost = nullptr) {
  if (!cost.is_null()) record["cost"][name] = cost;
  record["phases"].push_back({{"name", name},
                              {"unit", "sequence"},
                              {"items", {{"sequence", 1}}},
                              {"metrics", {{"latency", value_metric(latency)}}},
                              {"energy", nullptr}});
  return record["phases"].back();
}

/// Throttle seconds of one cause and a clock in an energy window of 10 s.
inline void add_throttle(Json& phase, const char* scope, double seconds, double clock = 0) {
  Json state = {{"throttle",
                 {{"kind", "throttle_time"},
                  {"scope", scope},
                  {"device", "0000:17:00.0"},
                  {"start", 0.0},
                  {"end", seconds}}}};
  if (clock > 0) state["clock"] = {{"kind", "clock"}, {"scope", "sm"}, {"mean", clock}};
  phase["energy"] = {{"trials", Json::array({{{"seconds", 10.0}, {"state", state}}})}};
}

/// The analysis of the only phase of a record.
inline analysis::PhaseAnalysis only_phase(const Json& record) {
  analysis::CaseAnalysis analysis = analysis::analyse(record);
  return analysis.phases.empty() ? analysis::PhaseAnalysis() : std::move(analysis.phases.front());
}

}  // namespace ridgeline::test
