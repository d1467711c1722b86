// Quantities as words for the sentences of an analysis: SI units, three digits.
#pragma once

#include <string>
#include <string_view>

namespace ridgeline::analysis {

/// "3.85 ms".
std::string seconds_words(double seconds);

/// "15.1 GB".
std::string bytes_words(double bytes);

/// "3.91 TB/s".
std::string bytes_rate_words(double bytes_per_second);

/// "7.29 TFLOP".
std::string flops_words(double flops);

/// "509 TFLOP/s".
std::string flops_rate_words(double flops_per_second);

/// "1.98 GHz".
std::string clock_words(double hertz);

/// "84 %", "4.9 %", "below 0.1 %".
std::string share_words(double share);

/// "1.19x".
std::string gain_words(double gain);

/// At most 300 bytes of a text that came from a record, cut between characters.
std::string short_words(std::string_view text);

}  // namespace ridgeline::analysis
