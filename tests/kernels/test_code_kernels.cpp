// The integer kernels of the code screens: every instruction set of this machine against the
// reference, bit for bit, in memory that ends where it may no longer be read.

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "kernels/kernels.hpp"
#include "store/layout.hpp"
#include "support.hpp"

using namespace maxdot;
using kernels::kTileItems;

namespace {

const std::size_t kDimensions[] = {1, 3, 4, 5, 8, 64, 100, 127, 128, 1000, 4096};

struct Planes {
  base::AlignedBuffer<std::uint8_t> high;
  base::AlignedBuffer<std::uint8_t> low;
};

/// One tile of random codes in 1 to 255, as quantize_tile would make them; `extreme` takes the
/// largest only.
Planes random_planes(std::size_t d, test::Random& random, bool extreme) {
  const std::size_t bytes = store::plane_tile_bytes(d);
  Planes planes{base::AlignedBuffer<std::uint8_t>(bytes, "codes"),
                base::AlignedBuffer<std::uint8_t>(store::low_tile_bytes(d), "codes")};
  std::memset(planes.high.data(), 0, bytes);
  std::memset(planes.low.data(), 0, planes.low.size());
  for (std::size_t i = 0; i < kTileItems; ++i) {
    for (std::size_t j = 0; j < d; ++j) {
      const std::size_t code = extreme ? 255 : 1 + random.below(255);
      const int shift = store::high_is_upper(i) ? 4 : 0;
      planes.high[store::high_byte(d, i, j)] |= static_cast<std::uint8_t>((code >> 4) << shift);
      const int low_shift = store::low_is_upper(d, j) ? 4 : 0;
      planes.low[store::low_byte(d, i, j)] |= static_cast<std::uint8_t>((code & 15) << low_shift);
    }
  }
  return planes;
}

struct Queries {
  std::vector<std::int8_t> codes;
  std::size_t stride;
  std::size_t count;
  std::vector<std::int32_t> sums;
};

/// Within what the table allows; the last dimensions of a quad are zero.
Queries random_queries(std::size_t d, std::size_t count, int most, test::Random& random,
                       bool extreme) {
  Queries queries{{}, (d + 63) / 64 * 64, count, std::vector<std::int32_t>(count, 0)};
  queries.codes.assign(count * queries.stride, 0);
  for (std::size_t q = 0; q < count; ++q) {
    for (std::size_t j = 0; j < d; ++j) {
      const int code =
          extreme ? (q % 2 == 0 ? most : -most)
                  : static_cast<int>(random.below(static_cast<std::size_t>(2 * most + 1))) - most;
      queries.codes[q * queries.stride + j] = static_cast<std::int8_t>(code);
      queries.sums[q] += code;
    }
  }
  return queries;
}

std::vector<std::int32_t> starts(const Queries& queries, int offset) {
  std::vector<std::int32_t> start;
  for (const std::int32_t sum : queries.sums) start.push_back(-offset * sum);
  return start;
}

/// Elements that end at a page which may not be read: AddressSanitizer sees no load of inline
/// assembly (AMX, AVX2). What a kernel may read behind them is `padding` bytes of 0xaa.
template <typename T>
class Fenced {
 public:
  explicit Fenced(std::size_t count, std::size_t padding = 0)
      : count_(count),
        inside_(whole_pages(count * sizeof(T) + padding)),
        memory_(static_cast<unsigned char*>(mmap(nullptr, inside_ + page(), PROT_READ | PROT_WRITE,
                                                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
    REQUIRE(memory_ != MAP_FAILED);
    REQUIRE(mprotect(memory_ + inside_, page(), PROT_NONE) == 0);
    std::memset(memory_, 0xaa, inside_);
    data_ = reinterpret_cast<T*>(memory_ + inside_ - padding - count * sizeof(T));
  }
  Fenced(const T* values, std::size_t count, std::size_t padding = 0) : Fenced(count, padding) {
    std::copy_n(values, count, data_);
  }
  ~Fenced() { munmap(memory_, inside_ + page()); }
  Fenced(const Fenced&) = delete;
  Fenced& operator=(const Fenced&) = delete;

  T* data() noexcept { return data_; }
  std::vector<T> values() const { return {data_, data_ + count_}; }

 private:
  static std::size_t page() { return static_cast<std::size_t>(sysconf(_SC_PAGESIZE)); }
  static std::size_t whole_pages(std::size_t bytes) {
    return (bytes + page() - 1) / page() * page();
  }

  std::size_t count_;
  std::size_t inside_;
  unsigned char* memory_;
  T* data_;
};

struct Answer {
  std::vector<std::uint64_t> masks;
  std::vector<std::int32_t> dots;
};

enum class Kernel { fine, coarse, stream };

Answer ask(const kernels::CodeKernels& codes, Kernel kernel, const Planes& planes,
           std::size_t quads, const Queries& queries, const std::vector<std::int32_t>& limits) {
  const std::size_t d = 4 * quads;
  Fenced<std::uint8_t> high(planes.high.data(), store::plane_tile_bytes(d));
  Fenced<std::uint8_t> low(planes.low.data(), store::low_tile_bytes(d), kernels::kLowPadding);
  Fenced<std::int8_t> asked(queries.codes.data(), queries.codes.size());
  const std::vector<std::int32_t> all_starts =
      starts(queries, kernel == Kernel::fine ? codes.offset : codes.coarse_offset);
  Fenced<std::int32_t> start(all_starts.data(), queries.count);
  Fenced<std::int32_t> least(limits.data(), queries.count);
  Fenced<std::uint64_t> masks(queries.count);
  Fenced<std::int32_t> dots(queries.count * kTileItems);
  if (kernel == Kernel::stream) {
    codes.stream_codes(high.data(), high.data(), quads, asked.data(), queries.stride, queries.count,
                       start.data(), least.data(), masks.data(), dots.data());
    return {masks.values(), dots.values()};
  }
  Fenced<std::uint8_t> tile(store::expanded_tile_bytes(d));
  if (kernel == Kernel::fine) {
    codes.expand_fine(high.data(), low.data(), quads, tile.data());
  } else {
    codes.expand_coarse(high.data(), quads, tile.data());
  }
  codes.begin();
  codes.screen_codes(tile.data(), quads, asked.data(), queries.stride, queries.count, start.data(),
                     least.data(), {high.data(), low.data(), quads}, masks.data(), dots.data());
  codes.end();
  return {masks.values(), dots.values()};
}

}  // namespace

TEST_CASE("code kernels give the reference's masks and products on every instruction set") {
  const kernels::CodeKernels& reference = kernels::reference_table().codes;
  for (const kernels::KernelTable* table : kernels::runnable_tables()) {
    CAPTURE(table->name);
    for (const std::size_t d : kDimensions) {
      CAPTURE(d);
      const std::size_t quads = store::quads_of(d);
      test::Random random(d);
      for (const bool extreme : {false, true}) {
        const Planes planes = random_planes(d, random, extreme);
        for (const Kernel kernel : {Kernel::fine, Kernel::coarse, Kernel::stream}) {
          for (const std::size_t count : std::vector<std::size_t>{1, 2, 3, 4, 15, 16, 17, 40}) {
            if (kernel == Kernel::stream && count > kernels::kMaxStreamQueries) continue;
            const Queries queries =
                random_queries(d, count, table->codes.max_query_code, random, extreme);
            // The first pass lets everything through; the second stands right on a product that
            // occurs.
            std::vector<std::int32_t> limits(count, std::numeric_limits<std::int32_t>::min());
            const Answer all = ask(reference, kernel, planes, quads, queries, limits);
            const Answer got_all = ask(table->codes, kernel, planes, quads, queries, limits);
            REQUIRE(got_all.masks == all.masks);
            REQUIRE(got_all.dots == all.dots);
            for (std::size_t q = 0; q < count; ++q)
              limits[q] = all.dots[q * kTileItems + random.below(kTileItems)];
            const Answer some = ask(reference, kernel, planes, quads, queries, limits);
            const Answer got = ask(table->codes, kernel, planes, quads, queries, limits);
            REQUIRE(got.masks == some.masks);
            for (std::size_t i = 0; i < got.dots.size(); ++i) {
              if (((got.masks[i / kTileItems] >> (i % kTileItems)) & 1) != 0)
                REQUIRE(got.dots[i] == some.dots[i]);
            }
          }
        }
      }
    }
  }
}

TEST_CASE("what the low nibbles add to a coarse product makes it the fine one, from every table") {
  for (const kernels::KernelTable* table : kernels::runnable_tables()) {
    CAPTURE(table->name);
    for (const std::size_t d : kDimensions) {
      CAPTURE(d);
      const std::size_t quads = store::quads_of(d);
      const std::size_t low = store::low_bytes(d);
      const std::size_t half =
          (low + kernels::kLowPadding - 1) / kernels::kLowPadding * kernels::kLowPadding;
      test::Random random(d + 1);
      for (const bool extreme : {false, true}) {
        const Planes planes = random_planes(d, random, extreme);
        const Queries queries = random_queries(d, 2, table->codes.max_query_code, random, extreme);
        const std::vector<std::int32_t> limits(queries.count,
                                               std::numeric_limits<std::int32_t>::min());
        const Answer fine = ask(table->codes, Kernel::fine, planes, quads, queries, limits);
        const Answer coarse = ask(table->codes, Kernel::coarse, planes, quads, queries, limits);
        for (std::size_t q = 0; q < queries.count; ++q) {
          std::vector<std::int8_t> halves(2 * half, 0);
          for (std::size_t j = 0; j < d; ++j) {
            halves[j < low ? j : half + j - low] = queries.codes[q * queries.stride + j];
          }
          for (std::size_t i = 0; i < kTileItems; ++i) {
            const std::int32_t low_product = table->codes.low_product(
                planes.low.data() + i * low, quads, halves.data(), half, 15);
            const std::int32_t added = low_product - 8 * queries.sums[q];
            REQUIRE(coarse.dots[q * kTileItems + i] + added == fine.dots[q * kTileItems + i]);
          }
        }
      }
    }
  }
}

namespace {

int code_of(const Planes& planes, std::size_t d, std::size_t i, std::size_t j) {
  const int high = planes.high[store::high_byte(d, i, j)] >> (store::high_is_upper(i) ? 4 : 0);
  const int low = planes.low[store::low_byte(d, i, j)] >> (store::low_is_upper(d, j) ? 4 : 0);
  return (high & 15) * 16 + (low & 15);
}

/// Within what kernels::narrow_most allows: `extreme` takes all of it, of one sign for each query.
Queries narrow_queries(std::size_t d, std::size_t count, int bits, test::Random& random,
                       bool extreme) {
  Queries queries = random_queries(d, count, 127, random, extreme);
  const std::size_t span = kernels::narrow_span(bits) * store::kQuadDimensions;
  for (std::size_t q = 0; q < count; ++q) {
    queries.sums[q] = 0;
    int sums[2] = {0, 0};
    for (std::size_t j = 0; j < d; ++j) {
      if (j % span == 0) sums[0] = sums[1] = 0;
      std::int8_t& code = queries.codes[q * queries.stride + j];
      const int left = kernels::narrow_most(bits) - sums[j / 2 % 2];
      code = static_cast<std::int8_t>(std::clamp<int>(code, -left, left));
      sums[j / 2 % 2] += std::abs(code);
      queries.sums[q] += code;
    }
  }
  return queries;
}

}  // namespace

TEST_CASE("narrow kernels give the products of the upper bits, and the low nibbles the rest") {
  for (const kernels::KernelTable* table : kernels::runnable_tables()) {
    const kernels::NarrowKernels& narrow = table->codes.narrow;
    CHECK((narrow.screen == nullptr) == (narrow.stream == nullptr));
    CHECK((narrow.screen == nullptr) == (narrow.expand == nullptr));
    if (narrow.screen == nullptr) continue;
    CAPTURE(table->name);
    for (const std::size_t d : kDimensions) {
      CAPTURE(d);
      const std::size_t quads = store::quads_of(d);
      const std::size_t low = store::low_bytes(d);
      const std::size_t half =
          (low + kernels::kLowPadding - 1) / kernels::kLowPadding * kernels::kLowPadding;
      test::Random random(d + 2);
      for (const bool extreme : {false, true}) {
        const Planes planes = random_planes(d, random, extreme);
        for (int bits = kernels::kFewestNarrowBits; bits <= kernels::kMostNarrowBits; ++bits) {
          CAPTURE(bits);
          const int unit = 1 << (8 - bits);
          for (const std::size_t count : std::vector<std::size_t>{1, 2, 3, 4, 15}) {
            const Queries queries = narrow_queries(d, count, bits, random, extreme);
            std::vector<std::int32_t> upper(count * kTileItems, 0);
            std::vector<std::int32_t> whole(count * kTileItems, 0);
            for (std::size_t at = 0; at < upper.size(); ++at) {
              for (std::size_t j = 0; j < d; ++j) {
                const int query = queries.codes[at / kTileItems * queries.stride + j];
                const int code = code_of(planes, d, at % kTileItems, j);
                upper[at] += query * (code / unit);
                whole[at] += query * (code - 128);
              }
            }
            std::vector<std::int32_t> limits(count);
            for (std::size_t q = 0; q < count; ++q)
              limits[q] = upper[q * kTileItems + random.below(kTileItems)];
            const auto check = [&](const Answer& answer) {
              for (std::size_t at = 0; at < upper.size(); ++at) {
                const std::size_t q = at / kTileItems;
                const bool reaches = ((answer.masks[q] >> (at % kTileItems)) & 1) != 0;
                REQUIRE(reaches == (upper[at] >= limits[q]));
                if (reaches) REQUIRE(answer.dots[at] == upper[at]);
              }
            };
            Fenced<std::uint8_t> high(planes.high.data(), store::plane_tile_bytes(d));
            Fenced<std::uint8_t> lower(planes.low.data(), store::low_tile_bytes(d),
                                       kernels::kLowPadding);
            Fenced<std::int8_t> asked(queries.codes.data(), queries.codes.size());
            Fenced<std::int32_t> least(limits.data(), count);
            Fenced<std::uint64_t> masks(count);
            Fenced<std::int32_t> dots(count * kTileItems);
            Fenced<std::uint8_t> tile(store::expanded_tile_bytes(d));
            narrow.expand(high.data(), lower.data(), quads, bits, tile.data());
            narrow.screen(tile.data(), quads, bits, asked.data(), queries.stride, count,
                          least.data(), {high.data(), lower.data(), quads}, masks.data(),
                          dots.data());
            check({masks.values(), dots.values()});
            if (bits == kernels::kFewestNarrowBits && count <= kernels::kMaxStreamQueries) {
              narrow.stream(high.data(), high.data(), quads, asked.data(), queries.stride, count,
                            least.data(), masks.data(), dots.data());
              check({masks.values(), dots.values()});
            }
            std::vector<std::int8_t> halves(2 * half, 0);
            for (std::size_t j = 0; j < d; ++j)
              halves[j < low ? j : half + j - low] = queries.codes[j];
            for (std::size_t i = 0; i < kTileItems; ++i) {
              const std::int32_t rest =
                  table->codes.low_product(planes.low.data() + i * low, quads, halves.data(), half,
                                           static_cast<std::uint8_t>(unit - 1));
              REQUIRE(upper[i] * unit + rest - 128 * queries.sums[0] == whole[i]);
            }
          }
        }
      }
    }
  }
}

TEST_CASE("limits are the same from every table, and let through what is no number") {
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> threshold = {1.0F, -1.0F, 0.0F, -infinity, 1e38F, 0.3F, 0.3F};
  const std::vector<float> inverse_scale = {100.0F, 100.0F,   100.0F, 100.0F,
                                            100.0F, infinity, 100.0F};
  const std::vector<float> error(threshold.size(), 1.0F);
  const std::vector<float> rest(threshold.size(), 0.001F);
  const kernels::CodeQueryTerms query = {threshold.data(), inverse_scale.data(), error.data(),
                                         rest.data()};
  constexpr std::int32_t kAll = -(1 << 30);      // no product is as small
  constexpr std::int32_t kNone = (1 << 30) - 1;  // nor as large as this
  for (const kernels::KernelTable* table : kernels::runnable_tables()) {
    CAPTURE(table->name);
    std::vector<std::int32_t> limits(threshold.size());
    table->codes.limits(limits.size(), query, {0.01F, 0.005F, 0.1F, 1.0F, 0.0F}, limits.data());
    CHECK(limits[0] > 8900);
    CHECK(limits[0] <= 8990);   // (1 - 0.1 - 0.001) * 100 / 0.01
    CHECK(limits[1] < -22019);  // (-1 - 0.1 - 0.001) * 100 / 0.005
    CHECK(limits[1] > -22100);
    CHECK(limits[2] < -2019);
    CHECK(limits[3] <= kAll);
    CHECK(limits[4] >= kNone);
    CHECK(limits[5] >= kNone);  // a zero query reaches nothing above its errors
    table->codes.limits(limits.size(), query, {0.0F, 0.0F, infinity, 1.0F, 0.0F}, limits.data());
    for (const std::int32_t limit : limits) CHECK(limit <= kAll);
  }
}
