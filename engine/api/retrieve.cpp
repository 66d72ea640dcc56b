// The best k + e items of a user with e exclusions hold the best k others, so that many are searched for and
// the excluded ones dropped. Users with about as many exclusions are searched together.

#include "api/retrieve.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <numeric>
#include <string>

#include "maxdot/error.hpp"
#include "maxdot/matrix.hpp"

namespace maxdot::api {
namespace {

// Results of one search at once: enough queries to be fast, within tens of megabytes.
constexpr std::size_t kResultsAtOnce = std::size_t{1} << 21;
constexpr std::size_t kMostQueriesAtOnce = 4096;

std::size_t queries_at_once(std::size_t width) {
  return std::clamp<std::size_t>(kResultsAtOnce / width, 1, kMostQueriesAtOnce);
}

Matrix gather(const MatrixView& users, const std::size_t* rows, std::size_t count) {
  Matrix gathered(count, users.cols, users.dtype);
  const std::size_t row_bytes = users.cols * size_of(users.dtype);
  auto* out = static_cast<unsigned char*>(gathered.data());
  for (std::size_t i = 0; i < count; ++i) std::memcpy(out + i * row_bytes, users.row(rows[i]), row_bytes);
  return gathered;
}

class Retrieval {
 public:
  Retrieval(const Index& index, const MatrixView& users, std::size_t k, const evaluate::IdLists& exclude,
            const SearchOptions& options)
      : index_(index), users_(users), k_(k), exclude_(exclude), options_(options), ids_(users.rows * k, -1) {}

  std::vector<std::int64_t> run() {
    std::vector<std::size_t> order(users_.rows);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return excluded(a).size() < excluded(b).size(); });
    for (std::size_t begin = 0; begin < order.size();) {
      // Twice the fewest exclusions is the most that a search shares: nobody pays for another's long list.
      const std::size_t most = 2 * excluded(order[begin]).size() + 16;
      const std::size_t limit = std::min(order.size(), begin + queries_at_once(k_ + most));
      std::size_t end = begin;
      while (end < limit && excluded(order[end]).size() <= most) ++end;
      search(order.data() + begin, end - begin, k_ + excluded(order[end - 1]).size());
      begin = end;
    }
    return std::move(ids_);
  }

 private:
  std::span<const std::int64_t> excluded(std::size_t user) const noexcept {
    return exclude_.size() == 0 ? std::span<const std::int64_t>{} : exclude_.of(user);
  }

  void search(const std::size_t* rows, std::size_t count, std::size_t wanted) {
    const std::size_t width = std::min(wanted, std::max<std::size_t>(1, index_.size()));
    const Matrix queries = gather(users_, rows, count);
    found_.resize(count * width);
    scores_.resize(count * width);
    index_.search(queries.view(), width, {found_.data(), scores_.data(), nullptr}, options_);
    for (std::size_t i = 0; i < count; ++i) keep(rows[i], found_.data() + i * width, width);
  }

  void keep(std::size_t user, const std::int64_t* found, std::size_t width) {
    dropped_.assign(excluded(user).begin(), excluded(user).end());
    std::sort(dropped_.begin(), dropped_.end());
    std::int64_t* out = ids_.data() + user * k_;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < width && kept < k_; ++i) {
      if (!std::binary_search(dropped_.begin(), dropped_.end(), found[i])) out[kept++] = found[i];
    }
  }

  const Index& index_;
  const MatrixView& users_;
  std::size_t k_;
  const evaluate::IdLists& exclude_;
  SearchOptions options_;
  std::vector<std::int64_t> ids_;
  std::vector<std::int64_t> found_;
  std::vector<double> scores_;
  std::vector<std::int64_t> dropped_;
};

}  // namespace

std::vector<std::int64_t> retrieve(const Index& index, const MatrixView& users, std::size_t k,
                                   const evaluate::IdLists& exclude, std::optional<Metric> metric,
                                   int threads) {
  try {
    return Retrieval(index, users, k, exclude, {threads, metric}).run();
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::out_of_memory, "no memory for the " + std::to_string(k) + " best items of " +
                                              std::to_string(users.rows) +
                                              " users; use a smaller k or fewer users");
  }
}

}  // namespace maxdot::api
