// Evaluation of a recall model over the full catalogue: ranking metrics with confidence intervals,
// and exact ranks. docs/evaluation.md defines every number.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "maxdot/id_lists.hpp"
#include "maxdot/index.hpp"
#include "maxdot/types.hpp"

#pragma GCC visibility push(default)
namespace maxdot {
inline namespace v0_1 {
namespace evaluate {

using maxdot::IdLists;
using maxdot::OwnedIdLists;

/// Lists from pairs (users[i], items[i]), each list in the order of its pairs. Throws Error:
/// invalid_argument (lengths differ), invalid_data (a user outside [0, user_count); names the
/// pair), out_of_memory.
OwnedIdLists lists_from_pairs(std::span<const std::int64_t> users,
                              std::span<const std::int64_t> items, std::size_t user_count);

/// Retrieved items, best first: [users, width] row-major; -1 fills the places of missing items.
struct Retrieved {
  std::span<const std::int64_t> ids = {};
  std::size_t width = 0;
};

/// standard: the textbook's. rechub: those of torch-rechub's topk_metrics (its Hit is a
/// micro-averaged recall).
enum class Convention : std::uint8_t { standard = 0, rechub = 1 };

const char* to_string(Convention convention) noexcept;

struct Options {
  Convention convention = Convention::standard;
  /// Items that could have been retrieved, for coverage; 0: coverage is not computed. `retrieval`
  /// fills it in.
  std::size_t catalogue = 0;
  /// Bootstrap resamples of the users for the confidence intervals; 0: no intervals.
  std::size_t bootstrap = 0;
  double confidence = 0.95;
  std::uint64_t seed = 1;
  /// Keep every user's own values.
  bool per_user = false;
  /// Threads; 0 = every core that this process may use. Results do not depend on it.
  int threads = 0;
  StopOptions stop = {};
};

/// The values of one user, or their means.
struct Values {
  double recall = 0.0;
  double hit = 0.0;
  double precision = 0.0;
  double ndcg = 0.0;
  double mrr = 0.0;
  double map = 0.0;
};

/// The values by name, for whoever prints or exports them.
struct ValueField {
  const char* name;
  double Values::*value;
};
inline constexpr std::array<ValueField, 6> value_fields = {{{"recall", &Values::recall},
                                                            {"hit", &Values::hit},
                                                            {"precision", &Values::precision},
                                                            {"ndcg", &Values::ndcg},
                                                            {"mrr", &Values::mrr},
                                                            {"map", &Values::map}}};

struct AtK {
  std::size_t k = 0;
  Values mean;
  /// Share of the catalogue that appears in at least one user's first k places.
  std::optional<double> coverage;
  /// Ends of the percentile bootstrap interval of each mean; empty without bootstrap.
  std::optional<Values> low;
  std::optional<Values> high;
  /// One for each user if asked for, NaN for those that the means leave out.
  std::vector<Values> users;
};

struct Report {
  Convention convention = Convention::standard;
  std::size_t users = 0;
  /// Users that the means are over: those with a relevant item (standard), or all of them (rechub).
  std::size_t evaluated = 0;
  std::vector<AtK> at;  ///< in the order of `ks`
};

/// Metrics at every k of `ks` from one pass over the lists. Relevant ids are >= 0.
/// Throws Error: invalid_argument (sizes differ, bad offsets, k outside [1, width], bad option),
/// invalid_data (a negative relevant id), out_of_memory.
Report metrics(const IdLists& relevant, const Retrieved& retrieved, std::span<const std::size_t> ks,
               const Options& options = {});

struct RetrievalOptions : Options {
  /// Another metric than the index's own.
  std::optional<Metric> metric = std::nullopt;
};

/// Retrieves the exact best max(ks) items of each user and measures them. `exclude` is empty, or
/// has a list for each user of items that must not be retrieved (those already seen); ids that the
/// index does not hold are ignored. Throws what Index::search and metrics throw.
Report retrieval(const Index& index, const MatrixView& users, const IdLists& relevant,
                 std::span<const std::size_t> ks, const IdLists& exclude = {},
                 const RetrievalOptions& options = {});

struct RankOptions {
  std::optional<Metric> metric = std::nullopt;
  int threads = 0;
  StopOptions stop = {};
};

/// The rank, from 1, of each relevant item among all items of the index for its user, in the order
/// of search results (key, then id): exact, by counting the better items in one pass. Aligned with
/// relevant.ids. 0 for an id that the index does not hold or that `exclude` holds. Excluded items
/// do not count as better. Throws what Index::search throws, and Error (invalid_argument) for bad
/// lists.
std::vector<std::int64_t> ranks(const Index& index, const MatrixView& users,
                                const IdLists& relevant, const IdLists& exclude = {},
                                const RankOptions& options = {});

/// How torch-rechub's topk_metrics prints a value, e.g. "NDCG@2: 0.7956": four digits, trailing
/// zeros dropped, ties as its number types round them (NDCG is a NumPy number, the others are
/// Python's). Throws Error: invalid_argument (no value of RechubMetric), out_of_memory.
enum class RechubMetric : std::uint8_t { ndcg, mrr, recall, hit, precision };
std::string rechub_text(RechubMetric metric, std::size_t k, double value);

/// The number in that text.
double rechub_rounded(RechubMetric metric, double value) noexcept;

}  // namespace evaluate
}  // namespace v0_1
}  // namespace maxdot
#pragma GCC visibility pop
