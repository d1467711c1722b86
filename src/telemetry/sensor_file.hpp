// A small file of sysfs that holds one number and is read again and again.
#pragma once

#include <string>

namespace ridgeline::telemetry {

/// Keeps the file open and reads it from its start each time, so that a reading is one system call.
class SensorFile {
 public:
  enum class Hold {
    kOpen,    ///< the descriptor is kept
    kReopen,  ///< opened for each reading: for files by the hundred, and those that come and go
  };

  /// Opens at once; error() says how that went.
  explicit SensorFile(std::string path, Hold hold = Hold::kOpen);
  SensorFile(SensorFile&& from) noexcept;
  SensorFile& operator=(SensorFile&& from) noexcept;
  ~SensorFile();

  /// The errno of opening: EACCES where permission is missing, 0 where all went well.
  int error() const { return error_; }

  const std::string& path() const { return path_; }

  /// The decimal integer in the file; NaN when it cannot be read or holds anything else. Allocates
  /// nothing.
  double read() const;

 private:
  std::string path_;
  int descriptor_ = -1;  // none under kReopen
  int error_ = 0;
};

/// "/sys/x" of root "/" and path "sys/x".
std::string below(const std::string& root, const std::string& path);

}  // namespace ridgeline::telemetry
