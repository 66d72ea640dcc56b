#include "live/compaction.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "store/row_lookup.hpp"

namespace maxdot::live {
namespace {

// Segments of about the same size are merged when there are so many of them: each item is written
// again once for every time that the catalogue grows so many times as large, and a search has so
// many segments of each size at most. ("A catalogue that changes" in docs/measurements.md)
constexpr std::size_t kPerTier = 4;

// A segment is written again when so large a part of it has died: until then the dead ones cost a
// search that much more.
constexpr double kDeadShare = 0.4;

void add(Sources& sources, const std::shared_ptr<Part>& part) {
  sources.parts.push_back(part);
  sources.rows.push_back(part->rows());
  sources.dead.push_back(part->dead());
}

Sources none(const State& state) {
  Sources sources;
  sources.shape = state.shape();
  sources.version = state.version();
  return sources;
}

std::size_t live_rows(const Part& part) { return part.rows() - part.dead(); }

std::size_t tier_of(const Part& part, std::size_t fresh_items) {
  std::size_t tier = 0;
  for (std::size_t size = live_rows(part) / fresh_items; size >= kPerTier; size /= kPerTier) ++tier;
  return tier;
}

}  // namespace

void PickFresh::prepare(State& state, LogWriter& log) {
  log.sync();  // what is in the next one must not be safe before what is in this one
  sources = none(state);
  for (const std::shared_ptr<Part>& part : state.parts()) {
    if (!part->has_codes()) add(sources, part);
  }
}

void PickFresh::apply(State& state, LogWriter& log) noexcept {
  state.seal();
  log = std::move(next_);
  done = true;
}

void PickSegments::prepare(State& state, LogWriter&) {
  sources = none(state);
  std::map<std::size_t, std::vector<std::shared_ptr<Part>>> tiers;
  std::shared_ptr<Part> decayed;
  std::vector<std::shared_ptr<Part>> all;
  // What an item takes: its row, a code of a byte a dimension, and some numbers.
  const std::size_t item_bytes = state.shape().row_bytes() + state.shape().dimension + 40;
  for (const std::shared_ptr<Part>& part : state.parts()) {
    if (!part->has_codes()) continue;
    all.push_back(part);
    if (live_rows(*part) * item_bytes > policy_.most_bytes) continue;
    tiers[tier_of(*part, policy_.fresh_items)].push_back(part);
    if (part->dead() != 0 &&
        static_cast<double>(part->dead()) >= kDeadShare * static_cast<double>(part->rows()))
      decayed = part;
  }
  if (policy_.everything) {
    if (all.size() > 1 || (all.size() == 1 && all[0]->dead() != 0)) {
      for (const std::shared_ptr<Part>& part : all) add(sources, part);
    }
    return;
  }
  for (const auto& [tier, parts] : tiers) {
    std::uint64_t bytes = 0;
    for (const std::shared_ptr<Part>& part : parts) bytes += live_rows(*part) * item_bytes;
    if (parts.size() < kPerTier || bytes > policy_.most_bytes) continue;
    for (const std::shared_ptr<Part>& part : parts) add(sources, part);
    return;
  }
  if (decayed != nullptr) add(sources, decayed);
}

void Swap::prepare(State& state, LogWriter& log) {
  const auto parts = state.parts();
  for (const std::shared_ptr<Part>& source : sources_.parts) {
    if (std::find(parts.begin(), parts.end(), source) == parts.end()) return;
  }
  log.sync();  // the manifest must not know of deaths that the log may lose
  for (std::size_t p = 0; p < sources_.parts.size(); ++p) {
    const Part& part = *sources_.parts[p];
    for (const std::uint32_t row : part.dead_rows().subspan(sources_.dead[p])) {
      if (gathered_.row_of[p][row] != store::kNoRow)
        deaths_.push_back({gathered_.row_of[p][row], part.deaths().version_of(row)});
    }
  }
  manifest.shape = state.shape();
  manifest.version = state.version();
  manifest.replaced = state.replaced();
  const auto name = [&](const Segment& segment) -> ManifestSegment& {
    return manifest.segments.emplace_back(
        ManifestSegment{segment.number(), segment.index().info().checksum, segment.rows(), {}});
  };
  for (const std::shared_ptr<Part>& part : parts) {
    const auto* segment = dynamic_cast<const Segment*>(part.get());
    if (segment == nullptr) continue;
    if (std::find(sources_.parts.begin(), sources_.parts.end(), part) != sources_.parts.end())
      continue;
    const std::span<const std::uint32_t> dead = part->dead_rows();
    name(*segment).dead_rows.assign(dead.begin(), dead.end());
  }
  if (merged_ != nullptr) {
    merged_->prepare_to_find();
    merged_->reserve_deaths(deaths_.size());
    std::vector<std::uint32_t>& dead = name(*merged_).dead_rows;
    for (const Death& death : deaths_) dead.push_back(death.row);
  }
  state.prepare_swap();
  done = true;
}

void Swap::apply(State& state, LogWriter&) noexcept {
  if (!done) return;
  for (const Death& death : deaths_) merged_->kill(death.row, death.version);
  state.swap(sources_.parts, std::move(merged_));
  retired.swap(state.retired());
}

}  // namespace maxdot::live
