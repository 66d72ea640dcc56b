#include "live/segment.hpp"

#include <string>
#include <utility>

#include "api/index_parts.hpp"
#include "maxdot/error.hpp"

namespace maxdot::live {

Segment::Segment(Index index, std::uint64_t number)
    : Part(index.size()), index_(std::move(index)), number_(number) {
  if (index_.size() >= store::kNoRow) {
    throw Error(ErrorCode::unsupported,
                "the index has " + std::to_string(index_.size()) +
                    " items, and a LiveIndex works below 2^32 - 1; split the catalogue");
  }
}

store::ItemStore Segment::items(std::size_t) const noexcept {
  return api::IndexParts::items_of(index_);
}

void Segment::prepare_to_find() const {
  const api::IndexParts& parts = api::IndexParts::of(index_);
  if (parts.items->ids != nullptr) (void)parts.id_map();
}

std::uint32_t Segment::find(std::int64_t id, std::size_t) const noexcept {
  const api::IndexParts& parts = api::IndexParts::of(index_);
  if (parts.items->ids != nullptr) return parts.id_map().find(id);
  return id >= 0 && static_cast<std::uint64_t>(id) < index_.size() ? static_cast<std::uint32_t>(id)
                                                                   : store::kNoRow;
}

Shape shape_of(const Index& index) noexcept {
  const IndexInfo info = index.info();
  return {info.metric, info.normalized, info.dtype, info.dimension};
}

}  // namespace maxdot::live
