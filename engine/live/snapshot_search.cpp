#include "live/snapshot_search.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/id_lists.hpp"
#include "api/index_parts.hpp"
#include "api/search_arguments.hpp"
#include "api/workspace_parts.hpp"
#include "base/parallel.hpp"
#include "base/stop.hpp"
#include "kernels/kernels.hpp"
#include "live/fresh.hpp"
#include "live/segment.hpp"
#include "maxdot/error.hpp"
#include "maxdot/merge.hpp"
#include "search/collect/merge_lists.hpp"
#include "search/collect/results.hpp"
#include "search/scan/scan_counts.hpp"
#include "search/search.hpp"
#include "search/variants/multi.hpp"
#include "search/variants/range.hpp"
#include "store/encode.hpp"

namespace maxdot::live {
namespace {

// [results] Of all parts at once, until they are joined: 16 MiB and the counts.
constexpr std::size_t kResultsAtOnce = std::size_t{1} << 20;

/// A call that was checked.
class Call {
 public:
  /// Filters have one list for each of `owners`, of which there are `lists`.
  Call(const Version& version, const MatrixView& queries, const char* name, std::size_t lists,
       const char* owners, const SearchOptions& options)
      : version_(version), options_(options) {
    threads_ = api::checked_threads(options.threads);
    metric_ = api::checked_metric(options.metric.value_or(version.shape.metric));
    keys_ = api::checked_score_kind(options.score_kind) == ScoreKind::keys;
    api::check_dimension(queries, name, version.shape.dimension);
    store::check_matrix(queries, name, threads_);
    const Filters& filters = options.filters;
    if (!filters.exclude.absent()) api::check_lists(filters.exclude, "exclude", lists, owners);
    if (!filters.allow.absent()) api::check_lists(filters.allow, "allow", lists, owners);
    if (!filters.item_mask.empty()) divide_mask();
    if (options.stats != nullptr) {
      *options.stats = {};
      options.stats->queries = queries.rows;
    }
  }

  int threads() const noexcept { return threads_; }
  std::size_t parts() const noexcept { return version_.parts.size(); }
  search::Reported reported() const noexcept { return {metric_, version_.shape.normalized, keys_}; }
  bool keys() const noexcept { return keys_; }
  MergeOptions merge_options() const noexcept {
    return {metric_,
            version_.shape.normalized,
            keys_ ? ScoreKind::keys : ScoreKind::scores,
            options_.threads,
            {}};
  }

  /// Calls engine(items, kernels, request) for part `p`. Owners [first, first + count) of the
  /// filters' lists are those of the queries.
  template <typename Engine>
  auto search_part(std::size_t p, const MatrixView& queries, std::size_t first, std::size_t count,
                   std::size_t k, bool keys, Engine&& engine) const {
    const VisiblePart& visible = version_.parts[p];
    const store::ItemStore items = visible.part->items(visible.rows);
    Filters filters;
    filters.exclude = slice(options_.filters.exclude, first, count);
    filters.allow = slice(options_.filters.allow, first, count);
    if (!masks_.empty()) filters.item_mask = masks_[p];
    const VisibleRows lookup(*visible.part, visible.rows);
    search::FilterRequest filtered = {filters};
    if (!filters.exclude.absent() || !filters.allow.absent()) {
      visible.part->prepare_to_find();
      filtered.rows_by_id = &lookup;
    }
    if (visible.part->dead() != 0) {
      filtered.deaths = &visible.part->deaths();
      filtered.version = version_.number;
    }
    SearchStats stats;
    search::Request request = {queries, k, metric_,
                               api::search_threads(options_.threads, items, queries.rows),
                               options_.stats == nullptr ? nullptr : &stats};
    if (!filters.empty() || filtered.deaths != nullptr) request.filters = &filtered;
    if (!visible.part->has_codes()) request.method = search::Method::f32;
    request.kept = api::WorkspaceParts::of(options_.workspace);
    request.most_result_bytes = options_.most_result_bytes;
    request.keys = keys;
    const auto finish = [&] {
      base::throw_if_stopped();  // what was found is not all
      stats.queries = 0;
      if (options_.stats != nullptr) search::add(*options_.stats, stats);
    };
    if constexpr (std::is_void_v<decltype(engine(items, kernels::active_table(), request))>) {
      engine(items, kernels::active_table(), request);
      finish();
    } else {
      auto result = engine(items, kernels::active_table(), request);
      finish();
      return result;
    }
  }

