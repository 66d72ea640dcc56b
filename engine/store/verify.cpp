#include "store/verify.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "base/f16.hpp"
#include "base/parallel.hpp"
#include "base/path_errors.hpp"
#include "maxdot/error.hpp"
#include "store/encode.hpp"
#include "store/encode_block.hpp"
#include "store/layout.hpp"

namespace maxdot::store {
namespace {

MatrixView rows_of(const ItemStore& items) noexcept {
  return {items.rows, items.dtype, items.items, items.dimension, items.row_bytes()};
}

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw Error(ErrorCode::bad_format,
              path + ": " + why +
                  ", although its checksums are right; build the index again from its data");
}

/// Runs a check whose errors know of no file.
template <typename Check>
void blaming(const std::string& path, Check&& check) {
  try {
    base::file_entry(path, "verify the index", check);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::invalid_data) throw;
    throw Error(ErrorCode::bad_format,
                path + ": " + error.what() + "; build the index again from its data");
  }
}

/// The first block that is not right, or the number of blocks. `right(block, worker)` does not
/// throw.
template <typename Right>
std::size_t first_wrong_block(const ItemStore& items, int threads, const Right& right) noexcept {
  std::atomic<std::size_t> first{blocks_of(items.items)};
  base::parallel_for(blocks_of(items.items), threads, [&](std::size_t block, int worker) noexcept {
    if (right(block, static_cast<std::size_t>(worker))) return;
    std::size_t known = first.load();
    while (block < known && !first.compare_exchange_weak(known, block)) {
    }
  });
  return first.load();
}

class Squares {
 public:
  Squares(const ItemStore& items, const kernels::KernelTable& table, int threads)
      : items_(items),
        dot64_(table.dot64[static_cast<std::size_t>(items.dtype)]),
        scratch_(items.dimension * static_cast<std::size_t>(threads), "row scratch") {}

  /// The first row of the block whose square is wrong, or the end of the block.
  std::size_t first_wrong(std::size_t block, std::size_t worker) noexcept {
    float* row = scratch_.data() + worker * items_.dimension;
    std::size_t r = first_of_block(block);
    for (const std::size_t end = r + rows_in_block(items_.items, block); r < end; ++r) {
      base::to_f32(items_.row(r), items_.dtype, items_.dimension, row);
      const double square = dot64_(row, items_.row(r), items_.dimension);
      if (std::bit_cast<std::uint64_t>(square) != std::bit_cast<std::uint64_t>(items_.squares[r]))
        break;
    }
    return r;
  }

 private:
  const ItemStore& items_;
  double (*dot64_)(const float*, const void*, std::size_t) noexcept;
  base::AlignedBuffer<float> scratch_;
};

/// Whether positions of the block name each of its rows once, and those behind the last row are 0.
bool is_permutation(const ItemStore& items, std::size_t block) noexcept {
  const std::size_t rows = rows_in_block(items.items, block);
  const std::uint16_t* order = items.order + first_of_block(block);
  std::array<bool, kBlockRows> seen = {};
  for (std::size_t i = 0; i < rows; ++i) {
    if (order[i] >= rows || seen[order[i]]) return false;
    seen[order[i]] = true;
  }
  return std::all_of(order + rows, order + positions_of(rows),
                     [](std::uint16_t row) { return row == 0; });
}

class Codes {
 public:
  Codes(const ItemStore& items, int threads)
      : items_(items), unit_(items.normalized || items.metric == Metric::cosine) {
    for (int i = 0; i < threads; ++i) scratch_.emplace_back(items.dimension);
  }

  /// Null if the block's codes are what its rows encode to, else the section that differs.
  const char* wrong_section(std::size_t block, std::size_t worker) noexcept {
    Scratch& scratch = scratch_[worker];
    const std::size_t first = first_of_block(block);
    const std::size_t rows = rows_in_block(items_.items, block);
    for (std::size_t i = 0; i < rows; ++i) {
      base::to_f32(items_.row(first + i), items_.dtype, items_.dimension, scratch.rows.data());
      scratch.sizes[i] =
          order_size(scratch.rows.data(), items_.squares[first + i], items_.dimension, unit_);
    }
    order_block(scratch.sizes.data(), rows, scratch.order.data());
    if (std::memcmp(scratch.order.data(), items_.order + first, rows * sizeof(std::uint16_t)) != 0)
      return "code order";
    const std::size_t first_tile = tile_of(first);
    for (std::size_t tile = first_tile; tile < first_tile + tiles_of(rows); ++tile) {
      if (const char* section = wrong_section_of_tile(tile, scratch)) return section;
    }
    return nullptr;
  }

