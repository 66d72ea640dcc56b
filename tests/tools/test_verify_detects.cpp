// `maxdot verify` must notice. Each test breaks an answer in one way and expects the check to say
// so; the same answer unbroken must pass.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <thread>
#include <utility>
#include <vector>

#include "judge/answer.hpp"
#include "judge/arithmetic.hpp"
#include "judge/brute.hpp"
#include "maxdot/maxdot.hpp"
#include "support.hpp"
#include "verify/compare.hpp"
#include "verify/data.hpp"
#include "verify/explain.hpp"

namespace {

using namespace maxdot::tools;
namespace judge = maxdot::judge;
using maxdot::Metric;
using maxdot::SearchResult;

constexpr std::size_t kDepth = 20;
constexpr std::size_t kQueries = 9;

Rows gaussian(std::size_t rows, std::size_t cols, std::uint64_t seed) {
  const maxdot::test::Rows made = maxdot::test::gaussian_rows(rows, cols, seed);
  return Rows{made.values, made.rows, made.cols};
}

std::vector<judge::Truth> truths_of(const Rows& items, const Rows& queries,
                                    const std::vector<judge::Contest>& contests,
                                    std::size_t threads = 1) {
  return judge::brute_force(items.view(), queries.view(), {}, kDepth, contests, threads,
                            [](std::size_t) {});
}

const std::vector<judge::Contest> kContests = {
    {Metric::dot, false}, {Metric::cosine, false}, {Metric::euclidean, false},
    {Metric::dot, true},  {Metric::cosine, true},  {Metric::euclidean, true}};

// An answer as the engine would give it, made from the specification.
SearchResult answer_of(const Rows& items, const Rows& queries, const judge::Contest& contest) {
  return maxdot::reference::top_k(items.view(), queries.view(), kDepth, contest.metric,
                                  contest.normalize);
}

// An answer as FAISS would give it without any rounding but that of the score.
FaissAnswer faiss_like(const judge::Truth& truth, FaissScore measure) {
  FaissAnswer answer{truth.queries, truth.k, truth.ids, {}};
  for (const double key : truth.keys) {
    answer.scores.push_back(
        static_cast<float>(measure == FaissScore::squared_distance ? -key : key));
  }
  return answer;
}

}  // namespace

TEST_CASE("the brute force is the specification, whatever the threads") {
  Rows items = gaussian(700, 37, 1);
  const Rows queries = gaussian(kQueries, 37, 2);
  for (std::size_t j = 0; j < items.cols; ++j) {
    items.row(5)[j] = 0.0F;               // a zero row
    items.row(600)[j] = items.row(3)[j];  // a tie
  }
  CHECK(judge::brute_force_self_check(items.view(), queries.view(), kContests, 2000, 3) == 0);
  const std::vector<judge::Truth> one = truths_of(items, queries, kContests, 1);
  const std::vector<judge::Truth> three = truths_of(items, queries, kContests, 3);
  for (std::size_t c = 0; c < kContests.size(); ++c) {
    CHECK(compare_with_truth(answer_of(items, queries, kContests[c]), one[c]).wrong() == 0);
    CHECK(one[c].ids == three[c].ids);
    CHECK(one[c].reported == three[c].reported);
  }
}

TEST_CASE("the brute force ends early, with an Error, whoever asks for it") {
  const Rows items = gaussian(20000, 37, 1);
  const Rows queries = gaussian(4000, 37, 2);
  const std::vector<judge::Contest> contests(kContests.begin(), kContests.begin() + 3);
  for (const std::size_t threads : {std::size_t{1}, std::size_t{3}}) {
    CAPTURE(threads);
    std::size_t answered = 0;
    const auto ended_as = [&](const maxdot::StopOptions& stop,
                              const std::function<void(std::size_t)>& finished) {
      try {
        judge::brute_force(items.view(), queries.view(), {}, kDepth, contests, threads, finished,
                           stop);
      } catch (const maxdot::Error& error) {
        return error.code();
      }
      return maxdot::ErrorCode::io;  // it came to its end
    };
    const auto count = [&answered](std::size_t done) { answered = done; };

    maxdot::Cancellation cancellation;
    CHECK(ended_as({.cancellation = &cancellation}, [&](std::size_t done) {
            answered = done;
            cancellation.cancel();
          }) == maxdot::ErrorCode::cancelled);
    CHECK(answered < queries.rows);
    answered = 0;
    CHECK(ended_as({.cancellation = &cancellation}, count) == maxdot::ErrorCode::cancelled);
    CHECK(answered == 0);

    CHECK(ended_as({.timeout = 1e-9}, count) == maxdot::ErrorCode::timeout);
    CHECK(answered == 0);
    CHECK(ended_as({.timeout = -1.0}, count) == maxdot::ErrorCode::invalid_argument);

    struct Host {
      std::thread::id caller = std::this_thread::get_id();
      int asked = 0;
    } host;
    const auto third_time = [](void* context) {
      Host& of = *static_cast<Host*>(context);
      CHECK(std::this_thread::get_id() == of.caller);
      return ++of.asked == 3;
    };
    CHECK(ended_as({.poll = third_time, .poll_context = &host}, count) ==
          maxdot::ErrorCode::cancelled);
    CHECK(host.asked == 3);
    CHECK(answered < queries.rows);
  }
}

