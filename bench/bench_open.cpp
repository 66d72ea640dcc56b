// Opening an index file that the page cache holds: as a server does, and with every checksum
// verified.
//
//   bench_open
//
// Opening maps the file and reads its header, so its time should not depend on the number of items;
// open_and_search adds the first query, which touches the codes. Verifying reads everything: bytes
// are those of the file.

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "maxdot/maxdot.hpp"

namespace {

using namespace maxdot;

constexpr std::size_t kDimension = 128;

std::vector<float> gaussian(std::size_t count) {
  std::mt19937_64 engine(1);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(engine);
  return values;
}

/// Index files by number of items, in a folder that goes with them.
class Files {
 public:
  Files()
      : folder_(std::filesystem::temp_directory_path() /
                ("maxdot-bench-" + std::to_string(getpid()))) {
    std::filesystem::create_directory(folder_);
  }
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;
  ~Files() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  const std::string& with(std::size_t items) {
    std::string& path = paths_[items];
    if (path.empty()) {
      path = folder_ / (std::to_string(items) + ".maxdot");
      const std::vector<float> rows = gaussian(items * kDimension);
      Index::build(MatrixView::f32(rows.data(), items, kDimension), {.metric = Metric::dot})
          .save(path);
    }
    return path;
  }

 private:
  std::filesystem::path folder_;
  std::map<std::size_t, std::string> paths_;
};

Files& files() {
  static Files made;
  return made;
}

void open(benchmark::State& state) {
  const std::string& path = files().with(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(Index::open(path).size());
}

void open_and_search(benchmark::State& state) {
  const std::string& path = files().with(static_cast<std::size_t>(state.range(0)));
  const std::vector<float> values = gaussian(kDimension);
  const MatrixView query = MatrixView::f32(values.data(), 1, kDimension);
  for (auto _ : state)
    benchmark::DoNotOptimize(Index::open(path).search(query, 10, {.threads = 1}));
}

void open_verified(benchmark::State& state) {
  const std::string& path = files().with(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(Index::open(path, {.verify_payload = true}).size());
  state.SetBytesProcessed(state.iterations() *
                          static_cast<std::int64_t>(std::filesystem::file_size(path)));
}

void sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgName("items")->Arg(1000)->Arg(200'000)->UseRealTime()->Unit(benchmark::kMicrosecond);
}

BENCHMARK(open)->Apply(sizes);
BENCHMARK(open_and_search)->Apply(sizes);
BENCHMARK(open_verified)->Apply(sizes);

}  // namespace

BENCHMARK_MAIN();