 private:
  static IdLists slice(const IdLists& lists, std::size_t first, std::size_t count) noexcept {
    if (lists.absent()) return {};
    return {lists.offsets.subspan(first, count + 1), lists.ids};
  }

  // The caller's mask has a value for each item that lives, part by part.
  void divide_mask() {
    const std::span<const std::uint8_t> mask = options_.filters.item_mask;
    if (mask.size() != version_.items) {
      throw Error(ErrorCode::invalid_argument, "item_mask: has " + std::to_string(mask.size()) +
                                                   " values, but the snapshot has " +
                                                   std::to_string(version_.items) +
                                                   " items; give one for each, as of ids()");
    }
    auto next = mask.begin();
    for (const VisiblePart& visible : version_.parts) {
      std::vector<std::uint8_t>& own = masks_.emplace_back(visible.rows);
      for (std::size_t row = 0; row < visible.rows; ++row)
        own[row] = version_.lives(visible, row) ? *next++ : 0;
    }
  }

  const Version& version_;
  const SearchOptions& options_;
  int threads_ = 1;
  Metric metric_ = Metric::cosine;
  bool keys_ = false;
  std::vector<std::vector<std::uint8_t>> masks_;  // [parts]; none: no mask is given
};

MatrixView slice(const MatrixView& rows, std::size_t first, std::size_t count) noexcept {
  MatrixView part = rows;
  part.data = static_cast<const unsigned char*>(rows.data) + first * rows.stride_bytes;
  part.rows = count;
  return part;
}

/// The results of one part for some owners, by key.
struct PartResults {
  std::size_t width = 0;  // of an owner, at most
  std::vector<std::int64_t> ids;
  std::vector<double> keys;
  std::vector<std::int64_t> counts;

