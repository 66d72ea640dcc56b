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

// [results] That are kept at once while parts are searched: 16 MiB and the counts, twice.
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
                   std::size_t k, bool keys, std::span<const double> floors,
                   Engine&& engine) const {
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
    request.floors = floors;
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

/// The results of some owners, by key: [owners, width].
struct Results {
  std::size_t width = 0;
  std::vector<std::int64_t> ids;
  std::vector<double> keys;
  std::vector<std::int64_t> counts;

  void resize(std::size_t owners) {
    ids.resize(owners * width);
    keys.resize(owners * width);
    counts.resize(owners);
  }
  ResultView view() noexcept { return {ids.data(), keys.data(), counts.data()}; }
  search::SortedList of(std::size_t owner) const noexcept {
    return {ids.data() + owner * width, keys.data() + owner * width,
            static_cast<std::size_t>(counts[owner])};
  }
};

/// The best of the parts so far.
class Best {
 public:
  /// At most `width` for each owner.
  Best(std::size_t owners, std::size_t width, int threads)
      : threads_(static_cast<int>(std::min<std::size_t>(static_cast<std::size_t>(threads),
                                                        1 + owners / kOwnersPerThread))),
        floors_(owners),
        scratch_(static_cast<std::size_t>(threads_), Scratch(width)) {
    best_.width = width;
    best_.resize(owners);
  }

  void add(const Results& found) noexcept {
    base::parallel_for(best_.counts.size(), threads_, [&](std::size_t owner, int worker) noexcept {
      Scratch& own = scratch_[static_cast<std::size_t>(worker)];
      std::vector<search::Entry>& joined = own.entries;
      const search::SortedList lists[2] = {best_.of(owner), found.of(owner)};
      const std::size_t count =
          search::merge_lists(lists, best_.width, own.heads.data(), joined.data(),
                              [](const search::Entry&) noexcept { return true; });
      for (std::size_t i = 0; i < count; ++i) {
        best_.ids[owner * best_.width + i] = joined[i].id;
        best_.keys[owner * best_.width + i] = joined[i].key;
      }
      best_.counts[owner] = static_cast<std::int64_t>(count);
    });
  }

  /// What an item of another part must reach to be among the k best of an owner; empty unless every
  /// owner has k.
  std::span<const double> floors(std::size_t k) noexcept {
    for (std::size_t owner = 0; owner < floors_.size(); ++owner) {
      if (static_cast<std::size_t>(best_.counts[owner]) < k) return {};
      floors_[owner] = best_.keys[owner * best_.width + k - 1];
    }
    return floors_;
  }

  /// Writes the results of the owners, the first of which is owner `first` of the call.
  void write(const search::Reported& reported, std::size_t first, std::size_t k,
             const ResultView& out) noexcept {
    base::parallel_for(best_.counts.size(), threads_, [&](std::size_t owner, int worker) noexcept {
      std::vector<search::Entry>& entries = scratch_[static_cast<std::size_t>(worker)].entries;
      const search::SortedList list = best_.of(owner);
      for (std::size_t i = 0; i < list.size; ++i) entries[i] = list.at(i);
      search::write_results({entries.data(), list.size}, reported, first + owner, k, out);
    });
  }

 private:
  // To wake a thread takes longer than to join the results of so few. ("Threads" in
  // docs/measurements.md)
  static constexpr std::size_t kOwnersPerThread = 64;

  struct Scratch {
    explicit Scratch(std::size_t width) : entries(width), heads(4) {}
    std::vector<search::Entry> entries;
    std::vector<std::size_t> heads;  // of two lists
  };

  int threads_;
  Results best_;
  std::vector<double> floors_;
  std::vector<Scratch> scratch_;  // of each thread
};

/// `per_owner` rows of `rows` belong to each owner. Calls engine(items, kernels, request, out).
/// `with_floors`: it can use those.
template <typename Engine>
void search_parts(const Call& call, const Version& version, const MatrixView& rows,
                  std::size_t per_owner, std::size_t k, const ResultView& out, bool with_floors,
                  Engine&& engine) {
  const std::size_t owners = rows.rows / per_owner;
  if (call.parts() == 1) {
    return call.search_part(0, rows, 0, owners, k, call.keys(), {},
                            [&](const auto& items, const auto& table, const auto& request) {
                              engine(items, table, request, out);
                            });
  }
  if (call.parts() == 0 || k == 0) {
    for (std::size_t owner = 0; owner < owners; ++owner)
      search::write_results({}, call.reported(), owner, k, out);
    return;
  }
  // The largest first: what it finds leaves little to be found in the others.
  std::vector<std::size_t> order(call.parts());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return version.parts[a].rows > version.parts[b].rows;
  });
  const std::size_t width = std::min(k, version.items);
  const std::size_t at_once =
      std::clamp<std::size_t>(kResultsAtOnce / std::max<std::size_t>(1, width), 1, owners + 1);
  Results found;
  for (std::size_t first = 0; first < owners; first += at_once) {
    const std::size_t count = std::min(at_once, owners - first);
    const MatrixView own_rows = slice(rows, first * per_owner, count * per_owner);
    Best best(count, width, call.threads());
    for (const std::size_t p : order) {
      found.width = std::min(k, version.parts[p].rows);
      found.resize(count);
      call.search_part(p, own_rows, first, count, found.width, true,
                       with_floors ? best.floors(k) : std::span<const double>(),
                       [&](const auto& items, const auto& table, const auto& request) {
                         engine(items, table, request, found.view());
                       });
      best.add(found);
    }
    best.write(call.reported(), first, k, out);
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
  search_parts(call, version, queries, 1, k, out, true,
               [](const auto& items, const auto& table, const auto& request,
                  const ResultView& own) { search::search(items, table, request, own); });
}

void search_multi(const Version& version, const MatrixView& interests, std::size_t per_user,
                  std::size_t k, const ResultView& out, const SearchOptions& options) {
  const std::size_t users = api::checked_users(interests, per_user);
  api::check_results(out, users, k);
  const Call call(version, interests, "interests", users, "users", options);
  search_parts(call, version, interests, per_user, k, out, false,
               [&](const auto& items, const auto& table, const auto& request,
                   const ResultView& own) { search::multi(items, table, request, per_user, own); });
}

RangeResult search_range(const Version& version, const MatrixView& queries,
                         std::span<const double> thresholds, const SearchOptions& options) {
  const std::vector<double> limits = api::checked_thresholds(thresholds, queries.rows);
  const Call call(version, queries, "queries", queries.rows, "queries", options);
  const auto of_part = [&](std::size_t p, bool keys) {
    return call.search_part(p, queries, 0, queries.rows, 0, keys, {},
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
