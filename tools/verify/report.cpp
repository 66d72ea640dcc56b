#include "verify/report.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "verify/text.hpp"

namespace maxdot::tools {
namespace {

std::uint64_t wrong_against_truth(const VerifyReport& report) {
  std::uint64_t wrong = 0;
  for (const Comparison& comparison : report.unit_truth) wrong += comparison.wrong();
  for (const Comparison& comparison : report.raw_truth) wrong += comparison.wrong();
  return wrong;
}

Json json(const Comparison& comparison) {
  Json result = {{"positions", comparison.positions},
                 {"wrong_ids", comparison.wrong_ids},
                 {"wrong_scores", comparison.wrong_scores},
                 {"queries_differing", comparison.queries_differing}};
  if (comparison.first) {
    const Place& place = *comparison.first;
    result["first"] = {{"query", place.query},          {"position", place.position},
                       {"id", place.left_id},           {"score", place.left_score},
                       {"expected_id", place.right_id}, {"expected_score", place.right_score}};
  }
  return result;
}

Json json(const std::array<Comparison, 3>& comparisons) {
  Json result;
  for (std::size_t m = 0; m < comparisons.size(); ++m)
    result[to_string(all_metrics[m])] = json(comparisons[m]);
  return result;
}

Json json(const Position& position) {
  static constexpr std::array names = {"no_item", "repeated", "score", "order"};
  return {{"query", position.query},
          {"position", position.position},
          {"faiss_id", position.faiss_id},
          {"true_id", position.true_id},
          {"gap", position.gap},
          {"allowed", position.allowed},
          {"defect", names[static_cast<std::size_t>(position.defect)]}};
}

Json json(const Explanation& explanation) {
  Json result = {{"positions", explanation.positions},
                 {"equal", explanation.equal},
                 {"explained", explanation.explained},
                 {"unexplained", explanation.unexplained},
                 {"queries_differing", explanation.queries_differing},
                 {"queries_left_out", explanation.queries_left_out},
                 {"bound_used", explanation.bound_used}};
  if (explanation.widest) {
    result["widest_gap"] = explanation.widest->gap;
    result["widest_gap_allowed"] = explanation.widest->allowed;
  }
  if (explanation.first_unexplained)
    result["first_unexplained"] = json(*explanation.first_unexplained);
  return result;
}

Json json(const IvfSweep& sweep) {
  Json steps = Json::array();
  for (const IvfStep& step : sweep.steps)
    steps.push_back({{"nprobe", step.nprobe}, {"recall", step.recall}});
  return {{"metric", sweep.measure == FaissScore::inner_product ? "dot" : "euclidean"},
          {"nlist", sweep.nlist},
          {"recall_by_nprobe", steps},
          {"all_lists", json(sweep.full)},
          {"all_lists_same_as_flat", sweep.same_as_flat}};
}

Json json(const FaissReport& faiss) {
  Json ivf = Json::array();
  for (const IvfSweep& sweep : faiss.ivf) ivf.push_back(json(sweep));
  return {{"version", faiss.version},
          {"unit_flat_ip", json(faiss.unit_inner_product)},
          {"unit_flat_l2", json(faiss.unit_distance)},
          {"ip_against_l2",
           {{"positions", faiss.positions},
            {"positions_differing", faiss.positions_ip_l2_differ},
            {"queries_differing", faiss.queries_ip_l2_differ}}},
          {"one_by_one_against_batch",
           {{"queries", faiss.asked_alone},
            {"ip_differing", faiss.alone_ip_differ},
            {"l2_differing", faiss.alone_l2_differ}}},
          {"unit_ivf", ivf},
          {"raw_flat_ip", json(faiss.raw_inner_product)},
          {"raw_flat_l2", json(faiss.raw_distance)}};
}

Json json_raw(const VerifyReport& report) {
  Json pairs = Json::array();
  for (const MetricPair& pair : report.raw_pairs) {
    pairs.push_back({{"left", to_string(pair.left)},
                     {"right", to_string(pair.right)},
                     {"overlap", pair.overlap},
                     {"same_positions", pair.same_positions}});
  }
  Json result = {{"already_unit", report.already_unit()},
                 {"largest_norm_error", report.norm_error},
                 {"against_truth", json(report.raw_truth)},
                 {"metrics_compared", pairs}};
  if (report.raw_example) {
    result["example"] = {{"query", report.raw_example->query}, {"best", report.raw_example->best}};
  }
  return result;
}

}  // namespace

bool VerifyReport::exact() const noexcept {
  return self_check_wrong == 0 && keys_denied == 0 && wrong_against_truth(*this) == 0 &&
         unit_rankings[0].wrong() == 0 && unit_rankings[1].wrong() == 0 && geometry.outside == 0 &&
         one_thread.wrong() == 0 && alone.wrong() == 0;
}

bool VerifyReport::passed() const noexcept { return exact() && (!faiss || faiss->explained()); }

std::string verdict(const VerifyReport& report) {
  const std::string promise =
      "maxdot returned the exact top " + with_thousands(report.k) + " for " +
      (report.queries == 1 ? "the query" : "all " + with_thousands(report.queries) + " queries") +
      ", by dot product, cosine and Euclidean distance";
  if (report.self_check_wrong > 0) {
    return "FAIL: the check's own scores differ from the specification, so it proves nothing; "
           "please report "
           "this.";
  }
  if (report.keys_denied > 0) {
    return "FAIL: this build's 64-bit arithmetic is further from the true sums than rounding "
           "allows, so "
           "nothing is proven; "
           "build maxdot without options that change arithmetic.";
  }
  if (!report.exact()) {
    const std::uint64_t wrong = wrong_against_truth(report);
    if (wrong == 0) return "FAIL: maxdot contradicts itself, see below; please report this.";
    return "FAIL: maxdot's answer is wrong at " + plural(wrong, "position", "positions") +
           "; please report this.";
  }
  if (!report.faiss) return "PASS: " + promise + ". (FAISS was not consulted.)";
  if (!report.faiss->explained()) {
    return "FAIL: " + promise +
           ", but some of FAISS's answers are further off than its rounding can explain.";
  }
  return "PASS: " + promise +
         ", and every difference with FAISS is explained by FAISS's own rounding.";
}

Json json_report(const VerifyReport& report) {
  Json unit = {{"against_truth", json(report.unit_truth)},
               {"dot_against_cosine", json(report.unit_rankings[0])},
               {"dot_against_euclidean", json(report.unit_rankings[1])},
               {"distances_the_long_way",
                {{"pairs", report.geometry.pairs},
                 {"outside", report.geometry.outside},
                 {"largest", report.geometry.largest},
                 {"allowed", report.geometry.allowed}}}};
  return {{"passed", report.passed()},
          {"verdict", verdict(report)},
          {"items_file", report.items_path},
          {"queries_file", report.queries_path.empty() ? Json() : Json(report.queries_path)},
          {"items", report.items},
          {"dimension", report.dimension},
          {"query_rows", report.query_rows},
          {"queries", report.queries},
          {"seed", report.seed},
          {"k_asked", report.k_asked},
          {"k", report.k},
          {"threads", report.threads},
          {"zero_items", report.zero_items},
          {"zero_queries", report.zero_queries},
          {"specification_check",
           {{"pairs", report.self_check_pairs}, {"differing", report.self_check_wrong}}},
          {"precise_sums", {{"confirmed", report.keys_confirmed}, {"denied", report.keys_denied}}},
          {"unit_rows", unit},
          {"raw_rows", json_raw(report)},
          {"one_thread_against_many",
           {{"threads", report.many_threads}, {"result", json(report.one_thread)}}},
          {"one_by_one_against_batch",
           {{"queries", report.asked_alone}, {"result", json(report.alone)}}},
          {"faiss", report.faiss ? json(*report.faiss) : Json()},
          {"seconds", report.seconds}};
}

}  // namespace maxdot::tools
