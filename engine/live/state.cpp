#include "live/state.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "maxdot/error.hpp"

namespace maxdot::live {

std::size_t State::fresh_rows() const noexcept {
  std::size_t rows = 0;
  for (const std::shared_ptr<Part>& part : parts_) {
    if (!part->has_codes()) rows += part->rows();
  }
  return rows;
}

// Each of the changed items has one row at most, in any of the parts.
void State::prepare_deaths(std::size_t count) {
  for (const std::shared_ptr<Part>& part : parts_) {
    part->prepare_to_find();
    part->reserve_deaths(std::min(count, part->rows() - part->dead()));
  }
}

void State::prepare_upsert(std::size_t count) {
  // Its own rows may die within the call that puts them in only if ids repeat, which is refused.
  prepare_deaths(count);
  if (fresh_ != nullptr && fresh_->room() >= count) return;
  next_fresh_ = std::make_shared<Fresh>(shape_, fresh_capacity(count));
  parts_.reserve(parts_.size() + 1);
}

void State::upsert(std::span<const std::int64_t> ids, const unsigned char* rows) noexcept {
  ++version_;
  for (const std::int64_t id : ids) kill(id);
  if (fresh_ == nullptr || fresh_->room() < ids.size()) {
    fresh_ = next_fresh_.get();
    parts_.push_back(std::move(next_fresh_));
  }
  for (std::size_t i = 0; i < ids.size(); ++i)
    fresh_->append(ids[i], rows + i * shape_.row_bytes());
  items_ += ids.size();
}

// At least `count`. As many as there are already, if nobody makes segments of them: then there are
// few parts all the same, and each change looks into all of them.
std::size_t State::fresh_capacity(std::size_t count) const noexcept {
  constexpr std::size_t kMostBytes = std::size_t{64} << 20;
  const std::size_t wanted = std::max(fresh_items_, fresh_rows());
  return std::max(count, std::min(wanted, kMostBytes / shape_.row_bytes() + 1));
}

void State::prepare_remove(std::size_t count) { prepare_deaths(count); }

std::size_t State::remove(std::span<const std::int64_t> ids) noexcept {
  ++version_;
  const std::size_t before = items_;
  for (const std::int64_t id : ids) kill(id);
  return before - items_;
}

// Whatever has come last is looked at first: new items die young.
void State::kill(std::int64_t id) noexcept {
  for (std::size_t p = parts_.size(); p-- > 0;) {
    Part& part = *parts_[p];
    const std::uint32_t row = part.find(id, part.rows());
    if (row == store::kNoRow || !part.lives(row)) continue;
    part.kill(row, version_);
    --items_;
    return;
  }
}

void State::prepare_attach(const std::shared_ptr<Segment>& segment) {
  if (shape_of(segment->index()) != shape_) {
    throw Error(ErrorCode::invalid_argument,
                "the segment's dimension, dtype or metric is not that of the catalogue, which was "
                "replaced meanwhile; put the items in again");
  }
  segment->prepare_to_find();
  prepare_deaths(segment->rows());
  parts_.reserve(parts_.size() + 1);
}

void State::attach(std::shared_ptr<Segment> segment) noexcept {
  ++version_;
  for (std::size_t row = 0; row < segment->rows(); ++row) kill(segment->id(row));
  items_ += segment->rows();
  parts_.push_back(std::move(segment));
}

void State::prepare_replace(const std::shared_ptr<Segment>& segment) {
  segment->prepare_to_find();
  parts_.reserve(1);
  retired_.reserve(retired_.size() + parts_.size());
}

void State::replace(std::shared_ptr<Segment> segment) noexcept {
  replaced_ = ++version_;
  shape_ = shape_of(segment->index());
  items_ = segment->rows();
  fresh_ = nullptr;
  for (const std::shared_ptr<Part>& part : parts_) retire(*part);
  parts_.clear();
  parts_.push_back(std::move(segment));
}

void State::restore(std::shared_ptr<Segment> segment, std::span<const std::uint32_t> dead_rows) {
  segment->reserve_deaths(dead_rows.size());
  // In every version that anybody will read.
  for (const std::uint32_t row : dead_rows) segment->kill(row, 1);
  items_ += segment->rows() - dead_rows.size();
  parts_.push_back(std::move(segment));
}

void State::forget(std::uint64_t number) noexcept {
  const auto is_it = [number](const std::shared_ptr<Part>& part) {
    const auto* segment = dynamic_cast<const Segment*>(part.get());
    return segment != nullptr && segment->number() == number;
  };
  retired_.erase(std::remove_if(retired_.begin(), retired_.end(),
                                [number](const Retired& one) { return one.number == number; }),
                 retired_.end());
  const auto found = std::find_if(parts_.begin(), parts_.end(), is_it);
  if (found == parts_.end()) return;
  items_ -= (*found)->rows() - (*found)->dead();
  parts_.erase(found);
}

void State::prepare_swap() {
  parts_.reserve(parts_.size() + 1);
  retired_.reserve(retired_.size() + parts_.size());
}

void State::retire(const Part& part) noexcept {
  if (const auto* segment = dynamic_cast<const Segment*>(&part))
    retired_.push_back({segment->number(), segment->log()});
}

void State::swap(std::span<const std::shared_ptr<Part>> sources,
                 std::shared_ptr<Part> merged) noexcept {
  const auto is_source = [&](const std::shared_ptr<Part>& part) {
    return std::find(sources.begin(), sources.end(), part) != sources.end();
  };
  for (const std::shared_ptr<Part>& part : sources) retire(*part);
  parts_.erase(std::remove_if(parts_.begin(), parts_.end(), is_source), parts_.end());
  // Before the parts that grow or came later: they are looked at first.
  if (merged != nullptr) parts_.insert(parts_.begin(), std::move(merged));
}

void State::prepare_version() {
  if (next_version_ == nullptr) next_version_ = std::make_shared<Version>();
  next_version_->parts.reserve(parts_.size() + 1);
}

std::shared_ptr<const Version> State::make_version() noexcept {
  std::shared_ptr<Version> made = std::move(next_version_);
  made->number = version_;
  made->shape = shape_;
  made->items = items_;
  for (const std::shared_ptr<Part>& part : parts_) {
    if (part->rows() != 0) made->parts.push_back({part, part->rows()});
  }
  return made;
}

}  // namespace maxdot::live
