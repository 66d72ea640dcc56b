#include "store/encode.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <new>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "base/checked.hpp"
#include "base/f16.hpp"
#include "base/parallel.hpp"
#include "base/stop.hpp"
#include "maxdot/error.hpp"
#include "store/encode_block.hpp"
#include "store/layout.hpp"

namespace maxdot::store {
namespace {

constexpr std::size_t kRowsPerTask = 4096;

std::size_t tasks_for(std::size_t rows) { return (rows + kRowsPerTask - 1) / kRowsPerTask; }

template <DType T>
bool row_is_finite(const void* row, std::size_t d) noexcept {
  // All exponent bits set means NaN or Inf. One branch per row lets the compiler vectorise.
  bool bad = false;
  if constexpr (T == DType::f32) {
    const auto* p = static_cast<const unsigned char*>(row);
    for (std::size_t j = 0; j < d; ++j) {
      std::uint32_t bits = 0;
      std::memcpy(&bits, p + 4 * j, 4);
      bad |= (bits & 0x7f800000U) == 0x7f800000U;
    }
  } else {
    const auto* p = static_cast<const unsigned char*>(row);
    for (std::size_t j = 0; j < d; ++j) {
      std::uint16_t bits = 0;
      std::memcpy(&bits, p + 2 * j, 2);
      bad |= (bits & 0x7c00U) == 0x7c00U;
    }
  }
  return !bad;
}

float element(const MatrixView& view, std::size_t r, std::size_t c) noexcept {
  float value = 0;
  base::to_f32(static_cast<const unsigned char*>(view.row(r)) + c * size_of(view.dtype), view.dtype,
               1, &value);
  return value;
}

[[noreturn]] void refuse_value(const MatrixView& view, std::size_t r, const char* what,
                               std::size_t first_row) {
  std::size_t c = 0;
  while (c + 1 < view.cols && std::isfinite(element(view, r, c))) ++c;
  const float value = element(view, r, c);
  throw Error(ErrorCode::invalid_data,
              std::string(what) + ": row " + std::to_string(first_row + r) + ", column " +
                  std::to_string(c) + " is " + (std::isnan(value) ? "NaN" : "Inf") +
                  "; every value must be finite: remove or repair the row",
              {static_cast<std::int64_t>(first_row + r), static_cast<std::int64_t>(c),
               static_cast<double>(value)});
}

struct Buffers {
  std::shared_ptr<void> rows;
  base::AlignedBuffer<double> squares;
  base::AlignedBuffer<std::uint8_t> high;
  base::AlignedBuffer<std::uint8_t> low;
  base::AlignedBuffer<ItemTerms> terms;
  base::AlignedBuffer<TileSummary> tiles;
  base::AlignedBuffer<NarrowRatios> narrow_ratios;
  base::AlignedBuffer<std::uint16_t> order;
  base::AlignedBuffer<std::int64_t> ids;
};

}  // namespace

void check_signs(std::span<const std::int64_t> ids, std::size_t first_row) {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] >= 0) continue;
    throw Error(ErrorCode::invalid_data, "ids: row " + std::to_string(first_row + i) + " has id " +
                                             std::to_string(ids[i]) +
                                             "; ids must be 0 or more (-1 marks a missing result)");
  }
}

void check_ids(std::span<const std::int64_t> ids, std::size_t rows) {
  if (ids.size() != rows) {
    throw Error(ErrorCode::invalid_argument, "ids: " + std::to_string(ids.size()) + " ids for " +
                                                 std::to_string(rows) +
                                                 " items; give one id per item");
  }
  check_signs(ids, 0);
  if (std::adjacent_find(ids.begin(), ids.end(), std::greater_equal<>()) == ids.end()) return;
  std::vector<std::int64_t> sorted(ids.begin(), ids.end());
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) {
    throw Error(ErrorCode::invalid_data,
                "ids: id " + std::to_string(*twice) +
                    " stands on more than one row; every id must be unique");
  }
}

void check_shape(const MatrixView& view, const char* what) {
  base::check_dtype(view.dtype, what);
  if (view.cols == 0 || view.cols > max_dimension) {
    throw Error(ErrorCode::invalid_argument, std::string(what) + ": dimension " +
                                                 std::to_string(view.cols) + " is outside 1 to " +
                                                 std::to_string(max_dimension));
  }
  if (view.rows != 0 &&
      (view.data == nullptr || view.stride_bytes < view.cols * size_of(view.dtype))) {
    throw Error(ErrorCode::invalid_argument,
                std::string(what) + ": the data pointer is null or rows overlap (stride " +
                    std::to_string(view.stride_bytes) + " bytes for " + std::to_string(view.cols) +
                    " columns)");
  }
  constexpr std::uint64_t most = std::numeric_limits<std::ptrdiff_t>::max();
  const auto bytes = base::checked_mul(view.rows, view.stride_bytes);
  if (view.rows != 0 && (!bytes || *bytes > most)) {
    throw Error(ErrorCode::invalid_argument,
                std::string(what) + ": " + std::to_string(view.rows) + " rows of " +
                    std::to_string(view.stride_bytes) +
                    " bytes are more than the address space; pass rows and stride of the array");
  }
}