 private:
  struct Scratch {
    explicit Scratch(std::size_t d)
        : rows(kernels::kTileItems * d, "row scratch"),
          high(plane_tile_bytes(d), "code scratch"),
          low(low_tile_bytes(d), "code scratch"),
          sizes(kBlockRows, "row scales"),
          order(kBlockRows, "code order"),
          terms(kernels::kTileItems, "item scales") {}
    base::AlignedBuffer<float> rows;
    base::AlignedBuffer<std::uint8_t> high;
    base::AlignedBuffer<std::uint8_t> low;
    base::AlignedBuffer<float> sizes;
    base::AlignedBuffer<std::uint16_t> order;
    base::AlignedBuffer<ItemTerms> terms;
  };

  const char* wrong_section_of_tile(std::size_t tile, Scratch& scratch) const noexcept {
    const std::size_t d = items_.dimension;
    TileSummary summary;
    NarrowRatios narrow;
    encode_tile(rows_of(items_), items_.squares, items_.order, tile, scratch.rows.data(),
                {scratch.high.data(), scratch.low.data(), scratch.terms.data(), &summary, &narrow});
    const auto differ = [](const auto* a, const auto* b, std::size_t count) {
      return std::memcmp(a, b, count * sizeof(*a)) != 0;
    };
    if (differ(scratch.high.data(), items_.high + high_tile_offset(d, tile), plane_tile_bytes(d)))
      return "high codes";
    if (differ(scratch.low.data(), items_.low + low_tile_offset(d, tile), low_tile_bytes(d)))
      return "low codes";
    const std::size_t first = first_of_tile(tile);
    if (differ(scratch.terms.data(), items_.terms + first, kernels::kTileItems))
      return "item terms";
    if (differ(&summary, items_.tiles + tile, 1)) return "tile summaries";
    return differ(&narrow, items_.narrow_ratios + tile, 1) ? "narrow ratios" : nullptr;
  }

  const ItemStore& items_;
  bool unit_;
  std::vector<Scratch> scratch_;
};

void verify_squares(const ItemStore& items, const std::string& path,
                    const kernels::KernelTable& table, int threads) {
  Squares squares(items, table, threads);
  const std::size_t block =
      first_wrong_block(items, threads, [&](std::size_t b, std::size_t worker) noexcept {
        return squares.first_wrong(b, worker) == first_of_block(b) + rows_in_block(items.items, b);
      });
  if (block != blocks_of(items.items)) {
    refuse(path, "the square of row " + std::to_string(squares.first_wrong(block, 0)) +
                     " is not that of its values");
  }
  const double largest =
      items.items == 0 ? 0.0 : *std::max_element(items.squares, items.squares + items.items);
  if (std::bit_cast<std::uint64_t>(largest) != std::bit_cast<std::uint64_t>(items.largest_square)) {
    refuse(path, "the largest square in its header is not that of its rows");
  }
}

}  // namespace

void verify_contents(const ItemStore& items, const std::string& path,
                     const kernels::KernelTable& table, int threads) {
  blaming(path, [&] {
    if (items.ids != nullptr) check_ids({items.ids, items.items}, items.items);
    check_matrix(rows_of(items), "items", threads);
    verify_squares(items, path, table, threads);
    const std::size_t block = first_wrong_block(
        items, threads,
        [&](std::size_t b, std::size_t) noexcept { return is_permutation(items, b); });
    if (block != blocks_of(items.items)) {
      refuse(path, "the code order of block " + std::to_string(block) +
                       " does not name each of its rows once");
    }
  });
}

void verify_codes(const ItemStore& items, const std::string& path, int threads) {
  blaming(path, [&] {
    Codes codes(items, threads);
    const std::size_t block =
        first_wrong_block(items, threads, [&](std::size_t b, std::size_t worker) noexcept {
          return codes.wrong_section(b, worker) == nullptr;
        });
    if (block != blocks_of(items.items)) {
      refuse(path, "section '" + std::string(codes.wrong_section(block, 0)) +
                       "' is not what the rows of block " + std::to_string(block) + " encode to");
    }
  });
}

}  // namespace maxdot::store
