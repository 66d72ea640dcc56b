// No table is chosen on a CPU that lacks anything its kernels were compiled with.

#include <doctest/doctest.h>

#include <cstdint>
#include <initializer_list>

#include "kernels/cpu_features.hpp"
#include "maxdot/error.hpp"

TEST_CASE("a mask hides what lies above it and adds nothing") {
  using maxdot::kernels::below_mask;
  using maxdot::kernels::CpuFeatures;
  const auto same = [](const CpuFeatures& a, const CpuFeatures& b) {
    return a.avx2 == b.avx2 && a.avxvnni == b.avxvnni && a.avx512 == b.avx512 &&
           a.avx512vnni == b.avx512vnni && a.amx == b.amx && a.neondot == b.neondot &&
           a.neoni8mm == b.neoni8mm;
  };
  const CpuFeatures everything{.avx2 = true,
                               .avxvnni = true,
                               .avx512 = true,
                               .avx512vnni = true,
                               .amx = true,
                               .neondot = true,
                               .neoni8mm = true};
  CHECK(same(below_mask(everything, "all"), everything));
  CpuFeatures without_amx = everything;
  without_amx.amx = false;
  CHECK(same(below_mask(everything, "vnni"), without_amx));
  CHECK(same(below_mask(everything, "avx512"),
             {.avx2 = true, .avx512 = true, .neondot = true, .neoni8mm = true}));
  CHECK(same(below_mask(everything, "avx2"), {.avx2 = true, .neondot = true, .neoni8mm = true}));
  CHECK(same(below_mask(everything, "none"), {}));
  for (const char* mask : {"all", "vnni", "avx512", "avx2", "none"})
    CHECK(same(below_mask({}, mask), {}));
  for (const char* mask : {"", "AVX2", "avx2 ", "mmx"})
    CHECK_THROWS_AS(below_mask(everything, mask), maxdot::Error);
}

#if defined(__x86_64__)
using namespace maxdot::kernels;

namespace {

// A CPU that has everything, and an operating system that saves all registers.
constexpr X86Words kEverything = {~0U, ~0U, ~0U, ~0U, ~0U, ~std::uint64_t{0}};

/// What is left without the bits `mask` of one word.
template <typename Word>
CpuFeatures without(Word X86Words::*word, Word mask) {
  X86Words words = kEverything;
  words.*word &= ~mask;
  return features_of(words);
}

}  // namespace

TEST_CASE("each instruction set needs all that its flags name or imply") {
  const CpuFeatures all = features_of(kEverything);
  REQUIRE((all.avx2 && all.avxvnni && all.avx512 && all.avx512vnni && all.amx));
  // SSE3, SSSE3, FMA, SSE4.1, SSE4.2, POPCNT, XSAVE, OSXSAVE, AVX, F16C
  for (const int bit : {0, 9, 12, 19, 20, 23, 26, 27, 28, 29}) {
    CAPTURE(bit);
    const CpuFeatures left = without(&X86Words::leaf1_ecx, 1U << bit);
    CHECK_FALSE((left.avx2 || left.avxvnni || left.avx512 || left.avx512vnni));
  }
  CHECK_FALSE(without(&X86Words::leaf7_ebx, 1U << 5).avx512vnni);  // AVX2
  CHECK_FALSE(without(&X86Words::leaf7_ebx, 1U << 5).avxvnni);
  // AVX-512 F, DQ, CD, BW, VL
  for (const int bit : {16, 17, 28, 30, 31}) {
    CAPTURE(bit);
    const CpuFeatures left = without(&X86Words::leaf7_ebx, 1U << bit);
    CHECK((left.avx2 && left.avxvnni));
    CHECK_FALSE((left.avx512 || left.avx512vnni));
  }
  const CpuFeatures no_vnni = without(&X86Words::leaf7_ecx, 1U << 11);
  CHECK((no_vnni.avx512 && !no_vnni.avx512vnni && !no_vnni.amx && no_vnni.avxvnni));
  for (const int bit : {24, 25}) {  // AMX-TILE, AMX-INT8
    const CpuFeatures left = without(&X86Words::leaf7_edx, 1U << bit);
    CHECK((left.avx512vnni && !left.amx));
  }
  const CpuFeatures no_avxvnni = without(&X86Words::leaf7_1_eax, 1U << 4);
  CHECK((no_avxvnni.avx512vnni && !no_avxvnni.avxvnni));
}

TEST_CASE("an instruction set needs an operating system that saves its registers") {
  for (const int bit : {1, 2}) {  // SSE, AVX
    CHECK_FALSE(without(&X86Words::xcr0, std::uint64_t{1} << bit).avx2);
  }
  for (const int bit : {5, 6, 7}) {  // masks, upper halves, upper registers
    const CpuFeatures left = without(&X86Words::xcr0, std::uint64_t{1} << bit);
    CHECK((left.avx2 && !left.avx512 && !left.avx512vnni));
  }
  for (const int bit : {17, 18}) {  // the configuration of AMX, its data
    const CpuFeatures left = without(&X86Words::xcr0, std::uint64_t{1} << bit);
    CHECK((left.avx512vnni && !left.amx));
  }
  CHECK_FALSE(features_of({}).avx2);
}

TEST_CASE("this CPU's words can be read, and detection is what they say") {
  const CpuFeatures read = features_of(read_x86_words());
  const CpuFeatures detected = detect_cpu_features();
  CHECK(read.avx2 == detected.avx2);
  CHECK(read.avx512vnni == detected.avx512vnni);
  CHECK(read.amx == detected.amx);
  // What was granted once is granted again.
  if (detected.amx && tile_data_permitted()) CHECK(tile_data_permitted());
  // The compiler's own detection knows of no feature less.
  CHECK((!detected.avx2 || __builtin_cpu_supports("avx2") != 0));
  CHECK((!detected.avx512 || __builtin_cpu_supports("avx512cd") != 0));
  CHECK((!detected.avx512vnni || __builtin_cpu_supports("avx512vnni") != 0));
}
#endif
