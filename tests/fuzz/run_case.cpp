#include <stdexcept>

#include "environment.hpp"
#include "runners.hpp"

namespace fuzz {
namespace {

void run(const Case& drawn, Random& random) {
  switch (drawn.kind) {
    case Kind::search:
      return run_search(drawn, random);
    case Kind::range:
      return run_range(drawn, random);
    case Kind::multi:
      return run_multi(drawn, random);
    case Kind::ranks:
      return run_ranks(drawn, random);
    case Kind::softmax:
      return run_softmax(drawn, random);
    case Kind::shards:
      return run_shards(drawn, random);
  }
}

}  // namespace

void run_case(std::uint64_t seed) {
  const Case drawn = draw_case(seed);
  // Apart from the numbers that the case itself was drawn with.
  Random random(~seed);
  try {
    run(drawn, random);
  } catch (const std::exception& failure) {
    throw Failure(drawn.describe() + "\n  " + failure.what());
  }
}

}  // namespace fuzz
