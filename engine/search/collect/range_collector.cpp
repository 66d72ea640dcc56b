#include "search/collect/range_collector.hpp"

#include <algorithm>
#include <limits>
#include <new>
#include <string>

#include "base/parallel.hpp"
#include "maxdot/error.hpp"

namespace maxdot::search {
namespace {

constexpr std::size_t kResultsPerWriter = 8192;

}  // namespace

RangeCollector::RangeCollector(const Reported& reported, std::span<const double> thresholds,
                               std::uint64_t most_bytes, base::Stop& stop)
    : reported_(reported),
      thresholds_(thresholds),
      budget_(most_bytes, stop),
      found_(thresholds.size()) {}

void RangeCollector::reserve(std::size_t lists, std::size_t, std::size_t, std::size_t) {
  lists_.reserve(lists);
}

void RangeCollector::open(std::span<const std::size_t> rows, std::size_t chunks,
                          std::size_t) noexcept {
  queries_ = rows.size();
  chunks_ = chunks;
  lists_.clear();
  for (std::size_t chunk = 0; chunk < chunks; ++chunk) {
    for (const std::size_t row : rows) lists_.emplace_back(limit_of(row), budget_);
  }
}

double RangeCollector::join(std::size_t q, std::size_t row, std::size_t) noexcept {
  std::vector<Entry>& found = found_[row];
  try {
    std::size_t count = 0;
    for (std::size_t chunk = 0; chunk < chunks_; ++chunk) {
      if (!lists(chunk, q)->complete()) throw std::bad_alloc();
      count += lists(chunk, q)->entries().size();
    }
    if (!budget_.take(count * sizeof(Entry))) throw std::bad_alloc();
    found.reserve(count);
    for (std::size_t chunk = 0; chunk < chunks_; ++chunk) {
      const std::vector<Entry>& entries = lists(chunk, q)->entries();
      found.insert(found.end(), entries.begin(), entries.end());
      lists(chunk, q)->release();
    }
    std::sort(found.begin(), found.end(), Better());
  } catch (const std::bad_alloc&) {
    complete_ = false;
  }
  return -std::numeric_limits<double>::infinity();
}

void RangeCollector::refuse_size() const {
  throw Error(ErrorCode::out_of_memory,
              "thresholds: more items reach them than fit in " + std::to_string(budget_.most()) +
                  " bytes; raise the thresholds, ask fewer queries at once, or allow more "
                  "(most_result_bytes)");
}

void RangeCollector::check_complete() const {
  if (budget_.exceeded()) refuse_size();
  if (!complete_) throw std::bad_alloc();
}

RangeResult RangeCollector::result(int threads) {
  check_complete();
  RangeResult result;
  result.offsets.assign(1, 0);
  for (const std::vector<Entry>& found : found_) {
    result.offsets.push_back(result.offsets.back() + static_cast<std::int64_t>(found.size()));
  }
  const auto count = static_cast<std::size_t>(result.offsets.back());
  if (!budget_.take(count * (sizeof(std::int64_t) + sizeof(double)))) refuse_size();
  result.ids.resize(count);
  result.scores.resize(result.ids.size());
  // Waking threads takes longer than writing a few thousand results. ("Small batches")
  const int writers = result.ids.size() < kResultsPerWriter ? 1 : threads;
  base::parallel_for(found_.size(), writers, [&](std::size_t row, int) noexcept {
    auto at = static_cast<std::size_t>(result.offsets[row]);
    for (const Entry& entry : found_[row]) {
      result.ids[at] = entry.id;
      result.scores[at++] = reported_.score(entry.key);
    }
    std::vector<Entry>().swap(found_[row]);
  });
  return result;
}

}  // namespace maxdot::search
