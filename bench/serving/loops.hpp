// The ways to ask a server: each query once, as fast as it answers, and at times of its own.
#pragma once

#include <string>
#include <vector>

#include "load_options.hpp"
#include "outcome.hpp"
#include "requests.hpp"

namespace maxdot::load {

struct Target {
  Address address;
  std::vector<std::string> requests;
  std::vector<std::string> answers;  ///< what first_answers has got for each of them
};

/// The bodies that a server without load gives, one request at a time. Throws tools::Failure: io
/// (no answer), check_failed (a status other than 200).
std::vector<std::string> first_answers(const Target& target, const Options& options);

/// Each connection asks again as soon as it has its answer: the throughput. Throws tools::Failure
/// (io).
Outcome closed_loop(const Target& target, const Options& options);

/// Throws tools::Failure (usage) if a run at one of the rates has more requests than memory should
/// hold.
void check_rates(const std::vector<double>& rates, const Options& options);

/// Requests are due at the times of a Poisson process of `rate` a second, whatever the answers do.
/// Latencies count from when a request was due, not from when it was sent: one that finds no free
/// connection waits for one, and its clock runs. Requires a rate that check_rates takes. Throws
/// tools::Failure (io).
Outcome open_loop(const Target& target, const Options& options, double rate);

}  // namespace maxdot::load
