// What came of the requests of a run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace maxdot::load {

/// [seconds] The share of samples that a percentile names took at most so long: the sample of rank
/// ceil(share * count). All samples are kept, so these are no estimates.
struct Percentiles {
  std::size_t count = 0;
  double p50 = 0;
  double p90 = 0;
  double p99 = 0;
  double p999 = 0;
  double max = 0;
};

/// All 0 without samples. Sorts them.
Percentiles percentiles_of(std::vector<double>& samples);

struct Outcome {
  double offered = 0;  ///< [requests/s] that were asked for; 0: a closed loop
  double seconds = 0;  ///< while requests were due; of a closed loop, until its last answer
  std::size_t requests = 0;
  /// Answers by status; of kNoAnswer the connection failed.
  std::map<unsigned, std::uint64_t> statuses;
  std::uint64_t in_time = 0;     ///< answers 200 that came within `seconds`
  std::uint64_t wrong = 0;       ///< answers 200 that differ from the first to the same query
  std::uint64_t unanswered = 0;  ///< when patience ended
  std::uint64_t queued = 0;      ///< found no free connection when they were due
  std::vector<double> answered;  ///< [seconds] of answers 200, from when they were due
  std::vector<double> refused;   ///< the same of 429, 503 and 504
  /// [seconds] From when a request was due until it was sent, of those that found a free
  /// connection: how late the generator itself was.
  std::vector<double> late;

  /// Counts an answer that came at `now`, `latency` after its request was due.
  void count(unsigned status, double now, double latency, bool is_same);
  std::uint64_t with(unsigned status) const;
  double answered_per_second() const { return static_cast<double>(in_time) / seconds; }
};

}  // namespace maxdot::load
