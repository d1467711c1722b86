// Which of several ways to do the same work is the fastest: all run in turns, the slower ones drop
// out, and the rest of the time goes to the best.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ridgeline::native::ceilings {

/// Entrants are numbered from 0. Each one's first repetition is dropped (warm-up, first touch);
/// after the first round those below two thirds of the best leave, after each later one the
/// slowest. What a repetition achieved is a rate: more is better.
class Contest {
 public:
  /// `budget`: seconds from now on, after which no repetition starts. At least one is counted.
  /// `warm`: every entrant has run before, so nothing is dropped.
  Contest(std::size_t entrants, double budget, bool warm = false);

  /// Who runs the next repetition; nothing when the time is up.
  std::optional<std::size_t> next();

  /// The rate of the repetition that next() asked for.
  void add(double rate);

  /// Takes the entrant of the last next() out, because it cannot do the work at all.
  void withdraw();

  /// False while nothing was counted, as after everyone withdrew.
  bool decided() const;
  std::size_t winner() const;
  double best() const;    ///< rate of the winner's best repetition
  double median() const;  ///< of the winner's repetitions
  std::int64_t samples() const;
  double seconds() const;  ///< since the start
  /// What makes the result less certain: few repetitions, entrants that had no turn. Else empty.
  std::string note() const;

 private:
  struct Entrant {
    std::vector<double> rates;
    bool warm = false;
    bool withdrawn = false;
    double best = 0;
  };

  void end_round();

  std::vector<Entrant> entrants_;
  std::vector<std::size_t> running_;  ///< best first, from the end of the first round on
  std::size_t turn_ = 0;
  int rounds_ = 0;
  std::int64_t counted_ = 0;
  std::int64_t begin_ns_;
  std::int64_t end_ns_;
};

/// Two notes, either of which may be empty.
std::string join_notes(const std::string& first, const std::string& second);

/// The middle value; the mean of the two middle ones for an even number. Not of an empty span.
double median_of(std::span<const double> values);

}  // namespace ridgeline::native::ceilings
