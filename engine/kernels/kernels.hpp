// The kernel table: everything in maxdot whose speed depends on the instruction set, as one struct
// of functions.
//
// Kernels take pointers and counts. They allocate nothing, know no threads, throw nothing. Every
// table gives the same dot64 bit for bit; screens may differ between tables in what survives, never
// in what must survive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/require_ieee.hpp"
#include "maxdot/types.hpp"

namespace maxdot::kernels {

/// Items are scanned in tiles of this many: one bit of a 64-bit mask for each.
inline constexpr std::size_t kTileItems = 64;

/// f32 queries for the screens are padded with zeros to a multiple of this many elements.
inline constexpr std::size_t kQueryPadding = 16;

/// Per-item terms of the f32 screen for one tile, structure of arrays. For an item with screen dot
/// product `a` the upper bound of its score, in the query's own units, is  a * scale + (query_bias
/// * bias + slack).
struct alignas(64) TileTerms {
  float scale[kTileItems];
  float bias[kTileItems];
  float slack[kTileItems];
};

/// The softmax sums of one query, lane by lane: lane l holds items l, l + 16, l + 32, ... of the
/// tiles it has seen. The sum of e^(logit - largest) is sum - lost (Kahan's compensation).
/// `largest` may lie up to 8 below the true one.
inline constexpr std::size_t kSoftmaxLanes = 16;
struct alignas(64) SoftmaxState {
  float largest[kSoftmaxLanes];
  float sum[kSoftmaxLanes];
  float lost[kSoftmaxLanes];
};

/// What the code screens need of the queries, structure of arrays (bounds/code_bound.hpp says what
/// they mean).
struct CodeQueryTerms {
  const float* threshold;
  const float* inverse_scale;
  const float* error_factor;
  const float* norm_factor;
};

/// The largest values in a tile, and the smallest scale, from its TileSummary.
struct CodeTileTerms {
  float scale;
  float smallest_scale;
  float error;
  float norm;
  float bias;
};

/// No dot product of codes reaches this: d * 127 * 127 < 2^30 for every allowed dimension.
inline constexpr float kMaxCodeLimit = 0x1p30F;

/// Low nibbles, and the query codes that meet them, are read in vectors of up to so many bytes.
inline constexpr std::size_t kLowPadding = 64;

/// stream_codes takes at most this many queries.
inline constexpr std::size_t kMaxStreamQueries = 2;

/// What screen_codes fetches into L2 while it computes: `lines` lines of 64 bytes from each of two
/// places. They are spread evenly over its loops, because a burst would fill the line buffers and
/// stop the arithmetic; at most one line with every four dimensions, so that of 5 or 6 queries half
/// of a tile is left to the hardware. ("Codes ahead" in docs/measurements.md)
struct CodesAhead {
  const std::uint8_t* first;
  const std::uint8_t* second;
  std::size_t lines;
};

/// Narrow codes: the upper 4, 5 or 6 bits v = u >> (8 - bits) of a code u. Products of them with
/// query codes are summed in 16 bits over a span of dimensions: two instructions instead of three,
/// where none sums four products of bytes. The fewer the bits, the longer the span.
inline constexpr int kFewestNarrowBits = 4;
inline constexpr int kMostNarrowBits = 6;

/// Quads of dimensions that are summed in 16 bits.
constexpr std::size_t narrow_span(int bits) noexcept { return std::size_t{128} >> (bits - 2); }

/// Within each span, the magnitudes of a query's codes of dimensions 4p and 4p + 1, for all p, must
/// not sum to more; nor those of dimensions 4p + 2 and 4p + 3. Then no 16-bit sum overflows.
constexpr int narrow_most(int bits) noexcept { return 32767 / ((1 << bits) - 1); }

/// The kernels of narrow codes; null where 8-bit codes are as fast. Products are of v, not of
/// signed codes: a signed code of so many bits is 2^(8 - bits) (v + 1/2) - 128.
struct NarrowKernels {
  /// As expand_fine, one byte v for each code. Of 4 bits only the high nibbles are read.
  void (*expand)(const std::uint8_t* high, const std::uint8_t* low, std::size_t quads, int bits,
                 std::uint8_t* tile) noexcept;
  /// As screen_codes. Requires query codes as narrow_most says.
  void (*screen)(const std::uint8_t* tile, std::size_t quads, int bits, const std::int8_t* queries,
                 std::size_t stride, std::size_t count, const std::int32_t* limits,
                 CodesAhead ahead, std::uint64_t* masks, std::int32_t* dots) noexcept;
  /// As stream_codes, of 4 bits.
  void (*stream)(const std::uint8_t* high, const std::uint8_t* later, std::size_t quads,
                 const std::int8_t* queries, std::size_t stride, std::size_t count,
                 const std::int32_t* limits, std::uint64_t* masks, std::int32_t* dots) noexcept;
};

/// Expanded tiles have room for a multiple of this many quads. What stands behind the last one is
/// arbitrary: it meets zeros.
inline constexpr std::size_t kTileQuads = 16;

/// The integer kernels of the code screens. Item codes are tiles in the layout of store/layout.hpp,
/// query codes are s8, `stride` bytes apart, padded with zeros to 4 * quads and further to a
/// multiple of query_padding. All results are exact integers, the same from every table.
struct CodeKernels {
  std::size_t query_padding;  ///< [bytes]
  /// What a thread calls before and after it uses screen_codes: registers that must be set up.
  void (*begin)() noexcept;
  void (*end)() noexcept;
  /// |query code| must not exceed this: 127, or 64 where pairs of products are summed in 16 bits.
  int max_query_code;
  /// Sums start at -offset * (sum of the query's codes), so that they end as the dot product of the
  /// signed codes; of coarse codes at -coarse_offset times that.
  int offset;
  int coarse_offset;

