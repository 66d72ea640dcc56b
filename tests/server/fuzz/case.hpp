// A random request that is right, its answer, and what every answer must be like.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "maxdot/index.hpp"
#include "server/infer/infer_request.hpp"

namespace maxdot::server::fuzz {

using Random = std::mt19937_64;

inline std::size_t below(Random& random, std::size_t bound) {
  return static_cast<std::size_t>(random() % bound);
}
inline bool one_in(Random& random, std::size_t n) { return below(random, n) == 0; }

/// What the requests are asked of.
struct Subject {
  Index index;
  Limits limits;
};
Subject make_subject();

struct Case {
  std::size_t n = 0;
  std::size_t k = 0;
  std::optional<Metric> metric;
  std::vector<float> queries;
  std::optional<OwnedIdLists> exclude;
  std::optional<OwnedIdLists> allow;
  std::vector<std::string> outputs;
};

Case make_case(Random& random, const Subject& subject);

/// A failure of the server. `what()` says which rule does not hold.
class Broken : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
inline void require(bool holds, const char* rule) {
  if (!holds) throw Broken(rule);
}

/// Answers a request as the server does, with Index::search in place of the Batcher; nothing: it
/// was refused, as it may be. Throws Broken or anything else if the decoding is at fault.
std::optional<InferAnswer> answer(const Subject& subject, InferRequest& request);

/// That the answer is bit for bit that of the case. Throws Broken.
void require_right(const Subject& subject, const Case& asked, const InferAnswer& answer);

}  // namespace maxdot::server::fuzz