  search::SortedList of(std::size_t owner) const noexcept {
    return {ids.data() + owner * width, keys.data() + owner * width,
            static_cast<std::size_t>(counts[owner])};
  }
};

/// Writes the best of all parts for owners [first, first + count).
void join(const Call& call, std::span<const PartResults> found, std::size_t first,
          std::size_t count, std::size_t k, const ResultView& out) {
  struct Scratch {
    std::vector<search::SortedList> lists;
    std::vector<std::size_t> heads;
    std::vector<search::Entry> best;
  };
  std::size_t width = 0;
  for (const PartResults& one : found) width += one.width;
  // To wake a thread takes longer than to join the results of so few. ("Threads")
  constexpr std::size_t kOwnersPerThread = 64;
  const int threads = static_cast<int>(std::min<std::size_t>(
      static_cast<std::size_t>(call.threads()), 1 + count / kOwnersPerThread));
  std::vector<Scratch> scratch(static_cast<std::size_t>(threads));
  for (Scratch& one : scratch) {
    one.lists.resize(found.size());
    one.heads.resize(2 * found.size());
    one.best.resize(std::min(k, width));
  }
  base::parallel_for(count, threads, [&](std::size_t owner, int worker) noexcept {
    Scratch& own = scratch[static_cast<std::size_t>(worker)];
    for (std::size_t p = 0; p < found.size(); ++p) own.lists[p] = found[p].of(owner);
    const std::size_t size =
        search::merge_lists(own.lists, k, own.heads.data(), own.best.data(),
                            [](const search::Entry&) noexcept { return true; });
    search::write_results({own.best.data(), size}, call.reported(), first + owner, k, out);
  });
}

/// `per_owner` rows of `rows` belong to each owner. Calls engine(items, kernels, request, out).
template <typename Engine>
void search_parts(const Call& call, const Version& version, const MatrixView& rows,
                  std::size_t per_owner, std::size_t k, const ResultView& out, Engine&& engine) {
  const std::size_t owners = rows.rows / per_owner;
  if (call.parts() == 1) {
    return call.search_part(0, rows, 0, owners, k, call.keys(),
                            [&](const auto& items, const auto& table, const auto& request) {
                              engine(items, table, request, out);
                            });
  }
  if (call.parts() == 0 || k == 0) {
    for (std::size_t owner = 0; owner < owners; ++owner)
      search::write_results({}, call.reported(), owner, k, out);
    return;
  }
  std::vector<PartResults> found(call.parts());
  std::size_t width = 0;
  for (std::size_t p = 0; p < found.size(); ++p) {
    found[p].width = std::min(k, version.parts[p].rows);
    width += found[p].width;
  }
  const std::size_t at_once = std::clamp<std::size_t>(kResultsAtOnce / width, 1, owners + 1);
  for (std::size_t first = 0; first < owners; first += at_once) {
    const std::size_t count = std::min(at_once, owners - first);
    const MatrixView own_rows = slice(rows, first * per_owner, count * per_owner);
    for (std::size_t p = 0; p < found.size(); ++p) {
      PartResults& one = found[p];
      one.ids.resize(count * one.width);
      one.keys.resize(count * one.width);
      one.counts.resize(count);
      call.search_part(
          p, own_rows, first, count, one.width, true,
          [&](const auto& items, const auto& table, const auto& request) {
            engine(items, table, request, {one.ids.data(), one.keys.data(), one.counts.data()});
          });
    }
    join(call, found, first, count, k, out);
    base::throw_if_stopped();
  }
}

// Each part has kept to the limit by itself.
void check_range_memory(std::size_t results, std::uint64_t most_bytes) {
  constexpr std::size_t kResultBytes = sizeof(std::int64_t) + sizeof(double);
  if (most_bytes == 0 || results <= most_bytes / kResultBytes) return;
  throw Error(ErrorCode::out_of_memory,
              "the results of search_range take more than the " + std::to_string(most_bytes) +
                  " bytes that are allowed (most_result_bytes); use a stricter threshold or fewer "
                  "queries");
}

}  // namespace

void search(const Version& version, const MatrixView& queries, std::size_t k, const ResultView& out,
            const SearchOptions& options) {
  api::check_results(out, queries.rows, k);
  const Call call(version, queries, "queries", queries.rows, "queries", options);
  search_parts(call, version, queries, 1, k, out,
               [](const auto& items, const auto& table, const auto& request,
                  const ResultView& own) { search::search(items, table, request, own); });
}

void search_multi(const Version& version, const MatrixView& interests, std::size_t per_user,
                  std::size_t k, const ResultView& out, const SearchOptions& options) {
  const std::size_t users = api::checked_users(interests, per_user);
  api::check_results(out, users, k);
  const Call call(version, interests, "interests", users, "users", options);
  search_parts(call, version, interests, per_user, k, out,
               [&](const auto& items, const auto& table, const auto& request,
                   const ResultView& own) { search::multi(items, table, request, per_user, own); });
}

RangeResult search_range(const Version& version, const MatrixView& queries,
                         std::span<const double> thresholds, const SearchOptions& options) {
  const std::vector<double> limits = api::checked_thresholds(thresholds, queries.rows);
  const Call call(version, queries, "queries", queries.rows, "queries", options);
  const auto of_part = [&](std::size_t p, bool keys) {
    return call.search_part(p, queries, 0, queries.rows, 0, keys,
                            [&](const auto& items, const auto& table, const auto& request) {
                              return search::range(items, table, request, limits);
                            });
  };
  if (call.parts() == 0) return {std::vector<std::int64_t>(queries.rows + 1), {}, {}};
  if (call.parts() == 1) return of_part(0, call.keys());
  std::vector<RangeResult> found;
  found.reserve(call.parts());
  std::size_t results = 0;
  for (std::size_t p = 0; p < call.parts(); ++p) {
    results += found.emplace_back(of_part(p, true)).ids.size();
    check_range_memory(results, options.most_result_bytes);
  }
  return merge(found, call.merge_options());
}

}  // namespace maxdot::live
