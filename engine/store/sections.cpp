#include "store/sections.hpp"

#include <type_traits>

namespace maxdot::store {
namespace {

template <auto Member>
const void* get(const ItemStore& items) {
  return items.*Member;
}

template <auto Member>
void set(ItemStore& items, const void* data) {
  using Pointer = std::remove_cvref_t<decltype(items.*Member)>;
  items.*Member = static_cast<Pointer>(data);
}

template <std::uint64_t Bytes>
std::uint64_t fixed(const ItemStore& /*items*/) {
  return Bytes;
}

std::uint64_t row_bytes(const ItemStore& items) { return items.row_bytes(); }
std::uint64_t plane_bytes(const ItemStore& items) { return plane_tile_bytes(items.dimension); }
std::uint64_t tile_low_bytes(const ItemStore& items) { return low_tile_bytes(items.dimension); }

constexpr std::uint64_t kTile = kernels::kTileItems;

constexpr SectionKind kKinds[] = {
    {kRowsSection, "rows", true, false, row_bytes, get<&ItemStore::rows>, set<&ItemStore::rows>},
    {2, "squares", true, false, fixed<8>, get<&ItemStore::squares>, set<&ItemStore::squares>},
    {kIdsSection, "ids", false, false, fixed<8>, get<&ItemStore::ids>, set<&ItemStore::ids>},
    {4, "high codes", true, true, plane_bytes, get<&ItemStore::high>, set<&ItemStore::high>},
    {5, "low codes", true, true, tile_low_bytes, get<&ItemStore::low>, set<&ItemStore::low>},
    {6, "item terms", true, true, fixed<sizeof(ItemTerms) * kTile>, get<&ItemStore::terms>,
     set<&ItemStore::terms>},
    {7, "tile summaries", true, true, fixed<sizeof(TileSummary)>, get<&ItemStore::tiles>,
     set<&ItemStore::tiles>},
    {8, "code order", true, true, fixed<2 * kTile>, get<&ItemStore::order>, set<&ItemStore::order>},
    {9, "narrow ratios", true, true, fixed<sizeof(NarrowRatios)>, get<&ItemStore::narrow_ratios>,
     set<&ItemStore::narrow_ratios>},
};

}  // namespace

std::span<const SectionKind> section_kinds() noexcept { return kKinds; }

const SectionKind* find_section_kind(std::uint32_t number) noexcept {
  for (const SectionKind& kind : kKinds) {
    if (kind.number == number) return &kind;
  }
  return nullptr;
}

}  // namespace maxdot::store
