// AMX: sixteen queries times sixteen items times 64 dimensions in one instruction, for batches.
// Everything else is that of AVX-512 with VNNI.
//
// A tile register holds 16 rows of 64 bytes. The codes of 16 queries, 64 dimensions of each, fill
// one; 16 lines of a group of items in an expanded tile fill another, as they lie. Their product is
// 16 x 16 sums, a row for each query. Sums can only be compared in memory: they go to a buffer in
// L1, and those of 16 queries are compared while the next are computed ("AMX" in
// docs/measurements.md).
//
// Register budget, of 8: 4 sums, 2 of queries, 2 of items.

#include <algorithm>
#include <cstdint>

#include "kernels/avx512vnni_vector.hpp"

namespace maxdot::kernels {
namespace {

constexpr std::size_t kRows = 16;             // of a tile register: queries, or quads
constexpr std::size_t kStepBytes = 64;        // of a row: dimensions of one step
constexpr std::int32_t kMostLimit = 1 << 30;  // kMaxCodeLimit: no product is as large

// Palette 1, eight registers of 16 rows of 64 bytes.
struct alignas(64) TileConfiguration {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(TileConfiguration) == 64);

// The instructions as assembly: the intrinsics of GCC 12 do not say that a load reads memory.
void begin() noexcept {
  static constexpr TileConfiguration kConfiguration;
  __asm__ volatile("ldtilecfg %0" ::"m"(kConfiguration));
}

void end() noexcept { __asm__ volatile("tilerelease"); }

template <int T>
[[gnu::always_inline]] inline void zero() noexcept {
  __asm__ volatile("tilezero %%tmm%c0" ::"i"(T));
}

template <int T>
[[gnu::always_inline]] inline void load(const void* p, std::size_t stride) noexcept {
  __asm__ volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(p), "r"(stride), "i"(T) : "memory");
}

template <int T>
[[gnu::always_inline]] inline void store(void* p, std::size_t stride) noexcept {
  __asm__ volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(p), "r"(stride), "i"(T) : "memory");
}

