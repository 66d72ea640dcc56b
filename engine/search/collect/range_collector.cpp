#include "search/collect/range_collector.hpp"

#include <algorithm>
#include <limits>
#include <new>

#include "base/parallel.hpp"

namespace maxdot::search {
namespace {

constexpr std::size_t kResultsPerWriter = 8192;

}  // namespace

RangeCollector::RangeCollector(const Reported& reported, std::span<const double> thresholds)
    : reported_(reported), thresholds_(thresholds), found_(thresholds.size()) {}

void RangeCollector::reserve(std::size_t lists, std::size_t, std::size_t, std::size_t) {
  lists_.reserve(lists);
}

void RangeCollector::open(std::span<const std::size_t> rows, std::size_t chunks,
                          std::size_t) noexcept {
  queries_ = rows.size();
  chunks_ = chunks;
  lists_.clear();
  for (std::size_t chunk = 0; chunk < chunks; ++chunk) {
    for (const std::size_t row : rows) lists_.emplace_back(limit_of(row));
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

RangeResult RangeCollector::result(int threads) {
  if (!complete_) throw std::bad_alloc();
  RangeResult result;
  result.offsets.assign(1, 0);
  for (const std::vector<Entry>& found : found_) {
    result.offsets.push_back(result.offsets.back() + static_cast<std::int64_t>(found.size()));
  }
  result.ids.resize(static_cast<std::size_t>(result.offsets.back()));
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
