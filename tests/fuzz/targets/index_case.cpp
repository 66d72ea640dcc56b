#include "index_case.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "../compare.hpp"
#include "../environment.hpp"
#include "../subject.hpp"
#include "api/index_parts.hpp"
#include "drawn_case.hpp"
#include "maxdot/error.hpp"
#include "maxdot/evaluate.hpp"
#include "maxdot/objective.hpp"
#include "property.hpp"
#include "search/search.hpp"
#include "search/variants/multi.hpp"
#include "search/variants/range.hpp"

namespace fuzz {
namespace {

using maxdot::Index;
using maxdot::SearchOptions;
using maxdot::SearchResult;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::size_t kMostResults = 40'000;

// Asks, and compares if there is a right answer.
class Asked : public DrawnCase {
 public:
  using DrawnCase::DrawnCase;

  void ask() {
    switch (kind()) {
      case Kind::search:
        return ask_search();
      case Kind::multi:
        return ask_multi();
      case Kind::range:
        return ask_range();
      case Kind::ranks:
        return ask_ranks();
      case Kind::softmax:
        return ask_softmax();
      case Kind::items:
        return ask_items();
    }
  }

  /// What a verified file may still be refused for: results beyond memory; rows on the disk, and
  /// metrics and scores that no softmax has.
  bool may_be_refused(maxdot::ErrorCode code) const {
    using maxdot::ErrorCode;
    if (kind() <= Kind::range) return code == ErrorCode::out_of_memory && question_.k == 255;
    return code == ErrorCode::unsupported ||
           (kind() == Kind::softmax &&
            (code == ErrorCode::invalid_argument || code == ErrorCode::invalid_data));
  }

 private:
  SearchOptions options() {
    SearchOptions made;
    made.threads = random_.one_in(16) ? 2 : 1;
    made.metric = drawn_.metric;
    made.filters = drawn_.filters();
    made.score_kind = drawn_.score_kind;
    return made;
  }

  // The engine asked from inside, by a drawn instruction set and method.
  struct Forced {
    Way way;
    maxdot::search::Request request;
  };
  Forced forced(bool may_be_listed, const maxdot::MatrixView& queries) {
    Forced made = {draw_way(random_, may_be_listed && drawn_.filtered()),
                   {queries, drawn_.k, drawn_.metric, 1}};
    if (on_disk_ && made.way.method == maxdot::search::Method::f32) made.way.method.reset();
    made.request.threads = std::min(made.way.threads, 2);
    made.request.method = made.way.method;
    made.request.keys = drawn_.score_kind == maxdot::ScoreKind::keys;
    return made;
  }
  maxdot::search::FilterRequest checked_filters() {
    return maxdot::api::checked_filters(maxdot::api::IndexParts::of(index_), filters_,
                                        drawn_.users(), "queries");
  }
  const maxdot::store::ItemStore& items() const {
    return maxdot::api::IndexParts::items_of(index_);
  }
  bool forced_too() const { return question_.way != 0 && room_for_results(); }
  bool room_for_results() const {
    return drawn_.k == 0 || drawn_.users() <= kMostResults / drawn_.k;
  }

  template <typename Result>
  void check(const Result& got, const Expected& expected, const std::string& how) {
    if (verified_) compare(got, expected, drawn_, how);
  }

  Expected expected_best() {
    Expected expected;
    if (!verified_ || !room_for_results()) return expected;
    const oracle::Oracle oracle = drawn_.oracle();
    for (std::size_t u = 0; u < drawn_.users(); ++u)
      expected.push_back(kind() == Kind::multi ? oracle.best_of_user(u, drawn_.per_user, drawn_.k)
                                               : oracle.best(u, drawn_.k));
    return expected;
  }

  static void check_shape(const SearchResult& got, std::size_t items) {
    for (const std::int64_t count : got.counts)
      require(count >= 0 && static_cast<std::size_t>(count) <= std::min(got.k, items),
              "a query has no more results than k and than items");
  }

  SearchResult room() const {
    const std::size_t cells = drawn_.users() * drawn_.k;
    return {drawn_.users(), drawn_.k, std::vector<std::int64_t>(cells, -99),
            std::vector<double>(cells, 99.0), std::vector<std::int64_t>(drawn_.users(), -99)};
  }

  void ask_search() {
    const Expected expected = expected_best();
    const SearchResult got = index_.search(drawn_.queries.view(), drawn_.k, options());
    check_shape(got, info_.items);
    check(got, expected, "Index::search");
    if (!forced_too()) return;
    const maxdot::MatrixView queries = drawn_.queries.view();
    Forced by = forced(true, queries);
    filters_ = drawn_.filters();
    const maxdot::search::FilterRequest filters = checked_filters();
    if (!filters_.empty()) by.request.filters = &filters;
    SearchResult again = room();
    maxdot::search::search(items(), *by.way.table, by.request,
                           {again.ids.data(), again.scores.data(), again.counts.data()});
    check_shape(again, info_.items);
    check(again, expected, by.way.describe());
  }