/// Sums += signed rows of queries times unsigned columns of items.
template <int Sums, int Queries, int Items>
[[gnu::always_inline]] inline void dot() noexcept {
  __asm__ volatile("tdpbsud %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(Sums), "i"(Queries), "i"(Items));
}

/// What 16 queries ask of a tile. Limits are clamped and the starts taken off, so that the products
/// can be compared as the registers sum them.
struct Needed {
  alignas(64) std::int32_t least[kRows];

  // product + start >= limit  <=>  product >= limit - start, which no clamped limit overflows.
  void set(const std::int32_t* start, const std::int32_t* limits) noexcept {
    const __m512i most = _mm512_set1_epi32(kMostLimit);
    const __m512i limit = _mm512_max_epi32(_mm512_min_epi32(_mm512_loadu_si512(limits), most),
                                           _mm512_set1_epi32(-kMostLimit));
    _mm512_store_si512(least, _mm512_sub_epi32(limit, _mm512_loadu_si512(start)));
  }
};

/// Sums of 16 queries and group G of a tile's items, in register G. Registers 4 and 5 are the
/// queries, 6 and 7 the items. Of up to 128 dimensions (Steps) the queries have been loaded.
template <int G, int Steps>
[[gnu::always_inline]] inline void multiply(const std::uint8_t* tile, std::size_t steps,
                                            const std::int8_t* queries,
                                            std::size_t stride) noexcept {
  const std::uint8_t* items = tile + G * kCodeLine;
  zero<G>();
  if constexpr (Steps == 0) {
    std::size_t s = 0;
    do {
      load<4>(queries, stride);
      load<6>(items, kQuadBytes);
      dot<G, 4, 6>();
      queries += kStepBytes;
      items += kRows * kQuadBytes;
    } while (++s != steps);
  } else {
    load<6>(items, kQuadBytes);
    dot<G, 4, 6>();
    if constexpr (Steps == 2) {
      load<7>(items + kRows * kQuadBytes, kQuadBytes);
      dot<G, 5, 7>();
    }
  }
}

template <int Steps>
[[gnu::always_inline]] inline void load_queries(const std::int8_t* queries,
                                                std::size_t stride) noexcept {
  if constexpr (Steps >= 1) load<4>(queries, stride);
  if constexpr (Steps == 2) load<5>(queries + kStepBytes, stride);
}

template <int G>
[[gnu::always_inline]] inline void store_products(std::int32_t* products) noexcept {
  store<G>(products + G * 16, kTileItems * sizeof(std::int32_t));
}

/// Bit q is set for a query q, one of four from `first` on, if one of its 64 products reaches.
[[gnu::always_inline]] inline std::uint32_t reaching_of_four(const std::int32_t* products,
                                                             const Needed& needed,
                                                             std::size_t first) noexcept {
  std::uint32_t reaching = 0;
  MAXDOT_UNROLL
  for (std::size_t q = first; q < first + 4; ++q) {
    const std::int32_t* row = products + q * kTileItems;
    const __m512i low = _mm512_max_epi32(_mm512_load_si512(row), _mm512_load_si512(row + 16));
    const __m512i high = _mm512_max_epi32(_mm512_load_si512(row + 32), _mm512_load_si512(row + 48));
    const __mmask16 any =
        _mm512_cmpge_epi32_mask(_mm512_max_epi32(low, high), _mm512_set1_epi32(needed.least[q]));
    reaching |= static_cast<std::uint32_t>(any != 0) << q;
  }
  return reaching;
}

/// Masks of 16 queries, and the products of those that have a bit in `reaching`.
void write_answers(const std::int32_t* products, const Needed& needed, const std::int32_t* start,
                   std::uint32_t reaching, std::uint64_t* masks, std::int32_t* dots) noexcept {
  _mm512_storeu_si512(masks, _mm512_setzero_si512());
  _mm512_storeu_si512(masks + 8, _mm512_setzero_si512());
  for (; reaching != 0; reaching &= reaching - 1) {
    const auto q = static_cast<std::size_t>(__builtin_ctz(reaching));
    const __m512i own = _mm512_set1_epi32(start[q]);
    const __m512i least = _mm512_set1_epi32(needed.least[q]);
    std::uint64_t mask = 0;
    for (std::size_t i = 0; i < kTileItems; i += 16) {
      const __m512i row = _mm512_load_si512(products + q * kTileItems + i);
      mask |= static_cast<std::uint64_t>(_mm512_cmpge_epi32_mask(row, least)) << i;
      _mm512_storeu_si512(dots + q * kTileItems + i, _mm512_add_epi32(row, own));
    }
    masks[q] = mask;
  }
}

/// Blocks of 16 queries; the last one overlaps the one before, which computes some twice. While a
/// block is multiplied, group by group, the products of the one before are compared, four queries
/// after each group; only then is the group stored. Steps: of 64 dimensions; 0: `steps`.
template <int Steps>
void screen_blocks(const std::uint8_t* tile, std::size_t steps, const std::int8_t* queries,
                   std::size_t stride, std::size_t count, const std::int32_t* start,
                   const std::int32_t* limits, CodesAhead ahead, std::uint64_t* masks,
                   std::int32_t* dots) noexcept {
  // A load that follows a store to the same place of another page is held up. The products of a
  // group lie where no line of the next group does: at the tile's place within 256 bytes.
  alignas(256) std::int32_t room[(2 * kRows + 1) * kTileItems];
  constexpr std::size_t kBlockProducts = kRows * kTileItems;
  std::int32_t* products = room + reinterpret_cast<std::uintptr_t>(tile) % 256 / sizeof(*room);

  Needed needed = {};
  const std::size_t blocks = (count + kRows - 1) / kRows;
  // A fourth of a block's share with each group: a burst would fill the line buffers.
  const std::size_t lines = (ahead.lines + 4 * blocks - 1) / (4 * blocks);
  const auto fetch = [&] {
    for (std::size_t l = 0; l < lines; ++l, ahead.first += kCodeLine, ahead.second += kCodeLine) {
      __builtin_prefetch(ahead.first, 0, 2);
      __builtin_prefetch(ahead.second, 0, 2);
    }
  };
  const auto first_of = [count](std::size_t b) { return std::min(b * kRows, count - kRows); };
  std::uint32_t reaching = 0;
  const auto compare = [&](std::size_t b, std::size_t first) {
    if (b == 0) return;
    reaching |= reaching_of_four(products + (b - 1) % 2 * kBlockProducts, needed, first);
  };
  for (std::size_t b = 0; b <= blocks; ++b) {
    reaching = 0;
    if (b > 0) needed.set(start + first_of(b - 1), limits + first_of(b - 1));
    if (b < blocks) {
      const std::int8_t* block = queries + first_of(b) * stride;
      std::int32_t* next = products + b % 2 * kBlockProducts;
      load_queries<Steps>(block, stride);
      fetch();
      multiply<0, Steps>(tile, steps, block, stride);
      compare(b, 0);
      store_products<0>(next);
      fetch();
      multiply<1, Steps>(tile, steps, block, stride);
      compare(b, 4);
      store_products<1>(next);
      fetch();
      multiply<2, Steps>(tile, steps, block, stride);
      compare(b, 8);
      store_products<2>(next);
      fetch();
      multiply<3, Steps>(tile, steps, block, stride);
      compare(b, 12);
      store_products<3>(next);
    } else {
      for (std::size_t first = 0; first < kRows; first += 4) compare(b, first);
    }
    if (b == 0) continue;
    const std::size_t q = first_of(b - 1);
    write_answers(products + (b - 1) % 2 * kBlockProducts, needed, start + q, reaching, masks + q,
                  dots + q * kTileItems);
  }
}

void screen_codes_amx(const std::uint8_t* tile, std::size_t quads, const std::int8_t* queries,
                      std::size_t stride, std::size_t count, const std::int32_t* start,
                      const std::int32_t* limits, CodesAhead ahead, std::uint64_t* masks,
                      std::int32_t* dots) noexcept {
  if (count < kRows) {
    return screen_codes<Avx512Vnni>(tile, quads, queries, stride, count, start, limits, ahead,
                                    masks, dots);
  }
  const std::size_t steps = (quads + kRows - 1) / kRows;
  const auto screen = steps == 1   ? screen_blocks<1>
                      : steps == 2 ? screen_blocks<2>
                                   : screen_blocks<0>;
  screen(tile, steps, queries, stride, count, start, limits, ahead, masks, dots);
}

constexpr KernelTable make_amx_table() noexcept {
  KernelTable table = make_table<Avx512Vnni>("amx");
  table.codes.query_padding = kStepBytes;
  table.codes.begin = begin;
  table.codes.end = end;
  table.codes.screen_codes = screen_codes_amx;
  return table;
}

}  // namespace

const KernelTable& amx_table() noexcept {
  static constexpr KernelTable table = make_amx_table();
  return table;
}

}  // namespace maxdot::kernels
