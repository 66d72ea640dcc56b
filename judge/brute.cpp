#include "judge/brute.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <exception>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

#include "judge/arithmetic.hpp"
#include "judge/stop.hpp"
#include "judge/widen.hpp"
#include "maxdot/reference.hpp"

namespace maxdot::judge {
namespace {

constexpr std::size_t kItemTile =
    128;  // f64 copies of so many items stay in the cache while a block uses them
constexpr std::size_t kQueryBlock = 16;  // queries that one thread takes at a time

// Rows as f64, with what the metrics need of each.
struct Wide {
  std::vector<double> values;
  std::vector<Length> lengths;
};

void widen(const MatrixView& rows, std::size_t begin, std::size_t end, Wide& wide) {
  const std::size_t d = rows.cols;
  wide.values.resize((end - begin) * d);
  wide.lengths.resize(end - begin);
  for (std::size_t r = 0; r < end - begin; ++r) {
    double* row = wide.values.data() + r * d;
    widen_row(rows, begin + r, row);
    wide.lengths[r] = documented_length(row, d);
  }
}

double key_of(const Contest& contest, double dot, const Length& q, const Length& x) noexcept {
  return documented_key(contest.metric, contest.normalize, dot, q, x);
}

double reported_of(const Contest& contest, double key) noexcept {
  return documented_score(contest.metric, contest.normalize, key);
}

struct Candidate {
  double key;
  std::int64_t id;
  std::size_t row;
};

bool is_zero(const float* row, std::size_t d) noexcept {
  return std::all_of(row, row + d, [](float value) { return value == 0.0F; });
}

std::size_t count_nonzero(const MatrixView& rows, Stop& stop) {
  std::vector<float> row(rows.cols);
  std::size_t count = 0;
  for (std::size_t r = 0; r < rows.rows; ++r) {
    stop.look();
    widen_row(rows, r, row.data());
    if (!is_zero(row.data(), rows.cols)) ++count;
  }
  return count;
}

bool better(const Candidate& a, const Candidate& b) noexcept {
  return a.key != b.key ? a.key > b.key : a.id < b.id;
}

// The best k seen so far; the worst of them is at the front.
class Best {
 public:
  explicit Best(std::size_t k) : k_(k) { heap_.reserve(k); }

  void offer(const Candidate& candidate) {
    if (heap_.size() == k_) {
      if (k_ == 0 || !better(candidate, heap_.front())) return;
      std::pop_heap(heap_.begin(), heap_.end(), better);
      heap_.pop_back();
    }
    heap_.push_back(candidate);
    std::push_heap(heap_.begin(), heap_.end(), better);
  }

  const std::vector<Candidate>& sorted() {
    std::sort(heap_.begin(), heap_.end(), better);
    return heap_;
  }

