// Case: one search problem, drawn from a 64-bit seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "maxdot/index.hpp"
#include "oracle.hpp"
#include "random.hpp"

namespace fuzz {

enum class Kind : std::uint8_t { search, range, multi, ranks, softmax, shards };

const char* to_string(Kind kind) noexcept;

/// Packed f32 or f16 rows.
struct Rows {
  maxdot::DType dtype = maxdot::DType::f32;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::vector<float> floats = {};
  std::vector<std::uint16_t> halves = {};

  maxdot::MatrixView view() const noexcept;
  oracle::Matrix plain() const noexcept;
};

/// Lists of ids for the queries of a case, or for its users.
struct Lists {
  bool given = false;
  maxdot::OwnedIdLists lists = {};
};

struct Case {
  std::uint64_t seed = 0;
  Kind kind = Kind::search;
  std::string drawn_from;  ///< the distributions, for the reader of a failure
  Rows items;
  Rows queries;
  std::size_t per_user = 1;  ///< queries of one user (Kind::multi)
  std::size_t k = 0;
  std::vector<std::int64_t> ids = {};  ///< empty: an item's row is its id
  maxdot::Metric index_metric = maxdot::Metric::dot;
  maxdot::Metric metric = maxdot::Metric::dot;  ///< that is asked for
  bool normalized = false;
  maxdot::ScoreKind score_kind = maxdot::ScoreKind::scores;
  Lists exclude = {};
  Lists allow = {};
  std::vector<std::uint8_t> mask = {};

  std::size_t users() const noexcept { return queries.rows / per_user; }
  std::int64_t id(std::size_t row) const noexcept {
    return ids.empty() ? static_cast<std::int64_t>(row) : ids[row];
  }
  maxdot::Filters filters() const noexcept;
  bool filtered() const noexcept { return exclude.given || allow.given || !mask.empty(); }
  oracle::Oracle oracle() const;
  std::string describe() const;
};

Case draw_case(std::uint64_t seed);

/// An id that a list may name: mostly an item's, sometimes one that no item has.
std::int64_t draw_id(const Case& drawn, Random& random);

}  // namespace fuzz