void check_matrix(const MatrixView& view, const char* what, int threads, std::size_t first_row) {
  check_shape(view, what);
  std::atomic<std::size_t> first_bad{view.rows};
  base::parallel_for(tasks_for(view.rows), threads, [&](std::size_t task, int) noexcept {
    const std::size_t end = std::min(view.rows, (task + 1) * kRowsPerTask);
    for (std::size_t r = task * kRowsPerTask; r < end; ++r) {
      const bool finite = view.dtype == DType::f32
                              ? row_is_finite<DType::f32>(view.row(r), view.cols)
                              : row_is_finite<DType::f16>(view.row(r), view.cols);
      if (finite) continue;
      std::size_t known = first_bad.load();
      while (r < known && !first_bad.compare_exchange_weak(known, r)) {
      }
      return;
    }
  });
  base::throw_if_stopped();
  if (first_bad.load() < view.rows) refuse_value(view, first_bad.load(), what, first_row);
}

std::shared_ptr<const ItemStore> encode(Matrix&& rows, const EncodeOptions& options,
                                        const kernels::KernelTable& table) {
  const MatrixView view = rows.view();
  if (!options.checked) check_matrix(view, "items", options.threads);
  if (!options.ids.empty() || (view.rows == 0 && options.ids.data() != nullptr))
    check_ids(options.ids, view.rows);

  const std::size_t n = view.rows;
  const std::size_t d = view.cols;
  try {
    auto buffers = std::make_shared<Buffers>();
    const std::size_t tiles = tiles_of(n);
    buffers->squares = base::AlignedBuffer<double>(n, "item norms");
    buffers->high = base::AlignedBuffer<std::uint8_t>(high_tile_offset(d, tiles), "item codes");
    buffers->low = base::AlignedBuffer<std::uint8_t>(low_tile_offset(d, tiles), "item codes");
    buffers->terms = base::AlignedBuffer<ItemTerms>(positions_of(n), "item scales");
    buffers->tiles = base::AlignedBuffer<TileSummary>(tiles, "tile summaries");
    buffers->narrow_ratios = base::AlignedBuffer<NarrowRatios>(tiles, "tile summaries");
    buffers->order = base::AlignedBuffer<std::uint16_t>(positions_of(n), "code order");
    const std::size_t tile_floats = kernels::kTileItems * d;
    base::AlignedBuffer<float> scratch(tile_floats * static_cast<std::size_t>(options.threads),
                                       "row scratch");
    base::AlignedBuffer<float> sizes(n, "row scales");

    double* squares = buffers->squares.data();
    const auto type = static_cast<std::size_t>(view.dtype);
    const bool unit = options.normalized || options.metric == Metric::cosine;
    base::parallel_for(tasks_for(n), options.threads, [&](std::size_t task, int worker) noexcept {
      float* row = scratch.data() + static_cast<std::size_t>(worker) * tile_floats;
      const std::size_t end = std::min(n, (task + 1) * kRowsPerTask);
      for (std::size_t r = task * kRowsPerTask; r < end; ++r) {
        base::to_f32(view.row(r), view.dtype, d, row);
        squares[r] = table.dot64[type](row, view.row(r), d);
        sizes[r] = order_size(row, squares[r], d, unit);
      }
    });
    base::throw_if_stopped();
    base::parallel_for(blocks_of(n), options.threads, [&](std::size_t block, int) noexcept {
      const std::size_t first = first_of_block(block);
      order_block(sizes.data() + first, rows_in_block(n, block), buffers->order.data() + first);
    });
    std::fill(buffers->order.data() + n, buffers->order.data() + positions_of(n), std::uint16_t{0});
    base::throw_if_stopped();
    base::parallel_for(tiles, options.threads, [&](std::size_t tile, int worker) noexcept {
      float* rows_f32 = scratch.data() + static_cast<std::size_t>(worker) * tile_floats;
      encode_tile(view, squares, buffers->order.data(), tile, rows_f32,
                  {buffers->high.data() + high_tile_offset(d, tile),
                   buffers->low.data() + low_tile_offset(d, tile),
                   buffers->terms.data() + first_of_tile(tile), buffers->tiles.data() + tile,
                   buffers->narrow_ratios.data() + tile});
    });
    base::throw_if_stopped();

    auto items = std::make_shared<ItemStore>();
    items->items = n;
    items->dimension = d;
    items->dtype = view.dtype;
    items->metric = options.metric;
    items->normalized = options.normalized;
    items->squares = squares;
    items->high = buffers->high.data();
    items->low = buffers->low.data();
    items->terms = buffers->terms.data();
    items->tiles = buffers->tiles.data();
    items->narrow_ratios = buffers->narrow_ratios.data();
    items->order = buffers->order.data();
    items->largest_square = n == 0 ? 0.0 : *std::max_element(squares, squares + n);
    if (!options.ids.empty()) {
      buffers->ids = base::AlignedBuffer<std::int64_t>(n, "item ids");
      std::copy(options.ids.begin(), options.ids.end(), buffers->ids.data());
      items->ids = buffers->ids.data();
    }
    buffers->rows = rows.release();
    items->rows = static_cast<const unsigned char*>(buffers->rows.get());
    items->owner = std::move(buffers);
    return items;
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::out_of_memory,
                "not enough memory to build the index; free memory or use fewer items");
  }
}

}  // namespace maxdot::store