  /// A tile's high and low nibbles to one byte per code, in this table's own order. Requires tile
  /// 64-byte aligned, 256 bytes for each quad and room as kTileQuads says; kLowPadding readable
  /// bytes after the low nibbles.
  void (*expand_fine)(const std::uint8_t* high, const std::uint8_t* low, std::size_t quads,
                      std::uint8_t* tile) noexcept;
  /// The same from the high plane alone: code 16h - 120. With coarse_offset, because bytes may lack
  /// the half step between 16h and 16h + 8.
  void (*expand_coarse)(const std::uint8_t* high, std::size_t quads, std::uint8_t* tile) noexcept;

  /// Dot products of an expanded tile with `count` queries. Bit i of masks[q] is set if item i's
  /// product is >= limits[q]; dots[q * 64 + i] is then that product (other elements are arbitrary).
  void (*screen_codes)(const std::uint8_t* tile, std::size_t quads, const std::int8_t* queries,
                       std::size_t stride, std::size_t count, const std::int32_t* start,
                       const std::int32_t* limits, CodesAhead ahead, std::uint64_t* masks,
                       std::int32_t* dots) noexcept;
  /// The same for 1 to kMaxStreamQueries queries with the coarse codes, straight from the high
  /// plane of a tile. The plane of the tile `later` is prefetched into L2.
  void (*stream_codes)(const std::uint8_t* high, const std::uint8_t* later, std::size_t quads,
                       const std::int8_t* queries, std::size_t stride, std::size_t count,
                       const std::int32_t* start, const std::int32_t* limits, std::uint64_t* masks,
                       std::int32_t* dots) noexcept;

  /// Dot product of the bits `mask` of one item's low nibbles with a query: what its 8-bit product
  /// has more than that of its upper bits, up to a multiple of the sum of the query's codes.
  /// `halves`: the codes that meet the low halves of the item's bytes, padded with zeros to `half`
  /// bytes, a multiple of kLowPadding, and those that meet the high halves. Requires kLowPadding
  /// readable bytes after the item's.
  std::int32_t (*low_product)(const std::uint8_t* low, std::size_t quads, const std::int8_t* halves,
                              std::size_t half, std::uint8_t mask) noexcept;

  NarrowKernels narrow;

  /// limits[q]: a product below it cannot reach the query's threshold, whatever the item of the
  /// tile. With m = threshold - error_factor * error - norm_factor * norm - bias: m / (scale of the
  /// query * scale), rounded down, where the item's scale is the largest if m > 0, else the
  /// smallest. Everything passes where that is no number.
  void (*limits)(std::size_t count, const CodeQueryTerms& query, const CodeTileTerms& tile,
                 std::int32_t* limits) noexcept;
};

struct KernelTable {
  const char* name;

