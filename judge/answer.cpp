#include "judge/answer.hpp"

#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "judge/arithmetic.hpp"
#include "judge/stop.hpp"
#include "judge/widen.hpp"

namespace maxdot::judge {
namespace {

class Judge {
 public:
  explicit Judge(const Question& question)
      : question_(question), query_(question.items.cols), item_(question.items.cols) {
    for (std::size_t r = 0; r < question.ids.size(); ++r) rows_.emplace(question.ids[r], r);
  }

  void judge_row(std::size_t query, std::span<const std::int64_t> given,
                 std::span<const std::int64_t> truth, Verdict& verdict) {
    const std::unordered_set<std::int64_t> wanted(truth.begin(), truth.end());
    std::unordered_set<std::int64_t> seen;
    verdict.wanted += truth.size();
    for (std::size_t i = 0; i < given.size(); ++i) {
      const bool fresh = given[i] < 0 || seen.insert(given[i]).second;
      if (!fresh) ++verdict.repeated;
      if (fresh && wanted.count(given[i]) != 0) ++verdict.found;
      if (i >= truth.size() && given[i] < 0) continue;  // both say that no item is left
      ++verdict.positions;
      if (i < truth.size() && given[i] == truth[i]) {
        ++verdict.right;
      } else if (i < truth.size() && fresh && ties(query, given[i], truth[i])) {
        ++verdict.tied;
      } else if (!verdict.first) {
        const std::int64_t expected = i < truth.size() ? truth[i] : -1;
        verdict.first = WrongPlace{
            query, i, expected, given[i], score(query, expected), score(query, given[i])};
      }
    }
  }

 private:
  std::optional<std::size_t> row_of(std::int64_t id) const {
    if (question_.ids.empty()) {
      if (id < 0 || static_cast<std::size_t>(id) >= question_.items.rows) return std::nullopt;
      return static_cast<std::size_t>(id);
    }
    const auto found = rows_.find(id);
    return found == rows_.end() ? std::nullopt : std::optional(found->second);
  }

  std::optional<double> key(std::size_t query, std::int64_t id) {
    const std::optional<std::size_t> row = row_of(id);
    if (!row) return std::nullopt;
    widen_row(question_.queries, query, query_.data());
    widen_row(question_.items, *row, item_.data());
    const std::size_t d = item_.size();
    return documented_key(question_.metric, question_.normalize,
                          documented_dot(query_.data(), item_.data(), d),
                          documented_length(query_.data(), d), documented_length(item_.data(), d));
  }

  std::optional<double> score(std::size_t query, std::int64_t id) {
    const std::optional<double> found = key(query, id);
    if (!found) return std::nullopt;
    return documented_score(question_.metric, question_.normalize, *found);
  }

  bool ties(std::size_t query, std::int64_t a, std::int64_t b) {
    const std::optional<double> left = key(query, a);
    return left && left == key(query, b);
  }

  const Question& question_;
  std::vector<double> query_;
  std::vector<double> item_;
  std::unordered_map<std::int64_t, std::size_t> rows_;
};

}  // namespace

Verdict judge_answer(const Question& question, std::span<const std::int64_t> answer, std::size_t k,
                     std::size_t threads, const StopOptions& stop_options) {
  Stop stop(stop_options);
  const Contest contest = {question.metric, question.normalize, false};
  const Truth truth = brute_force(
      question.items, question.queries, question.ids, k, {&contest, 1}, threads, [](std::size_t) {},
      stop_options)[0];
  Judge judge(question);
  Verdict verdict;
  verdict.denied = truth.denied;
  for (std::size_t q = 0; q < truth.queries; ++q) {
    stop.look();
    judge.judge_row(q, answer.subspan(q * k, k), {truth.ids.data() + q * truth.k, truth.k},
                    verdict);
  }
  return verdict;
}

}  // namespace maxdot::judge
