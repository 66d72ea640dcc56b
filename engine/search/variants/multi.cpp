// An item that is not among the k best of any interest has, in the interest that it scores best in,
// k better items, each at least as good in its own best interest. So the k best of each interest
// hold the k best of all.

#include "search/variants/multi.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "base/parallel.hpp"
#include "base/score.hpp"
#include "base/stop.hpp"
#include "maxdot/matrix.hpp"
#include "search/collect/id_set.hpp"
#include "search/collect/merge_lists.hpp"
#include "search/collect/results.hpp"
#include "search/collect/top_k.hpp"
#include "search/scan/scan_counts.hpp"

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
  return std::all_of(halves, halves + rows.cols,
                     [](std::uint16_t half) { return (half & 0x7FFF) == 0; });
}

/// Memory of one thread that merges the results of a user's interests.
struct MergeScratch {
  std::vector<SortedList> lists;
  std::vector<std::size_t> heads;
  std::vector<std::int64_t> seen;
  std::vector<Entry> merged;

  MergeScratch(std::size_t interests, std::size_t k)
      : lists(interests), heads(2 * interests), seen(IdSet::slots(k)), merged(k) {}
};

class MultiSearch {
 public:
  MultiSearch(const store::ItemStore& items, const kernels::KernelTable& table,
              const Request& request, std::size_t per_user, const ResultView& out)
      : items_(items),
        table_(table),
        request_(request),
        per_user_(per_user),
        width_(std::min(request.k, items.items)),
        out_(out) {
    scratch_.assign(static_cast<std::size_t>(request.threads), MergeScratch(per_user, width_));
  }

  void run() {
    const std::size_t users = request_.queries.rows / per_user_;
    const std::size_t at_once = std::clamp<std::size_t>(
        std::min(kResultsAtOnce / std::max<std::size_t>(1, width_), kMostInterestsAtOnce) /
            per_user_,
        1, users);
    for (std::size_t first = 0; first < users; first += at_once) {
      group(first, std::min(at_once, users - first));
      base::throw_if_stopped();
    }
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
    counts_.resize(rows_.size());
    search_interests();
    base::parallel_for(users, request_.threads, [&](std::size_t user, int worker) noexcept {
      write(first + user, starts_[user], starts_[user + 1],
            scratch_[static_cast<std::size_t>(worker)]);
    });
  }

  void search_interests() {
    const MatrixView& all = request_.queries;
    const std::size_t row_bytes = all.cols * size_of(all.dtype);
    Matrix interests(rows_.size(), all.cols, all.dtype);
    auto* to = static_cast<unsigned char*>(interests.data());
    for (std::size_t i = 0; i < rows_.size(); ++i)
      std::memcpy(to + i * row_bytes, all.row(rows_[i]), row_bytes);
    const MatrixView view = interests.view();

    SearchStats stats;
    Request request = {view,
                       width_,
                       request_.metric,
                       request_.threads,
                       request_.stats == nullptr ? nullptr : &stats,
                       request_.method};
    request.keys = true;
    request.kept = request_.kept;
    std::optional<FilterRequest> filters;
    if (request_.filters != nullptr) {
      filters.emplace(*request_.filters);
      filters->list_of_query = owners_;
      request.filters = &*filters;
    }
    search(items_, table_, request, {ids_.data(), keys_.data(), counts_.data()});
    if (request_.stats != nullptr) add(*request_.stats, stats);
  }

  // Of interests [begin, end) of the group. An item that several interests found stands where its
  // best key does.
  void write(std::size_t user, std::size_t begin, std::size_t end, MergeScratch& scratch) noexcept {
    for (std::size_t i = begin; i < end; ++i) {
      scratch.lists[i - begin] = {ids_.data() + i * width_, keys_.data() + i * width_,
                                  static_cast<std::size_t>(counts_[i])};
    }
    IdSet seen(scratch.seen.data(), width_);
    const std::size_t count = merge_lists(
        {scratch.lists.data(), end - begin}, width_, scratch.heads.data(), scratch.merged.data(),
        [&seen](const Entry& entry) noexcept { return seen.insert(entry.id); });
    const Reported reported = {request_.metric, items_.normalized, request_.keys};
    write_results({scratch.merged.data(), count}, reported, user, request_.k, out_);
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
  std::vector<std::int64_t> counts_;
  std::vector<MergeScratch> scratch_;
};

}  // namespace

void multi(const store::ItemStore& items, const kernels::KernelTable& table, const Request& request,
           std::size_t per_user, const ResultView& out) {
  if (request.stats != nullptr) *request.stats = {};
  if (request.queries.rows == 0) return;
  MultiSearch(items, table, request, per_user, out).run();
}

}  // namespace maxdot::search