TEST_CASE("a verdict ends early, and a stop that nobody asks for changes nothing") {
  const Rows items = gaussian(300, 16, 1);
  const Rows queries = gaussian(kQueries, 16, 2);
  const SearchResult answer = answer_of(items, queries, kContests[0]);
  const judge::Question question = {items.view(), queries.view(), Metric::dot, false, {}};
  maxdot::Cancellation cancellation;
  const maxdot::StopOptions stop = {.cancellation = &cancellation, .timeout = 3600.0};
  CHECK(judge::judge_answer(question, answer.ids, kDepth, 2, stop).right == kQueries * kDepth);
  cancellation.cancel();
  CHECK_THROWS_AS(judge::judge_answer(question, answer.ids, kDepth, 2, stop), maxdot::Error);
}

TEST_CASE("the judge's arithmetic is the documented one, and more precise sums confirm it") {
  for (const maxdot::test::Generator& generator : maxdot::test::generators()) {
    CAPTURE(generator.name);
    for (const std::size_t d :
         {std::size_t{1}, std::size_t{7}, std::size_t{37}, std::size_t{1000}}) {
      const maxdot::test::Rows x = generator.make(20, d, d);
      const maxdot::test::Rows q = maxdot::test::gaussian_rows(5, d, d + 1);
      for (std::size_t pair = 0; pair < 100; ++pair) {
        const float* a = &q.values[pair % 5 * d];
        const float* b = &x.values[pair / 5 * d];
        REQUIRE(judge::documented_dot(a, b, d) == maxdot::reference::dot64(a, b, d));
        for (const judge::Contest& contest : kContests) {
          const maxdot::reference::Score score =
              maxdot::reference::score(a, b, d, contest.metric, contest.normalize);
          const double key = judge::documented_key(
              contest.metric, contest.normalize, judge::documented_dot(a, b, d),
              judge::documented_length(a, d), judge::documented_length(b, d));
          REQUIRE(key == score.key);
          REQUIRE(judge::documented_score(contest.metric, contest.normalize, key) ==
                  score.reported);
          const judge::PreciseKey precise =
              judge::precise_key(a, b, d, contest.metric, contest.normalize);
          REQUIRE(precise.confirms(key));
          if (precise.allowed > 0.0L) {
            REQUIRE_FALSE(
                precise.confirms(static_cast<double>(precise.key + 1.5L * precise.allowed)));
          }
        }
      }
    }
  }
  CHECK_FALSE(judge::PreciseKey{1.0L, 0.5L}.confirms(std::numeric_limits<double>::quiet_NaN()));
}

TEST_CASE(
    "arithmetic of a wrong build is noticed: another order of the sums, f32 sums, lost denormals") {
  constexpr std::size_t d = 64;
  const Rows items = gaussian(400, d, 1);
  const Rows queries = gaussian(kQueries, d, 2);
  const judge::Truth truth = truths_of(items, queries, {kContests[0]}).front();
  CHECK(truth.denied == 0);
  SearchResult in_order = answer_of(items, queries, kContests[0]);
  CHECK(compare_with_truth(in_order, truth).wrong() == 0);
  std::size_t denied = 0;
  for (std::size_t query = 0; query < kQueries; ++query) {
    for (std::size_t at = query * kDepth; at < (query + 1) * kDepth; ++at) {
      const float* q = queries.row(query);
      const float* x = items.row(static_cast<std::size_t>(in_order.ids[at]));
      double sum = 0.0;
      float narrow = 0.0F;
      for (std::size_t j = 0; j < d; ++j) {
        sum += static_cast<double>(q[j]) * static_cast<double>(x[j]);
        narrow += q[j] * x[j];
      }
      in_order.scores[at] = sum;
      const judge::PreciseKey precise = judge::precise_key(q, x, d, Metric::dot, false);
      CHECK(precise.confirms(truth.keys[at]));
      if (!precise.confirms(static_cast<double>(narrow))) ++denied;
    }
  }
  CHECK(compare_with_truth(in_order, truth).wrong_scores >
        kQueries);  // bits, though hardly anything else
  CHECK(denied > kQueries * kDepth / 2);
  const float tiny = 0x1p-140F;
  CHECK(judge::precise_key(&tiny, &tiny, 1, Metric::dot, false).confirms(0x1p-280));
  CHECK_FALSE(judge::precise_key(&tiny, &tiny, 1, Metric::dot, false).confirms(0.0));
}