  /// dot64(q, x), x f32 or f16 (index: DType). Exactly reference::dot64, bit for bit.
  /// Requires d readable elements at q and x, no alignment.
  double (*dot64[2])(const float* q, const void* x, std::size_t d) noexcept;
  /// dots[r] = dot64(q[r], x[r]) of four pairs.
  void (*dot64_four[2])(const float* const* q, const void* const* x, std::size_t d,
                        double* dots) noexcept;

  /// Writes n <= 64 packed rows as a panel: panel[j * 64 + i] = rows[i][j] in f32, zero for i >= n.
  /// Requires panel 64-byte aligned, 64 * d floats; kReadPadding readable bytes after the last row.
  void (*pack_panel[2])(const void* rows, std::size_t n, std::size_t d, float* panel) noexcept;

  /// f32 screen of one tile against `count` queries. Bit i of masks[q] is set unless
  ///   fl(q·x_i) * scale[i] + (query_bias[q] * bias[i] + slack[i]) < threshold[q]
  /// (so a NaN survives). Sums may be in any order with d + 8 roundings at most. Bits of absent
  /// items are arbitrary. Requires queries at `queries + q * stride`, panel from pack_panel.
  void (*screen_panel)(const float* panel, std::size_t d, const float* queries, std::size_t stride,
                       std::size_t count, const TileTerms& terms, const float* query_bias,
                       const float* threshold, std::uint64_t* masks) noexcept;

  /// The same for one query straight from n <= 64 packed rows (f32 or f16), for batches too small
  /// to pay for a panel. Requires the query padded with zeros to kQueryPadding elements;
  /// kReadPadding readable bytes after the last row.
  std::uint64_t (*screen_rows[2])(const void* rows, std::size_t n, std::size_t d,
                                  const float* query, const TileTerms& terms, float query_bias,
                                  float threshold) noexcept;

  /// logits[q * 64 + i] = fma(q·x_i, scale[i], bias[i]), the dot product summed in f32 by fused
  /// multiply-adds in ascending j: the same bits in every table. Requires a panel from pack_panel;
  /// scale, bias and logits aligned.
  void (*logits_panel)(const float* panel, std::size_t d, const float* queries, std::size_t stride,
                       std::size_t count, const float* scale, const float* bias,
                       float* logits) noexcept;

  /// Adds one tile's logits [count, 64] to the queries' sums: the same bits in every table. A logit
  /// that lies more than 87 below its lane's `largest` adds nothing. Requires finite logits; a
  /// state starts with a finite `largest` below every logit that counts, and zeros.
  void (*accumulate_exp)(const float* logits, std::size_t count, SoftmaxState* states) noexcept;

  CodeKernels codes;
};

/// The specification, in plain code; runs everywhere.
const KernelTable& reference_table() noexcept;

/// The tables of the vector instruction sets that this build holds. Call only what the CPU can run.
#if defined(MAXDOT_KERNELS_X86)
const KernelTable& avx2_table() noexcept;
const KernelTable& avxvnni_table() noexcept;
const KernelTable& avx512_table() noexcept;
const KernelTable& avx512vnni_table() noexcept;
const KernelTable& amx_table() noexcept;
#endif
#if defined(MAXDOT_KERNELS_NEON)
const KernelTable& neon_table() noexcept;
const KernelTable& neondot_table() noexcept;
const KernelTable& neoni8mm_table() noexcept;
#endif

/// Every table that this build holds, this CPU can run and MAXDOT_CPU_MASK leaves, best first; the
/// reference is last. For tests and dispatch. Throws Error (invalid_argument) if MAXDOT_CPU_MASK
/// names no mask.
std::vector<const KernelTable*> runnable_tables();

/// The table that use_table named last; else the best one for this CPU, or the one that MAXDOT_ISA
/// names, decided once. Throws Error (unsupported, invalid_argument) if MAXDOT_ISA names a table
/// that cannot run here, or MAXDOT_CPU_MASK no mask.
const KernelTable& active_table();

/// From now on that table is active. Throws Error (unsupported, invalid_argument) if it cannot run
/// here or there is none.
void use_table(std::string_view name);

}  // namespace maxdot::kernels
