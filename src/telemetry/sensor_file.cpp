// Opens, re-reads and parses files of one number.
#include "telemetry/sensor_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>

#include "machine/tree.hpp"

namespace ridgeline::telemetry {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

int open_file(const std::string& path) {
  // Not blocking, so that a pipe in the place of a file cannot hold us up.
  return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

double number_of(std::string_view text) {
  text = machine::trim(text);
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  // Counters use all 64 bits, so the sign is kept apart.
  std::uint64_t magnitude = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, magnitude);
  if (error != std::errc() || stop != end) return kNaN;
  const auto value = static_cast<double>(magnitude);
  return negative ? -value : value;
}

double read_number(int descriptor) {
  std::array<char, 64> buffer;
  const ssize_t size = ::pread(descriptor, buffer.data(), buffer.size(), 0);
  // A full buffer may hold half a number.
  if (size <= 0 || static_cast<std::size_t>(size) == buffer.size()) return kNaN;
  return number_of({buffer.data(), static_cast<std::size_t>(size)});
}

}  // namespace

SensorFile::SensorFile(std::string path, Hold hold) : path_(std::move(path)) {
  descriptor_ = open_file(path_);
  if (descriptor_ < 0) error_ = errno;
  if (hold == Hold::kReopen && descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

SensorFile::SensorFile(SensorFile&& from) noexcept
    : path_(std::move(from.path_)),
      descriptor_(std::exchange(from.descriptor_, -1)),
      error_(from.error_) {}

SensorFile& SensorFile::operator=(SensorFile&& from) noexcept {
  std::swap(path_, from.path_);
  std::swap(descriptor_, from.descriptor_);
  std::swap(error_, from.error_);
  return *this;
}

SensorFile::~SensorFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

double SensorFile::read() const {
  if (descriptor_ >= 0) return read_number(descriptor_);
  if (error_ != 0) return kNaN;
  const int descriptor = open_file(path_);
  if (descriptor < 0) return kNaN;
  const double value = read_number(descriptor);
  ::close(descriptor);
  return value;
}

std::string below(const std::string& root, const std::string& path) {
  std::string joined = root;
  if (joined.empty() || joined.back() != '/') joined += '/';
  joined += path;
  return joined;
}

}  // namespace ridgeline::telemetry