TEST_CASE("items without a direction can be left out of the truth") {
  Rows items = gaussian(25, 8, 1);
  for (std::size_t r = 0; r < 10; ++r) std::fill_n(items.row(r), items.cols, 0.0F);
  const Rows queries = gaussian(3, 8, 2);
  const judge::Truth truth = truths_of(items, queries, {{Metric::cosine, true, true}}).front();
  CHECK(truth.k == 15);
  for (const std::int64_t id : truth.ids) CHECK(id >= 10);
}

TEST_CASE("a wrong item, a wrong bit, a lost result and another shape are noticed") {
  const Rows items = gaussian(500, 16, 1);
  const Rows queries = gaussian(kQueries, 16, 2);
  const judge::Truth truth = truths_of(items, queries, {kContests[0]}).front();
  const SearchResult good = answer_of(items, queries, kContests[0]);
  CHECK(compare_with_truth(good, truth).wrong() == 0);

  SearchResult swapped = good;
  std::swap(swapped.ids[kDepth + 3], swapped.ids[kDepth + 4]);
  const Comparison found = compare_with_truth(swapped, truth);
  CHECK(found.wrong_ids == 2);
  CHECK(found.queries_differing == 1);
  REQUIRE(found.first);
  CHECK(found.first->query == 1);
  CHECK(found.first->position == 3);

  SearchResult bit = good;
  bit.scores[7] = std::nextafter(bit.scores[7], 1e9);
  CHECK(compare_with_truth(bit, truth).wrong_scores == 1);
  CHECK(compare_answers(bit, good).wrong_scores == 1);
  CHECK(compare_rankings(bit, good).wrong() == 0);

  SearchResult fewer = good;
  --fewer.counts[2];
  CHECK(compare_with_truth(fewer, truth).wrong() > 0);

  SearchResult shorter = answer_of(items, queries, kContests[0]);
  shorter.ids.pop_back();
  CHECK(compare_with_truth(shorter, truth).wrong() > 0);
  shorter.k = kDepth - 1;
  CHECK(compare_answers(shorter, good).wrong() > 0);
}

TEST_CASE("a distance that is no distance of unit vectors is noticed") {
  const Rows items = unit_rows(gaussian(300, 24, 1));
  const Rows queries = unit_rows(gaussian(kQueries, 24, 2));
  SearchResult answer = answer_of(items, queries, kContests[5]);
  const Geometry good = check_geometry(answer, items, queries);
  CHECK(good.pairs == kQueries * kDepth);
  CHECK(good.outside == 0);
  answer.scores[4] *= 1.0 + 1e-9;
  answer.scores[9] = std::numeric_limits<double>::quiet_NaN();
  CHECK(check_geometry(answer, items, queries).outside == 2);
}

