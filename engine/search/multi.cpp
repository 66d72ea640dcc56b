// An item that is not among the k best of any interest has, in the interest that it scores best in, k better items, each
// at least as good in its own best interest. So the k best of each interest hold the k best of all.

#include "search/multi.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "base/parallel.hpp"
#include "base/score.hpp"
#include "maxdot/matrix.hpp"
#include "search/id_set.hpp"
#include "search/results.hpp"
#include "search/scan_counts.hpp"
#include "search/top_k.hpp"

namespace maxdot::search {
namespace {

// Results of interests at once: enough queries to be fast, within tens of megabytes.
constexpr std::size_t kResultsAtOnce = std::size_t{1} << 21;
constexpr std::size_t kMostInterestsAtOnce = 8192;

bool is_zero(const MatrixView& rows, std::size_t row) noexcept {
  if (rows.dtype == DType::f32) {
    const auto* values = static_cast<const float*>(rows.row(row));
    return std::all_of(values, values + rows.cols, [](float value) { return value == 0.0F; });
  }
  const auto* halves = static_cast<const std::uint16_t*>(rows.row(row));
  return std::all_of(halves, halves + rows.cols, [](std::uint16_t half) { return (half & 0x7FFF) == 0; });
}

/// Merges the sorted results of a user's interests. Memory of one thread.
class Merger {
 public:
  explicit Merger(std::size_t k) : seen_(IdSet::slots(k)) {}

  /// The best `k` distinct entries of `lists` lists of `width` entries, each padded with ids of -1, to `out`. Returns how
  /// many there are. Requires k as at construction.
  std::size_t merge(const std::int64_t* ids, const double* keys, std::size_t lists, std::size_t width, std::size_t k,
                    Entry* out, std::size_t* heads) noexcept {
    IdSet seen(seen_.data(), k);
    std::fill_n(heads, lists, std::size_t{0});
    std::size_t count = 0;
    while (count < k) {
      std::size_t best = lists;
      Entry first = {kNoBound, -1};
      for (std::size_t l = 0; l < lists; ++l) {
        if (heads[l] == width || ids[l * width + heads[l]] < 0) continue;
        const Entry entry = {keys[l * width + heads[l]], ids[l * width + heads[l]]};
        if (best != lists && !Better()(entry, first)) continue;
        best = l;
        first = entry;
      }
      if (best == lists) break;
      ++heads[best];
      if (seen.insert(first.id)) out[count++] = first;
    }
    return count;
  }

 private:
  std::vector<std::int64_t> seen_;
};

class MultiSearch {
 public:
  MultiSearch(const store::ItemStore& items, const kernels::KernelTable& table, const Request& request,
              std::size_t per_user, const ResultView& out)
      : items_(items),
        table_(table),
        request_(request),
        per_user_(per_user),
        width_(std::min(request.k, items.items)),
        out_(out) {
    const auto threads = static_cast<std::size_t>(request.threads);
    heads_.resize(threads * per_user);
    merged_.resize(threads * width_);
    mergers_.assign(threads, Merger(width_));
  }

  void run() {
    const std::size_t users = request_.queries.rows / per_user_;
    const std::size_t at_once = std::clamp<std::size_t>(
        std::min(kResultsAtOnce / std::max<std::size_t>(1, width_), kMostInterestsAtOnce) / per_user_, 1, users);
    for (std::size_t first = 0; first < users; first += at_once) group(first, std::min(at_once, users - first));
  }

 private:
  void group(std::size_t first, std::size_t users) {
    starts_.assign(1, 0);
    rows_.clear();
    owners_.clear();
    for (std::size_t user = first; user < first + users; ++user) {
      for (std::size_t row = user * per_user_; row < (user + 1) * per_user_; ++row) {
        if (is_zero(request_.queries, row)) continue;
        rows_.push_back(row);
        owners_.push_back(user);
      }
      starts_.push_back(rows_.size());
    }
    ids_.resize(rows_.size() * width_);
    keys_.resize(rows_.size() * width_);
    search_interests();
    base::parallel_for(users, request_.threads, [&](std::size_t user, int worker) noexcept {
      write(first + user, starts_[user], starts_[user + 1], static_cast<std::size_t>(worker));
    });
  }

  void search_interests() {
    const MatrixView& all = request_.queries;
    const std::size_t row_bytes = all.cols * size_of(all.dtype);
    Matrix interests(rows_.size(), all.cols, all.dtype);
    auto* to = static_cast<unsigned char*>(interests.data());
    for (std::size_t i = 0; i < rows_.size(); ++i) std::memcpy(to + i * row_bytes, all.row(rows_[i]), row_bytes);
    const MatrixView view = interests.view();

    SearchStats stats;
    Request request = {view, width_, request_.metric, request_.threads, request_.stats == nullptr ? nullptr : &stats,
                       request_.method};
    request.keys = true;
    std::optional<FilterRequest> filters;
    if (request_.filters != nullptr) {
      filters.emplace(FilterRequest{request_.filters->filters, request_.filters->rows_by_id, owners_});
      request.filters = &*filters;
    }
    search(items_, table_, request, {ids_.data(), keys_.data(), nullptr});
    if (request_.stats != nullptr) add(*request_.stats, stats);
  }

  void write(std::size_t user, std::size_t begin, std::size_t end, std::size_t worker) noexcept {
    Entry* merged = merged_.data() + worker * width_;
    const std::size_t count = mergers_[worker].merge(ids_.data() + begin * width_, keys_.data() + begin * width_,
                                                     end - begin, width_, width_, merged,
                                                     heads_.data() + worker * per_user_);
    write_results({merged, count}, {request_.metric, items_.normalized, request_.keys}, user, request_.k, out_);
  }

  const store::ItemStore& items_;
  const kernels::KernelTable& table_;
  const Request& request_;
  std::size_t per_user_;
  std::size_t width_;
  const ResultView& out_;
  std::vector<std::size_t> rows_;    // of the group's interests that are not zero
  std::vector<std::size_t> owners_;  // their users
  std::vector<std::size_t> starts_;  // of each user's in rows_
  std::vector<std::int64_t> ids_;
  std::vector<double> keys_;
  std::vector<std::size_t> heads_;
  std::vector<Entry> merged_;
  std::vector<Merger> mergers_;
};

}  // namespace

void multi(const store::ItemStore& items, const kernels::KernelTable& table, const Request& request,
           std::size_t per_user, const ResultView& out) {
  if (request.stats != nullptr) *request.stats = {};
  if (request.queries.rows == 0) return;
  MultiSearch(items, table, request, per_user, out).run();
}

}  // namespace maxdot::search