  void ask_multi() {
    const Expected expected = expected_best();
    const SearchResult got =
        index_.search_multi(drawn_.queries.view(), drawn_.per_user, drawn_.k, options());
    check_shape(got, info_.items);
    check(got, expected, "Index::search_multi");
    if (!forced_too()) return;
    const maxdot::MatrixView queries = drawn_.queries.view();
    Forced by = forced(true, queries);
    filters_ = drawn_.filters();
    const maxdot::search::FilterRequest filters = checked_filters();
    if (!filters_.empty()) by.request.filters = &filters;
    SearchResult again = room();
    maxdot::search::multi(items(), *by.way.table, by.request, drawn_.per_user,
                          {again.ids.data(), again.scores.data(), again.counts.data()});
    check_shape(again, info_.items);
    check(again, expected, by.way.describe());
  }

  double threshold(const oracle::Oracle* oracle, std::size_t query) {
    const std::size_t way = random_.below(6);
    if (way == 0) return kInfinity;
    if (way == 1) return -kInfinity;
    if (way == 2 || oracle == nullptr || info_.items == 0)
      return random_.pick({0.0, -0.0, 0.5, 1.0, -1.0, 1e-300, 1e300, 10.0});
    const double score = oracle->pair(query, random_.below(info_.items)).score;
    return way == 3   ? std::nextafter(score, kInfinity)
           : way == 4 ? std::nextafter(score, -kInfinity)
                      : score;
  }

  void ask_range() {
    std::optional<oracle::Oracle> oracle;
    if (verified_) oracle.emplace(drawn_.oracle());
    std::vector<double> thresholds;
    Expected expected;
    for (std::size_t q = 0; q < drawn_.queries.rows; ++q) {
      thresholds.push_back(threshold(oracle ? &*oracle : nullptr, q));
      if (oracle) expected.push_back(oracle->within(q, thresholds.back()));
    }
    const maxdot::RangeResult got =
        index_.search_range(drawn_.queries.view(), thresholds, options());
    require(std::is_sorted(got.offsets.begin(), got.offsets.end()), "offsets never fall");
    check(got, expected, "Index::search_range");
    if (!forced_too()) return;
    const maxdot::MatrixView queries = drawn_.queries.view();
    Forced by = forced(false, queries);
    filters_ = drawn_.filters();
    const maxdot::search::FilterRequest filters = checked_filters();
    if (!filters_.empty()) by.request.filters = &filters;
    const maxdot::RangeResult again =
        maxdot::search::range(items(), *by.way.table, by.request, thresholds);
    require(std::is_sorted(again.offsets.begin(), again.offsets.end()), "offsets never fall");
    check(again, expected, by.way.describe());
  }

  void ask_ranks() {
    const maxdot::OwnedIdLists relevant = draw_lists(6);
    drawn_.allow = {};
    drawn_.mask.clear();
    maxdot::IdLists exclude;
    if (drawn_.exclude.given) exclude = drawn_.exclude.lists;
    const std::vector<std::int64_t> got = maxdot::evaluate::ranks(
        index_, drawn_.queries.view(), relevant, exclude, {drawn_.metric, 1});
    if (!verified_) return;
    const oracle::Oracle oracle = drawn_.oracle();
    std::vector<std::int64_t> expected;
    for (std::size_t q = 0; q < drawn_.queries.rows; ++q) {
      const auto begin = static_cast<std::size_t>(relevant.offsets[q]);
      const auto end = static_cast<std::size_t>(relevant.offsets[q + 1]);
      const std::vector<std::int64_t> places =
          oracle.places(q, relevant.ids.data() + begin, end - begin);
      expected.insert(expected.end(), places.begin(), places.end());
    }
    compare(got, expected, "evaluate::ranks");
  }

  void ask_softmax() {
    std::vector<double> partition(drawn_.queries.rows);
    maxdot::objective::SoftmaxOptions wanted;
    wanted.metric = drawn_.metric;
    wanted.threads = 1;
    maxdot::objective::log_partition(index_, drawn_.queries.view(), partition, wanted);
    for (const double value : partition)
      require(!verified_ || info_.items != 0 || value == -kInfinity,
              "the partition of no items is -inf");
    if (info_.items == 0) return;
    const std::vector<std::int64_t> positives(drawn_.queries.rows,
                                              index_.item_id(random_.below(info_.items)));
    maxdot::objective::full_softmax(index_, drawn_.queries.view(), positives, wanted);
  }

  void ask_items() {
    std::vector<float> row(info_.dimension);
    for (std::size_t r = 0; r < info_.items; ++r) {
      index_.item_row(r, row.data());
      require(!verified_ || index_.item_id(r) == drawn_.id(r), "an item has the id of the file");
    }
  }

  maxdot::Filters filters_;
};

}  // namespace

void ask(const Index& index, const IndexInput& input, bool verified) {
  Asked asked(index, input, verified);
  try {
    asked.ask();
  } catch (const Failure& difference) {
    broken(difference.what());
  } catch (const maxdot::Error& error) {
    if (verified && !asked.may_be_refused(error.code())) broken(error.what());
  }
}

}  // namespace fuzz
