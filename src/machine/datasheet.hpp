// What the vendors promise: the table of data/hardware.csv, and the row that is this device's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "machine/machine.hpp"

namespace ridgeline::machine {

/// A line of the table, in SI units. Rates are dense ones.
struct DatasheetRow {
  std::string vendor;
  std::string name;
  std::string kind;                 ///< "gpu", "cpu", "soc", "apu", "igpu", "npu", "asic" or "tpu"
  std::string pattern;              ///< extended regular expression of device names, case ignored
  std::vector<double> memory;       ///< B, every size it was sold with; empty: not its own
  std::optional<double> bandwidth;  ///< B/s
  /// FLOP/s or OP/s by the names of dtypes ("float32", "int8", …); what is not listed is not
  /// supported or not known. "float64.matrix" and "float32.matrix" stand where the rate of matrix
  /// units differs from that of the vector units.
  std::vector<std::pair<std::string, double>> rates;
  std::optional<double> power;  ///< W
  int cores = 0;                ///< of a processor: physical cores of a socket; 0: not known
  int devices = 1;              ///< devices that the driver shows for one of these
  char evidence = 'R';  ///< C: held against a published text, R: recalled, D: derived by formula
  std::string source;
  std::string example;               ///< a device name as a driver prints it
  std::vector<std::string> pci_ids;  ///< "10de:2335"
};

/// Reads the CSV text; an error names the line.
Result<std::vector<DatasheetRow>> parse_datasheet(std::string_view csv);

/// The table that the build embeds, read once.
const Result<std::vector<DatasheetRow>>& datasheet_table();

/// A limit: a value with its source ("datasheet", "derived" from it, or "modelled"), or the reason
/// why there is none.
struct Limit {
  std::optional<double> value = {};
  std::string source = {};
  std::string reason = {};
  std::string enable = {};
};

/// The limits of one device, or of the cores of a processor that are used.
struct Datasheet {
  std::string name;      ///< of the row; empty when no row or formula stands for the device
  char evidence = '\0';  ///< as in the row
  std::string source;
  Limit bandwidth;
  Limit power;
  std::vector<std::pair<std::string, Limit>> rates;  ///< by dtype, without the ".matrix" ones
  std::vector<std::string> notes;                    ///< what a reader must know

  /// The limit of matrix products in that dtype.
  const Limit& rate(std::string_view dtype) const;
};

/// What is known of an accelerator; empty members are unknown.
struct DeviceFacts {
  std::string vendor_id = {};  ///< "10de", with or without 0x
  std::string device_id = {};
  std::string name = {};
  std::optional<double> memory = {};     ///< B, as the driver reports it
  std::optional<double> bandwidth = {};  ///< B/s, 2 · memory clock · bus width / 8
};

/// The limits of an accelerator: rows of its PCI id, else the rows whose pattern fits its name; of
/// these the first whose memory fits. An unknown device has no limits, never those of another one.
Datasheet find_datasheet(const DeviceFacts& device, const std::vector<DatasheetRow>& rows);

/// The limits of `cores` physical cores of this machine's processor (0: of all that are seen). From
/// a row: its rates divided by its cores. Without a row: cores · clock · operations per cycle of
/// the instruction set, "modelled".
Datasheet find_datasheet(const Machine& machine, int cores, const std::vector<DatasheetRow>& rows);

/// Of "cpu" or "cuda:0". For an accelerator `pci_address` says which one of the machine's it is;
/// empty: the only kind there is. `name` and `memory` are what the engine says of it.
Datasheet datasheet_of(const Machine& machine, std::string_view device, int cores,
                       std::string_view pci_address = {}, std::string_view name = {},
                       std::optional<double> memory = {});

/// {"name","evidence","source","bandwidth","power","rates":{dtype: limit},"notes"}, a limit being
/// {"value","unit","source","reason","enable"}; null where empty.
Json to_json(const Datasheet& datasheet);

/// The dtypes of rates, in the order of the table: float64, float32, tfloat32, float16, bfloat16,
/// float8_e4m3, int8, float4_e2m1.
const std::vector<std::string>& datasheet_dtypes();

/// "OP/s" for whole numbers, else "FLOP/s".
std::string_view rate_unit(std::string_view dtype);

}  // namespace ridgeline::machine
