// A catalogue that is replaced again and again under load: every answer must be that of one of its
// versions, none may fail, and the memory of those that are gone must come back.
//
//   maxdot_live_swaps --swaps 1000
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "maxdot/maxdot.hpp"
#include "support.hpp"

using namespace maxdot;
using namespace maxdot::test;

namespace {

constexpr std::size_t kItems = 40'000;
constexpr std::size_t kDimension = 64;
constexpr std::size_t kModels = 4;
constexpr std::size_t kQueries = 16;
constexpr std::size_t kCallers = 8;
constexpr std::size_t kK = 10;

/// [MB] Resident.
double resident() {
  std::ifstream file("/proc/self/statm");
  double pages = 0;
  double resident_pages = 0;
  file >> pages >> resident_pages;
  return resident_pages * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

struct Catalogues {
  std::vector<std::string> paths;
  std::vector<SearchResult> answers;  // of each, to all queries
};

Catalogues make_catalogues(const std::string& folder, const Rows& queries) {
  Catalogues made;
  for (std::size_t m = 0; m < kModels; ++m) {
    const Rows rows = gaussian_rows(kItems + 100 * m, kDimension, m + 1);
    const Index index = Index::build(rows.view(), {.metric = Metric::dot});
    made.paths.push_back(folder + "/model-" + std::to_string(m) + ".maxdot");
    index.save(made.paths.back());
    made.answers.push_back(index.search(queries.view(), kK));
  }
  return made;
}

bool is_of_one(const SearchResult& got, std::size_t q, const Catalogues& catalogues) {
  for (const SearchResult& answers : catalogues.answers) {
    const auto begin = static_cast<std::ptrdiff_t>(q * kK);
    if (std::equal(got.ids.begin(), got.ids.end(), answers.ids.begin() + begin) &&
        std::equal(got.scores.begin(), got.scores.end(), answers.scores.begin() + begin))
      return true;
  }
  return false;
}

int run(std::size_t swaps, const std::string& folder) {
  const Rows queries = gaussian_rows(kQueries, kDimension, 99);
  const Catalogues catalogues = make_catalogues(folder, queries);
  LiveIndex live = LiveIndex::create(folder + "/live", kDimension);
  live.replace(catalogues.paths[0]);
  Batcher batcher(live);
  std::atomic<bool> ends = false;
  std::atomic<std::uint64_t> answers = 0;
  std::atomic<std::uint64_t> wrong = 0;
  std::vector<std::thread> callers;
  for (std::size_t c = 0; c < kCallers; ++c) {
    callers.emplace_back([&, c] {
      for (std::size_t i = c; !ends; ++i) {
        const std::size_t q = i % kQueries;
        const MatrixView query =
            MatrixView::f32(queries.values.data() + q * kDimension, 1, kDimension);
        try {
          // Half of them by the Batcher.
          const SearchResult got = c % 2 == 0 ? batcher.search(query, kK) : live.search(query, kK);
          if (!is_of_one(got, q, catalogues)) ++wrong;
        } catch (const Error& error) {
          std::cerr << error.what() << '\n';
          ++wrong;
        }
        ++answers;
      }
    });
  }
  double before = 0.0;
  for (std::size_t swap = 1; swap <= swaps; ++swap) {
    live.replace(catalogues.paths[swap % kModels]);
    if (swap == std::min<std::size_t>(20, swaps)) {
      live.compact();
      before = resident();
    }
  }
  ends = true;
  for (std::thread& caller : callers) caller.join();
  live.compact();
  malloc_trim(0);
  const double after = resident();
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder + "/live"))
    files += entry.path().extension() == ".maxdot" ? std::size_t{1} : std::size_t{0};
  std::cout << swaps << " swaps under " << kCallers << " callers: " << answers << " answers, "
            << wrong << " wrong; resident " << before << " MB after 20 swaps, " << after
            << " MB at the end; " << files << " segment in the folder\n";
  // What one catalogue occupies and half as much again is more than any noise.
  constexpr double kOneCatalogue = kItems * kDimension * 5.5 / 1e6;
  return wrong == 0 && files == 1 && after <= before + 1.5 * kOneCatalogue ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const bool given = argc == 3 && std::string(argv[1]) == "--swaps";
  if (argc != 1 && !given) {
    std::cerr << "usage: maxdot_live_swaps [--swaps 1000]\n";
    return 2;
  }
  std::string folder = (std::filesystem::temp_directory_path() / "maxdot-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return 3;
  int result = 3;
  try {
    result = run(given ? std::stoull(argv[2]) : 1000, folder);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  return result;
}