TEST_CASE("FAISS: rounding is explained, everything else is not") {
  for (const FaissScore measure : {FaissScore::inner_product, FaissScore::squared_distance}) {
    const judge::Contest contest{
        measure == FaissScore::inner_product ? Metric::dot : Metric::euclidean, false};
    Rows items = gaussian(400, 32, 1);
    for (std::size_t j = 0; j < items.cols; ++j) items.row(399)[j] = items.row(7)[j];
    items.row(399)[0] = std::nextafter(items.row(399)[0], 9.0F);  // one ulp from row 7
    Rows queries = gaussian(kQueries, 32, 2);
    std::copy_n(items.row(7), items.cols, queries.row(0));  // so that both lead query 0
    const judge::Truth truth = truths_of(items, queries, {contest}).front();
    const FaissAnswer good = faiss_like(truth, measure);
    const auto judged = [&](const FaissAnswer& answer) {
      return explain(answer, measure, truth, contest, items, queries);
    };
    const Explanation clean = judged(good);
    CHECK(clean.positions == kQueries * kDepth);
    CHECK(clean.equal == clean.positions);
    CHECK(clean.bound_used < 1.0);

    FaissAnswer neighbours = good;  // two items that f32 cannot tell apart
    REQUIRE(std::min(good.ids[0], good.ids[1]) == 7);
    REQUIRE(std::max(good.ids[0], good.ids[1]) == 399);
    std::swap(neighbours.ids[0], neighbours.ids[1]);
    CHECK(judged(neighbours).explained == 2);
    CHECK(judged(neighbours).unexplained == 0);
    CHECK(judged(neighbours).widest.has_value());

    FaissAnswer apart = good;  // two items whose scores differ plainly, each with its own score
    std::swap(apart.ids[2], apart.ids[9]);
    std::swap(apart.scores[2], apart.scores[9]);
    CHECK(judged(apart).unexplained == 2);
    CHECK(judged(apart).first_unexplained->defect == Defect::order);

    FaissAnswer renamed = good;  // another item under this score
    renamed.ids[30] = 123;
    CHECK(judged(renamed).first_unexplained->defect == Defect::score);

    FaissAnswer lost = good;  // the best item is missing and the list moves up
    lost.ids.erase(lost.ids.begin() + kDepth);
    lost.scores.erase(lost.scores.begin() + kDepth);
    lost.ids.insert(lost.ids.begin() + 2 * kDepth - 1, truth.ids[0] == 11 ? 12 : 11);
    lost.scores.insert(lost.scores.begin() + 2 * kDepth - 1, good.scores[2 * kDepth - 1]);
    CHECK(judged(lost).unexplained >= kDepth / 2);

    FaissAnswer twice = good;
    twice.ids[6] = twice.ids[5];
    CHECK(judged(twice).unexplained == 1);
    CHECK(judged(twice).first_unexplained->defect == Defect::repeated);

    for (const std::int64_t id : {std::int64_t{-1}, std::int64_t{400}}) {
      FaissAnswer nothing = good;
      nothing.ids[kDepth] = id;
      CHECK(judged(nothing).unexplained == 1);
      CHECK(judged(nothing).first_unexplained->defect == Defect::no_item);
    }

    FaissAnswer not_a_number = good;
    not_a_number.scores[8] = std::numeric_limits<float>::quiet_NaN();
    CHECK(judged(not_a_number).unexplained == 1);
  }
}

TEST_CASE("FAISS: sums beyond f32 and queries without a direction are left out, not excused") {
  Rows items = gaussian(100, 8, 1);
  Rows queries = gaussian(4, 8, 2);
  std::fill_n(queries.row(1), queries.cols, 0.0F);
  const judge::Contest unit{Metric::cosine, true};
  const judge::Truth unit_truth = truths_of(items, queries, {unit}).front();
  const Explanation judged = explain(faiss_like(unit_truth, FaissScore::inner_product),
                                     FaissScore::inner_product, unit_truth, unit, items, queries);
  CHECK(judged.queries_left_out == 1);
  CHECK(judged.positions == 3 * kDepth);

  for (float& value : items.values) value *= 1e19F;
  const judge::Contest raw{Metric::euclidean, false};
  const judge::Truth raw_truth = truths_of(items, queries, {raw}).front();
  CHECK(explain(faiss_like(raw_truth, FaissScore::squared_distance), FaissScore::squared_distance,
                raw_truth, raw, items, queries)
            .queries_left_out == 4);
}

TEST_CASE("overlap counts an item once and padding never") {
  CHECK(mean_overlap({1, 2, 3, 4}, {4, 3, 9, 8}, 4) == 0.5);
  CHECK(mean_overlap({1, 1, -1, -1}, {1, -1, 2, 3}, 4) == 0.25);
}

TEST_CASE("a sample has no repeats, is ascending, repeatable, and all rows if all are wanted") {
  const std::vector<std::size_t> sample = sample_rows(1000, 100, 7);
  CHECK(sample.size() == 100);
  for (std::size_t i = 1; i < sample.size(); ++i) CHECK(sample[i - 1] < sample[i]);
  CHECK(sample.back() < 1000);
  CHECK(sample == sample_rows(1000, 100, 7));
  CHECK(sample != sample_rows(1000, 100, 8));
  CHECK(sample_rows(5, 5, 1) == std::vector<std::size_t>{0, 1, 2, 3, 4});
}
