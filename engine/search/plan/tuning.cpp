#include "search/plan/tuning.hpp"

#include <string_view>

namespace maxdot::search {
namespace {

// Measured on a server with AVX-512 VNNI.
constexpr Tuning kAvx512Vnni = {
    .coarse_queries = 2,
    .coarse_queries_for_few = 4,
    .coarse_results = 32,
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

struct Family {
  std::string_view kernels;
  Tuning tuning;
};

// A family that was not measured by itself takes the values of the first.
constexpr Family kFamilies[] = {
    {"avx512vnni", kAvx512Vnni}, {"avx512", kAvx512Vnni},  {"avxvnni", kAvx512Vnni},
    {"avx2", kAvx512Vnni},       {"neondot", kAvx512Vnni}, {"neon", kAvx512Vnni},
    {"reference", kAvx512Vnni},
};

}  // namespace

const Tuning& tuning_of(const kernels::KernelTable& table) noexcept {
  for (const Family& family : kFamilies) {
    if (family.kernels == table.name) return family.tuning;
  }
  return kFamilies[0].tuning;
}

}  // namespace maxdot::search
