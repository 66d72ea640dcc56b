// The kinds of sections of an index file: one table says what each is called, how large it is and
// which array of an ItemStore it holds. FORMAT.md is the specification.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "store/item_store.hpp"
#include "store/layout.hpp"

namespace maxdot::store {

inline constexpr std::uint32_t kRowsSection = 1;
inline constexpr std::uint32_t kIdsSection = 3;

struct SectionKind {
  std::uint32_t number;
  std::string_view name;
  bool needed;
  bool per_tile;  ///< one element for each tile, else for each item
  std::uint64_t (*element_bytes)(const ItemStore& items);
  const void* (*get)(const ItemStore& items);
  void (*set)(ItemStore& items, const void* data);
};

/// In the order of the file.
std::span<const SectionKind> section_kinds() noexcept;

/// Null for an unknown number.
const SectionKind* find_section_kind(std::uint32_t number) noexcept;

/// Elements of the section, for the items' counts.
inline std::uint64_t section_elements(const SectionKind& kind, const ItemStore& items) noexcept {
  return kind.per_tile ? tiles_of(items.items) : items.items;
}

}  // namespace maxdot::store
