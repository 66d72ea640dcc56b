// The caller's rounding mode, flush-to-zero flags and trapping exceptions reach no result, and are
// as they were afterwards.

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cfenv>
#include <functional>
#include <string>
#include <vector>

#include "files.hpp"
#include "maxdot/evaluate.hpp"
#include "maxdot/maxdot.hpp"
#include "maxdot/objective.hpp"
#include "support.hpp"

#if defined(__SSE__)
#include <xmmintrin.h>

using namespace maxdot;

namespace {

/// The bits of everything that a call returned.
using Bits = std::vector<std::uint64_t>;

void add(Bits& bits, double value) { bits.push_back(std::bit_cast<std::uint64_t>(value)); }
void add(Bits& bits, float value) { bits.push_back(std::bit_cast<std::uint32_t>(value)); }
void add(Bits& bits, std::int64_t value) { bits.push_back(static_cast<std::uint64_t>(value)); }
template <typename T>
void add(Bits& bits, const std::vector<T>& values) {
  for (const T value : values) add(bits, value);
}
void add(Bits& bits, const SearchResult& result) {
  add(bits, result.ids);
  add(bits, result.scores);
  add(bits, result.counts);
}

struct Door {
  std::string name;
  std::function<Bits()> call;
};

template <typename Call>
Door door(const std::string& name, Call call) {
  return {name, [call] {
            Bits bits;
            add(bits, call());
            return bits;
          }};
}

/// Every public function that computes in floating point, on data whose results depend on rounding
/// and on denormals.
std::vector<Door> doors() {
  static const test::Rows items = test::gaussian_rows(300, 20, 1);
  static const test::Rows tiny = test::generators()[5].make(300, 20, 1);
  static const test::Rows queries = test::gaussian_rows(12, 20, 2);
  static const test::Rows interests{std::vector<float>(12 * 20, 1e-40F), 12, 20};
  static const Index index = Index::build(items.view(), {.metric = Metric::dot});
  static const Index tiny_index = Index::build(tiny.view(), {.metric = Metric::dot});
  static const std::vector<float> scores = test::gaussian_rows(1, 64, 3).values;
  static const std::vector<float> others = test::gaussian_rows(1, 64, 4).values;
  static const std::vector<float> labels(64, 0.25F);
  static const std::vector<std::int64_t> positives(12, 5);
  static const OwnedIdLists relevant = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
                                        {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}};
  static const std::vector<std::size_t> ks = {3, 10};
  static const test::Folder folder;
  static const std::string path = folder / "scores.npy";
  static const std::string index_path = folder / "tiny.maxdot";
  const auto range = [](const Index& of, double threshold) {
    Bits bits;
    const RangeResult result =
        of.search_range(queries.view(), std::vector<double>{threshold}, {.threads = 2});
    add(bits, result.offsets);
    add(bits, result.ids);
    add(bits, result.scores);
    return bits;
  };
  const auto report = [](const evaluate::Report& result) {
    Bits bits;
    for (const evaluate::AtK& at : result.at) {
      for (const evaluate::Values& values : {at.mean, at.low.value(), at.high.value()}) {
        for (const auto& [name, value] : evaluate::value_fields) add(bits, values.*value);
      }
      add(bits, at.coverage.value());
    }
    return bits;
  };
  std::vector<Door> all = {
      door("search", [] { return index.search(queries.view(), 10); }),
      door("search of denormals",
           [] { return tiny_index.search(queries.view(), 10, {.threads = 1}); }),
      door("build",
           [] {
             return Index::build(tiny.view(), {.metric = Metric::dot}).search(queries.view(), 10);
           }),
      door("search_multi", [] { return index.search_multi(queries.view(), 2, 10); }),
      door("search_multi of denormals", [] { return index.search_multi(interests.view(), 2, 10); }),
      {"search_range", [range] { return range(index, 0.5); }},
      {"search_range of everything", [range] { return range(index, -1e200); }},
      {"search_range of nothing", [range] { return range(index, 1e200); }},
      door("reference::top_k",
           [] {
             return reference::top_k(items.view(), queries.view(), 10, Metric::euclidean, false);
           }),
      door("reference::dot64",
           [] { return reference::dot64(items.values.data(), queries.values.data(), 20); }),
      door("reference::score",
           [] {
             return reference::score(items.values.data(), queries.values.data(), 20, Metric::cosine,
                                     false)
                 .reported;
           }),
      door("objective::bce", [] { return objective::bce(scores, labels, 0.3); }),
      door("objective::bpr", [] { return objective::bpr(scores, others, 0.3); }),
      door("objective::cross_entropy",
           [] { return objective::cross_entropy(scores, others, 0.3); }),
      door("objective::probability",
           [] {
             std::vector<float> out(scores.size());
             objective::probability(scores, out, 0.3);
             return out;
           }),
      door("objective::log_partition",
           [] {
             std::vector<double> out(queries.rows);
             objective::log_partition(index, queries.view(), out);
             return out;
           }),
      door("objective::full_softmax",
           [] { return objective::full_softmax(index, queries.view(), positives); }),
      door("objective::probabilities",
           [] {
             const std::vector<double> partition(queries.rows, 7.1);
             std::vector<double> out(positives.size());
             objective::probabilities(index, queries.view(), positives, partition, out);
             return out;
           }),
      {"evaluate::retrieval",
       [report] {
         return report(
             evaluate::retrieval(index, queries.view(), relevant, ks, {}, {{.bootstrap = 20}}));
       }},
      door("evaluate::ranks", [] { return evaluate::ranks(index, queries.view(), relevant); }),
      door("evaluate::rechub_rounded",
           [] { return evaluate::rechub_rounded(evaluate::RechubMetric::recall, 0.12345); }),
      door("round_to_f32",
           [] {
             const std::vector<double> wide = index.search(queries.view(), 10).scores;
             std::vector<float> out(wide.size());
             round_to_f32(wide, out.data());
             return out;
           }),
      door("item_row",
           [] {
             const std::vector<std::uint16_t> halves(20, 3);  // denormals
             std::vector<float> out(20);
             Index::build(MatrixView::f16(halves.data(), 1, 20)).item_row(0, out.data());
             return out;
           }),
      door("save and open",
           [] {
             tiny_index.save(index_path);
             return Index::open(index_path, {.verify_payload = true}).search(queries.view(), 10);
           }),
      door("MatrixWriter",
           [] {
             MatrixWriter writer(path, MatrixWriter::Format::npy_f32, 1, 3);
             writer.append(std::vector<double>{1.0 / 3.0, 1e-40, 2.0 / 3.0}.data(), 1);
             writer.commit();
             std::vector<float> out(3);
             MatrixFile::open(path).read(0, 1, out.data());
             return out;
           }),
  };
  return all;
}

}  // namespace

TEST_CASE("the caller's float environment reaches no result and is left as it was") {
  const unsigned saved = _mm_getcsr();
  for (const Door& one : doors()) {
    CAPTURE(one.name);
    const Bits expected = one.call();
    // Flush to zero and denormals are zero; up; down; toward zero; every exception traps.
    for (const unsigned mode : {0x9fc0U, 0x5f80U, 0x3f80U, 0x7f80U, 0x0000U}) {
      CAPTURE(mode);
      // Kept whole until the environment is back: doctest's own arithmetic must not trap.
      Bits got;
      _mm_setcsr(mode);
      got = one.call();
      const unsigned after = _mm_getcsr();
      _mm_setcsr(saved);
      CHECK((after & 0xffc0U) == (mode & 0xffc0U));
      CHECK(got == expected);
    }
    // Both units of the CPU: the C library prints and reads numbers by the mode of the older one.
    for (const int rounding : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
      CAPTURE(rounding);
      std::fesetround(rounding);
      const Bits got = one.call();
      const int after = std::fegetround();
      std::fesetround(FE_TONEAREST);
      CHECK(after == rounding);
      CHECK(got == expected);
    }
  }
}

#endif
