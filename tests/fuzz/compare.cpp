#include "compare.hpp"

#include <bit>
#include <cstdio>
#include <limits>

#include "environment.hpp"

namespace fuzz {
namespace {

std::string exact(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%a", value);
  return text;
}

std::string text_of(std::int64_t id, double score) {
  return "id " + std::to_string(id) + " score " + exact(score);
}

bool same_bits(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

void compare_place(std::int64_t id, double score, const oracle::Ranked& right, bool keys,
                   std::size_t owner, std::size_t place, const std::string& how) {
  const double wanted = keys ? right.key : right.score;
  if (id == right.id && same_bits(score, wanted)) return;
  throw Failure(how + ": query " + std::to_string(owner) + ", place " + std::to_string(place) +
                ": got " + text_of(id, score) + ", expected " + text_of(right.id, wanted));
}

}  // namespace

void compare(const maxdot::SearchResult& got, const Expected& expected, const Case& drawn,
             const std::string& how) {
  const std::size_t k = drawn.k;
  const bool keys = drawn.score_kind == maxdot::ScoreKind::keys;
  const double infinity = std::numeric_limits<double>::infinity();
  const oracle::Ranked padding = {
      -infinity, drawn.metric == maxdot::Metric::euclidean ? infinity : -infinity, -1};
  if (got.queries != expected.size() || got.k != k || got.ids.size() != expected.size() * k ||
      got.scores.size() != got.ids.size() || got.counts.size() != expected.size()) {
    throw Failure(how + ": the shape is wrong");
  }
  for (std::size_t q = 0; q < expected.size(); ++q) {
    if (got.counts[q] != static_cast<std::int64_t>(expected[q].size())) {
      throw Failure(how + ": query " + std::to_string(q) + ": count " +
                    std::to_string(got.counts[q]) + ", expected " +
                    std::to_string(expected[q].size()));
    }
    for (std::size_t i = 0; i < k; ++i) {
      const oracle::Ranked& right = i < expected[q].size() ? expected[q][i] : padding;
      compare_place(got.ids[q * k + i], got.scores[q * k + i], right, keys, q, i, how);
    }
  }
}

void compare(const maxdot::RangeResult& got, const Expected& expected, const Case& drawn,
             const std::string& how) {
  const bool keys = drawn.score_kind == maxdot::ScoreKind::keys;
  if (got.offsets.size() != expected.size() + 1 || got.offsets[0] != 0 ||
      got.ids.size() != got.scores.size() ||
      got.offsets.back() != static_cast<std::int64_t>(got.ids.size())) {
    throw Failure(how + ": the shape is wrong");
  }
  for (std::size_t q = 0; q < expected.size(); ++q) {
    const std::int64_t count = got.offsets[q + 1] - got.offsets[q];
    if (count != static_cast<std::int64_t>(expected[q].size())) {
      throw Failure(how + ": query " + std::to_string(q) + ": " + std::to_string(count) +
                    " items, expected " + std::to_string(expected[q].size()));
    }
    const auto first = static_cast<std::size_t>(got.offsets[q]);
    for (std::size_t i = 0; i < expected[q].size(); ++i) {
      compare_place(got.ids[first + i], got.scores[first + i], expected[q][i], keys, q, i, how);
    }
  }
}

void compare(const std::vector<std::int64_t>& got, const std::vector<std::int64_t>& expected,
             const std::string& how) {
  if (got.size() != expected.size()) throw Failure(how + ": the length is wrong");
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (got[i] == expected[i]) continue;
    throw Failure(how + ": element " + std::to_string(i) + ": got " + std::to_string(got[i]) +
                  ", expected " + std::to_string(expected[i]));
  }
}

void compare(double got, double expected, const std::string& how, bool any_zero) {
  if (same_bits(got, expected) || (any_zero && got == 0.0 && expected == 0.0)) return;
  throw Failure(how + ": got " + exact(got) + ", expected " + exact(expected));
}

}  // namespace fuzz
