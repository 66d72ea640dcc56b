// Compaction, as operations of the queue: parts are chosen, and replaced by one part of their live
// items. What lies between, the work, is compactor.hpp's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "live/manifest.hpp"
#include "live/merge_parts.hpp"
#include "live/operation.hpp"
#include "live/segment.hpp"

namespace maxdot::live {

/// The parts without codes, and a new log for what comes after them.
class PickFresh final : public Operation {
 public:
  explicit PickFresh(LogWriter next) : next_(std::move(next)) {}
  void prepare(State& state, LogWriter& log) override;
  void apply(State& state, LogWriter& log) noexcept override;

  Sources sources;
  bool done = false;

 private:
  LogWriter next_;
};

struct MergePolicy {
  std::size_t fresh_items;
  std::uint64_t most_bytes;  ///< of rows and codes of what is merged
  bool everything;           ///< all segments, instead of what is worth it
};

/// Segments that are worth merging: none if there are none.
class PickSegments final : public Operation {
 public:
  explicit PickSegments(const MergePolicy& policy) : policy_(policy) {}
  void prepare(State& state, LogWriter& log) override;
  void apply(State&, LogWriter&) noexcept override {}

  Sources sources;

 private:
  MergePolicy policy_;
};

/// `merged` (null: nothing lives) instead of the sources. If one of them is gone, since the
/// catalogue was replaced, nothing is changed.
class Swap final : public Operation {
 public:
  Swap(const Sources& sources, const Gathered& gathered, std::shared_ptr<Segment> merged)
      : sources_(sources), gathered_(gathered), merged_(std::move(merged)) {}
  void prepare(State& state, LogWriter& log) override;
  void apply(State& state, LogWriter& log) noexcept override;

  bool done = false;
  Manifest manifest;  ///< of the catalogue after it; `first_log` is for the caller to fill in
  std::vector<Retired> retired;

 private:
  struct Death {
    std::uint32_t row;  // of merged_
    std::uint64_t version;
  };

  const Sources& sources_;
  const Gathered& gathered_;
  std::shared_ptr<Segment> merged_;
  std::vector<Death> deaths_;  // of rows of the sources, since they were picked
};

}  // namespace maxdot::live
