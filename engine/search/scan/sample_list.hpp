// SampleList: keeps the items of a sample with the highest bounds. They are scored when the sample
// is over: to place a threshold, a few scores are enough.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

#include "search/scan/candidate_queue.hpp"
#include "search/scan/code_scratch.hpp"
#include "search/scan/deferred_list.hpp"
#include "search/scan/thresholds.hpp"

namespace maxdot::search {

/// For lists whose bound rises: TopK. What it keeps is deferred in the DeferredList of the task.
template <typename Results>
class SampleList {
 public:
  SampleList(const CodeScanContext& context, const Task& task, QueryNote* notes,
             Thresholds<Results>& thresholds, DeferredList<Results>& deferred,
             CodeScratch& scratch) noexcept
      : context_(context),
        task_(task),
        notes_(notes),
        thresholds_(thresholds),
        deferred_(deferred),
        uppers_(scratch.largest.data()) {}

  /// Takes the items of the tile at position `first` whose bit is set in `reaching`. `terms`: the
  /// tile's.
  void add(std::size_t q, std::size_t first, const kernels::CodeTileTerms& terms,
           const std::int32_t* products, std::uint64_t reaching) noexcept {
    if (context_.scan.filters != nullptr) reaching = permitted(q, first, reaching);
    if (reaching == 0) return;
    deferred_.put(q, first, terms, products, reaching, thresholds_.rounded()[q]);
    if (deferred_.room(q) < kernels::kTileItems) keep_highest(q);
  }

  /// Scores what was kept, and notes above which score nothing was dropped.
  void finish() noexcept {
    deferred_.for_each_group([this](std::size_t begin, std::size_t end) { finish(begin, end); });
  }

 private:
  void finish(std::size_t begin, std::size_t end) noexcept {
    for (std::size_t q = begin; q < end; ++q) {
      notes_[q].complete_above = thresholds_.level(q);
      thresholds_.set_level(q, -std::numeric_limits<double>::infinity());
    }
    deferred_.judge_best(begin, end);
    for (std::size_t q = begin; q < end; ++q) {
      // A few more are scored than are wanted. That is no sign.
      notes_[q].wasted = 0;
      if (reaching(q) > context_.sample_bounds) {
        // The bounds tell little. To score so many would cost more than a sharp guess saves.
        notes_[q].complete_above = std::numeric_limits<double>::infinity();
        deferred_.set_count(q, 0);
      }
      deferred_.judge_left(q);
    }
  }

  std::size_t reaching(std::size_t q) const noexcept {
    const DeferredItem* const items = deferred_.items(q);
    const double reach = thresholds_.reach(q);
    return static_cast<std::size_t>(std::count_if(
        items, items + deferred_.count(q),
        [reach](const DeferredItem& item) { return static_cast<double>(item.upper) >= reach; }));
  }

  // Only items that may be returned tell where the threshold may lie.
  std::uint64_t permitted(std::size_t q, std::size_t first, std::uint64_t reaching) const noexcept {
    std::uint64_t permitted = 0;
    for (; reaching != 0; reaching &= reaching - 1) {
      const std::size_t row =
          context_.scan.items.row_at(first + static_cast<std::size_t>(std::countr_zero(reaching)));
      const bool permits = row < context_.scan.items.items &&
                           context_.scan.filters->permits(task_.first_query + q, row);
      if (permits) permitted |= reaching & -reaching;
    }
    return permitted;
  }

  // Drops the lower bounds, until a tile has room again. From now on what was dropped lies below
  // the query's level.
  void keep_highest(std::size_t q) noexcept {
    const std::size_t count = deferred_.count(q);
    const std::size_t wanted = context_.sample_bounds;
    DeferredItem* const items = deferred_.items(q);
    for (std::size_t i = 0; i < count; ++i) uppers_[i] = items[i].upper;
    const std::optional<float> level = dividing(uppers_, count, wanted);
    std::size_t kept = 0;
    if (level) {
      for (std::size_t i = 0; i < count; ++i) {
        const DeferredItem item = items[i];
        items[kept] = item;
        kept += item.upper > *level ? 1U : 0U;
      }
    } else {
      kept = wanted;
      std::nth_element(
          items, items + (kept - 1), items + count,
          [](const DeferredItem& a, const DeferredItem& b) { return a.upper > b.upper; });
    }
    const float least = level ? *level : items[kept - 1].upper;
    deferred_.set_count(q, kept);
    // Of bounds equal to the highest that was dropped there are enough.
    thresholds_.set_level(
        q, static_cast<double>(std::nextafter(least, std::numeric_limits<float>::infinity())));
  }

  // Values that are tried, from all over a list: they may stand in ascending order.
  static constexpr std::size_t kMostTried = 16;

  // One of the values that has `wanted` to half as many more above it, if one is found: many may be
  // equal. Counting is quick, where sorting guesses wrongly with every other value ("Sample" in
  // docs/measurements.md).
  static std::optional<float> dividing(const float* values, std::size_t count,
                                       std::size_t wanted) noexcept {
    float low = -std::numeric_limits<float>::infinity();
    float high = std::numeric_limits<float>::infinity();
    for (std::size_t i = 0; i < kMostTried; ++i) {
      const float value = values[i * count / kMostTried];
      if (!(value > low && value < high)) continue;
      std::uint32_t above = 0;
      for (std::size_t other = 0; other < count; ++other) above += values[other] > value ? 1U : 0U;
      if (above < wanted) {
        high = value;
      } else if (above > wanted + wanted / 2) {
        low = value;
      } else {
        return value;
      }
    }
    return std::nullopt;
  }

  const CodeScanContext& context_;
  const Task& task_;
  QueryNote* notes_;
  Thresholds<Results>& thresholds_;
  DeferredList<Results>& deferred_;
  float* uppers_;
};

}  // namespace maxdot::search