 private:
  std::size_t k_;
  std::vector<Candidate> heap_;
};

// Answers queries [begin, end) for every contest. Returns how many of the keys, per contest, a more
// precise sum denies.
std::vector<std::uint64_t> answer_block(const MatrixView& items, const MatrixView& queries,
                                        std::span<const std::int64_t> ids, std::size_t begin,
                                        std::size_t end, std::span<const Contest> contests,
                                        std::vector<Truth>& truths, Stop& stop) {
  const std::size_t d = items.cols;
  Wide q;
  widen(queries, begin, end, q);
  std::vector<Best> best;  // [query, contest]
  for (std::size_t i = 0; i < end - begin; ++i) {
    for (const Truth& truth : truths) best.emplace_back(truth.k);
  }
  Wide x;
  for (std::size_t tile = 0; tile < items.rows; tile += kItemTile) {
    stop.look();
    const std::size_t tile_end = std::min(tile + kItemTile, items.rows);
    widen(items, tile, tile_end, x);
    for (std::size_t i = 0; i < end - begin; ++i) {
      for (std::size_t r = 0; r < tile_end - tile; ++r) {
        const double dot = documented_dot(q.values.data() + i * d, x.values.data() + r * d, d);
        for (std::size_t c = 0; c < contests.size(); ++c) {
          if (contests[c].skip_zero_items && x.lengths[r].square == 0.0) continue;
          const double key = key_of(contests[c], dot, q.lengths[i], x.lengths[r]);
          best[i * contests.size() + c].offer(
              {key, ids.empty() ? static_cast<std::int64_t>(tile + r) : ids[tile + r], tile + r});
        }
      }
    }
  }
  std::vector<std::uint64_t> denied(contests.size());
  std::vector<float> query(d);
  std::vector<float> item(d);
  for (std::size_t i = 0; i < end - begin; ++i) {
    widen_row(queries, begin + i, query.data());
    for (std::size_t c = 0; c < contests.size(); ++c) {
      stop.look();
      std::size_t at = (begin + i) * truths[c].k;
      for (const Candidate& candidate : best[i * contests.size() + c].sorted()) {
        truths[c].ids[at] = candidate.id;
        truths[c].keys[at] = candidate.key;
        truths[c].reported[at] = reported_of(contests[c], candidate.key);
        ++at;
        widen_row(items, candidate.row, item.data());
        const PreciseKey precise =
            precise_key(query.data(), item.data(), d, contests[c].metric, contests[c].normalize);
        if (!precise.confirms(candidate.key)) ++denied[c];
      }
    }
  }
  return denied;
}

}  // namespace

std::vector<Truth> brute_force(const MatrixView& items, const MatrixView& queries,
                               std::span<const std::int64_t> ids, std::size_t k,
                               std::span<const Contest> contests, std::size_t threads,
                               const std::function<void(std::size_t)>& finished,
                               const StopOptions& stop_options) {
  Stop stop(stop_options);
  std::vector<Truth> truths;
  const bool skips = std::any_of(contests.begin(), contests.end(),
                                 [](const Contest& c) { return c.skip_zero_items; });
  const std::size_t nonzero = skips ? count_nonzero(items, stop) : items.rows;
  for (const Contest& contest : contests) {
    const std::size_t depth = std::min(k, contest.skip_zero_items ? nonzero : items.rows);
    const std::size_t places = queries.rows * depth;
    truths.push_back({queries.rows, depth, std::vector<std::int64_t>(places),
                      std::vector<double>(places), std::vector<double>(places), 0});
  }

  std::atomic<std::size_t> next{0};
  std::size_t done = 0;
  std::exception_ptr failure;
  std::mutex mutex;  // guards `done`, `failure`, `denied` and the calls of `finished`
  const auto work = [&] {
    try {
      for (;;) {
        const std::size_t begin = next.fetch_add(kQueryBlock);
        if (begin >= queries.rows) return;
        const std::size_t end = std::min(begin + kQueryBlock, queries.rows);
        const std::vector<std::uint64_t> denied =
            answer_block(items, queries, ids, begin, end, contests, truths, stop);
        const std::lock_guard<std::mutex> lock(mutex);
        for (std::size_t c = 0; c < denied.size(); ++c) truths[c].denied += denied[c];
        done += end - begin;
        finished(done);
      }
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex);
      failure = std::current_exception();
      next = queries.rows;
    }
  };
  {
    std::vector<std::jthread> helpers;
    for (std::size_t t = 1; t < threads; ++t) helpers.emplace_back(work);
    work();
  }
  if (failure) std::rethrow_exception(failure);
  return truths;
}

std::size_t brute_force_self_check(const MatrixView& items, const MatrixView& queries,
                                   std::span<const Contest> contests, std::size_t pairs,
                                   std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::size_t wrong = 0;
  Wide q;
  Wide x;
  std::vector<float> query(items.cols);
  std::vector<float> item(items.cols);
  for (std::size_t pair = 0; pair < pairs; ++pair) {
    const std::size_t i = random() % queries.rows;
    const std::size_t r = random() % items.rows;
    widen(queries, i, i + 1, q);
    widen(items, r, r + 1, x);
    widen_row(queries, i, query.data());
    widen_row(items, r, item.data());
    const double dot = documented_dot(q.values.data(), x.values.data(), items.cols);
    bool differs = false;
    for (const Contest& contest : contests) {
      const double key = key_of(contest, dot, q.lengths[0], x.lengths[0]);
      const reference::Score score = reference::score(query.data(), item.data(), items.cols,
                                                      contest.metric, contest.normalize);
      differs |=
          std::bit_cast<std::uint64_t>(key) != std::bit_cast<std::uint64_t>(score.key) ||
          std::bit_cast<std::uint64_t>(reported_of(contest, key)) !=
              std::bit_cast<std::uint64_t>(score.reported) ||
          !precise_key(query.data(), item.data(), items.cols, contest.metric, contest.normalize)
               .confirms(key);
    }
    wrong += differs ? 1 : 0;
  }
  return wrong;
}

}  // namespace maxdot::judge
