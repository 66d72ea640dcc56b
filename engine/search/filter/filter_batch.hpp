// FilterBatch: the filters of a round's queries, made ready to be asked about single items. A
// screen lets few items through, so a filter is asked only about those: a batch with filters is
// scanned as one without.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "maxdot/index.hpp"
#include "search/filter/row_set.hpp"
#include "store/deaths.hpp"
#include "store/item_store.hpp"
#include "store/row_lookup.hpp"

namespace maxdot::search {

/// The filters of a call.
struct FilterRequest {
  /// Requires: checked; lists that are given name each query's.
  const Filters& filters;
  /// Null: an item's row is its id. Requires fewer than store::kNoRow items.
  const store::RowLookup* rows_by_id = nullptr;
  /// Rows that are dead in `version` are not returned; null: all live.
  const store::Deaths* deaths = nullptr;
  std::uint64_t version = 0;
  /// The list that each query has in `exclude` and `allow`; empty: query q has list q.
  std::span<const std::size_t> list_of_query = {};

  std::size_t list_of(std::size_t query) const noexcept {
    return list_of_query.empty() ? query : list_of_query[query];
  }
};

class FilterBatch {
 public:
  /// Takes over a call's filters; the memory of the previous call's is reused. Throws
  /// std::bad_alloc.
  void begin(const FilterRequest& request, const store::ItemStore& items, std::size_t queries);

  /// From here on what the mask lets through is at hand as a list: for queries that are scored from
  /// it. Throws std::bad_alloc.
  void list_mask();

  /// The most items that any query can return.
  std::size_t most_permitted() const noexcept { return mask_given_ ? masked_in_ : items_->items; }
  /// The most items that this one can return.
  std::size_t most_permitted(std::size_t query) const noexcept;
  /// Memory for the lists of one query.
  std::size_t bytes_per_query() const noexcept {
    return (exclude_words_ + allow_words_) * sizeof(std::uint32_t);
  }

  /// Memory for `count` queries at a time. Throws Error (out_of_memory) or std::bad_alloc.
  void reserve(std::size_t count);
  /// Memory held, about.
  std::size_t bytes() const noexcept {
    return (words_.size() + mask_rows_.capacity()) * sizeof(std::uint32_t);
  }
  /// Makes the filters of these queries of the call ready. Requires reserve() for at least as many.
  void prepare(std::span<const std::size_t> queries, int threads) noexcept;

  /// Whether query `q` of those prepared may return the item in `row`.
  bool permits(std::size_t q, std::size_t row) const noexcept {
    if (mask_given_ && request_->filters.item_mask[row] == 0) return false;
    if (request_->deaths != nullptr && request_->deaths->dead(row, request_->version)) return false;
    const auto r = static_cast<std::uint32_t>(row);
    if (exclude_words_ != 0 && exclude_[q].contains(r)) return false;
    return allow_words_ == 0 || allow_[q].contains(r);
  }

  /// Calls visit(row) for each item that query `q` may return, once.
  template <typename Visit>
  void for_each_permitted(std::size_t q, Visit&& visit) const noexcept {
    const auto consider = [&](std::size_t row) {
      if (permits(q, row)) visit(row);
    };
    if (allow_words_ != 0) {
      allow_[q].for_each(consider);
    } else if (mask_listed_) {
      for (const std::uint32_t row : mask_rows_) consider(row);
    } else {
      for (std::size_t row = 0; row < items_->items; ++row) consider(row);
    }
  }

 private:
  void fill(RowSet& set, std::span<const std::int64_t> ids, std::uint32_t* memory) const noexcept;
  std::uint32_t row_of(std::int64_t id) const noexcept;

  const FilterRequest* request_ = nullptr;
  const store::ItemStore* items_ = nullptr;
  bool mask_given_ = false;
  bool mask_listed_ = false;  // mask_rows_ holds what the mask lets through
  std::size_t masked_in_ = 0;
  std::size_t exclude_words_ = 0;  // of one query; 0: no lists are given
  std::size_t allow_words_ = 0;
  std::vector<std::uint32_t> mask_rows_;
  base::AlignedBuffer<std::uint32_t> words_;
  std::vector<RowSet> exclude_;
  std::vector<RowSet> allow_;
};

}  // namespace maxdot::search
