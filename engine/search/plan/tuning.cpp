#include "search/plan/tuning.hpp"

#include <atomic>
#include <cstddef>
#include <limits>
#include <string_view>

namespace maxdot::search {
namespace {

// [items per result] More than any catalogue has.
constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();

// Measured on a server with AVX-512 VNNI.
constexpr Tuning kAvx512Vnni = {
    .coarse_queries = 2,
    .coarse_queries_for_few = 4,
    .coarse_results = 32,
    .items_per_result_five = kNever,
    .items_per_result_six = kNever,
    .items_per_result_six_of_few = kNever,
    .fewest_items = 1024,
    .items_per_result_of_few = 16,
    .items_per_result = 4,
    .items_per_row_coarse = 5,
    .items_per_row = 24,
    .items_per_row_large = 64,
    .code_block = 256,
    .tasks_of_few = 1,
    .tasks = 4,
    .large_batch = 64,
    .sample_step = 16,
    .sparse_step = 48,
    .sparse_tiles = 768,
    .deferred_coarse = 4096,
    .deferred = 512,
    .deferred_per_result = 6,
    .coarse_tiles_ahead = 16,
    .fine_tiles_ahead = 4,
    .direct_queries = 8,
};

// A tile takes so little time that a shorter way ahead is long enough. Measured with AMX.
constexpr Tuning amx() {
  Tuning tuning = kAvx512Vnni;
  tuning.fine_tiles_ahead = 2;
  return tuning;
}

// Where three instructions take the place of one, batches read narrow codes. Measured with AVX2
// alone (a mask of features on the same server).
constexpr Tuning avx2() {
  Tuning tuning = kAvx512Vnni;
  tuning.items_per_result_five = 2000;
  tuning.items_per_result_six = 500;
  tuning.items_per_result_six_of_few = 2000;
  tuning.items_per_row_large = 24;
  return tuning;
}

// The same with AVX-512 and no VNNI, where 8-bit codes lose less.
constexpr Tuning avx512() {
  Tuning tuning = avx2();
  tuning.items_per_result_six = 1000;
  tuning.items_per_result_six_of_few = 4000;
  return tuning;
}

struct Family {
  std::string_view kernels;
  Tuning tuning;
};

// A family that was not measured by itself takes the values of the first.
constexpr Family kFamilies[] = {
    {"amx", amx()},
    {"avx512vnni", kAvx512Vnni},
    {"avx512", avx512()},
    {"avxvnni", kAvx512Vnni},
    {"avx2", avx2()},
    {"neoni8mm", kAvx512Vnni},
    {"neondot", kAvx512Vnni},
    {"neon", kAvx512Vnni},
    {"reference", kAvx512Vnni},
};

std::atomic<const Tuning*> forced = nullptr;

}  // namespace

const Tuning& tuning_of(const kernels::KernelTable& table) noexcept {
  if (const Tuning* tuning = forced.load(std::memory_order_acquire)) return *tuning;
  for (const Family& family : kFamilies) {
    if (family.kernels == table.name) return family.tuning;
  }
  return kFamilies[0].tuning;
}

void force_tuning(const Tuning* tuning) noexcept {
  forced.store(tuning, std::memory_order_release);
}

}  // namespace maxdot::search
