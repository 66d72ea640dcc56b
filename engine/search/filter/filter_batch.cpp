#include "search/filter/filter_batch.hpp"

#include <algorithm>

#include "base/parallel.hpp"
#include "base/stop.hpp"

namespace maxdot::search {
namespace {

// Queries made ready by one task: a few microseconds.
constexpr std::size_t kQueriesPerTask = 16;

// Between two looks whether the call shall end.
constexpr std::size_t kIdsPerLook = 4096;

/// Words for the longest list that a query has; 0 if there are none.
std::size_t longest_words(const FilterRequest& request, const IdLists& lists, std::size_t queries,
                          std::size_t items) {
  if (lists.absent()) return 0;
  std::size_t longest = 0;
  for (std::size_t q = 0; q < queries; ++q)
    longest = std::max(longest, lists.of(request.list_of(q)).size());
  return RowSet::words(longest, items);
}

}  // namespace

void FilterBatch::begin(const FilterRequest& request, const store::ItemStore& items,
                        std::size_t queries) {
  request_ = &request;
  items_ = &items;
  exclude_words_ = longest_words(request, request.filters.exclude, queries, items.items);
  allow_words_ = longest_words(request, request.filters.allow, queries, items.items);
  const std::span<const std::uint8_t> mask = request.filters.item_mask;
  mask_given_ = !mask.empty();
  masked_in_ =
      mask.size() - static_cast<std::size_t>(std::count(mask.begin(), mask.end(), std::uint8_t{0}));
  mask_listed_ = false;
}

void FilterBatch::list_mask() {
  if (!mask_given_ || allow_words_ != 0) return;
  mask_listed_ = true;
  mask_rows_.clear();
  mask_rows_.reserve(masked_in_);
  const std::span<const std::uint8_t> mask = request_->filters.item_mask;
  for (std::size_t row = 0; row < mask.size(); ++row) {
    if (mask[row] != 0) mask_rows_.push_back(static_cast<std::uint32_t>(row));
  }
}

std::size_t FilterBatch::most_permitted(std::size_t query) const noexcept {
  const std::size_t most = most_permitted();
  if (allow_words_ == 0) return most;
  return std::min(most, request_->filters.allow.of(request_->list_of(query)).size());
}

void FilterBatch::reserve(std::size_t count) {
  words_.ensure(count * (exclude_words_ + allow_words_), "filters");
  exclude_.resize(std::max(exclude_.size(), count));
  allow_.resize(std::max(allow_.size(), count));
}

void FilterBatch::prepare(std::span<const std::size_t> queries, int threads) noexcept {
  const std::size_t tasks = (queries.size() + kQueriesPerTask - 1) / kQueriesPerTask;
  base::parallel_for(tasks, threads, [&](std::size_t task, int) noexcept {
    const std::size_t end = std::min(queries.size(), (task + 1) * kQueriesPerTask);
    for (std::size_t q = task * kQueriesPerTask; q < end; ++q) {
      std::uint32_t* memory = words_.data() + q * (exclude_words_ + allow_words_);
      const std::size_t list = request_->list_of(queries[q]);
      if (exclude_words_ != 0) fill(exclude_[q], request_->filters.exclude.of(list), memory);
      if (allow_words_ != 0)
        fill(allow_[q], request_->filters.allow.of(list), memory + exclude_words_);
    }
  });
}

void FilterBatch::fill(RowSet& set, std::span<const std::int64_t> ids,
                       std::uint32_t* memory) const noexcept {
  set = RowSet(memory, ids.size(), items_->items);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (i % kIdsPerLook == 0 && base::stop_requested()) return;
    const std::uint32_t row = row_of(ids[i]);
    if (row != store::kNoRow) set.insert(row);
  }
}

std::uint32_t FilterBatch::row_of(std::int64_t id) const noexcept {
  if (request_->rows_by_id != nullptr) return request_->rows_by_id->find(id);
  return id >= 0 && static_cast<std::uint64_t>(id) < items_->items ? static_cast<std::uint32_t>(id)
                                                                   : store::kNoRow;
}

}  // namespace maxdot::search
