#include "verify/faiss.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <utility>

#include "console/failure.hpp"
#include "verify/compare.hpp"
#include "verify/faiss_library.hpp"

namespace maxdot::tools {
namespace {

// 1, 2, 4, ... and at last all lists.
std::vector<std::size_t> probe_counts(std::size_t nlist) {
  std::vector<std::size_t> counts;
  for (std::size_t nprobe = 1; nprobe < nlist; nprobe *= 2) counts.push_back(nprobe);
  counts.push_back(nlist);
  return counts;
}

}  // namespace

bool FaissReport::explained() const noexcept {
  std::uint64_t unexplained = unit_inner_product.unexplained + unit_distance.unexplained +
                              raw_inner_product.unexplained + raw_distance.unexplained;
  for (const IvfSweep& sweep : ivf) unexplained += sweep.full.unexplained;
  return unexplained == 0;
}

std::size_t faiss_steps(const FaissTask& task) {
  constexpr std::size_t flat_searches = 4;
  if (task.nlist == 0) return flat_searches;
  return flat_searches +
         2 * (1 + probe_counts(task.nlist).size());  // a training and the searches, twice
}

std::size_t default_nlist(std::size_t items) {
  const auto wanted = static_cast<std::size_t>(4.0 * std::sqrt(static_cast<double>(items)));
  return std::clamp<std::size_t>(std::min(wanted, items / 39), 1, 4096);
}

namespace {

constexpr std::size_t kAskedAlone = 64;

// FAISS numbers its rows from 0; rows that were left out shift them. Translates back.
class Ids {
 public:
  explicit Ids(std::vector<std::size_t> rows) : rows_(std::move(rows)) {}

  void translate(FaissAnswer& answer) const {
    for (std::int64_t& id : answer.ids) {
      if (id >= 0 && static_cast<std::size_t>(id) < rows_.size()) {
        id = static_cast<std::int64_t>(rows_[static_cast<std::size_t>(id)]);
      }
    }
  }

 private:
  std::vector<std::size_t> rows_;
};

FaissAnswer search(const FaissIndex& index, const float* queries, std::size_t count,
                   std::size_t k) {
  FaissAnswer answer{count, k, std::vector<std::int64_t>(count * k), std::vector<float>(count * k)};
  index.search(count, queries, k, answer.scores.data(), answer.ids.data());
  return answer;
}

// The same queries again, one at a time: how many get other items than in the batch?
std::size_t differing_alone(const FaissIndex& index, const Rows& queries, std::size_t count,
                            const FaissAnswer& batch) {
  std::size_t differing = 0;
  for (std::size_t query = 0; query < count; ++query) {
    const FaissAnswer alone = search(index, queries.row(query), 1, batch.k);
    const auto offset = static_cast<std::ptrdiff_t>(query * batch.k);
    if (!std::equal(alone.ids.begin(), alone.ids.end(), batch.ids.begin() + offset)) ++differing;
  }
  return differing;
}

void count_ip_l2(const FaissAnswer& ip, const FaissAnswer& l2, FaissReport& report) {
  report.positions = ip.ids.size();
  for (std::size_t begin = 0; begin < ip.ids.size(); begin += ip.k) {
    std::size_t differing = 0;
    for (std::size_t at = begin; at < begin + ip.k; ++at)
      differing += ip.ids[at] != l2.ids[at] ? 1U : 0U;
    report.positions_ip_l2_differ += differing;
    if (differing > 0) ++report.queries_ip_l2_differ;
  }
}

class Runner {
 public:
  Runner(const FaissLibrary& faiss, const FaissTask& task,
         const std::function<void(std::size_t)>& finished)
      : faiss_(faiss), task_(task), finished_(finished) {}

  FaissReport run() {
    FaissReport report;
    report.version = faiss_.version();
    run_unit(report);
    report.raw_inner_product =
        run_raw(FaissScore::inner_product, task_.dot_contest, task_.dot_truth);
    report.raw_distance =
        run_raw(FaissScore::squared_distance, task_.euclidean_contest, task_.euclidean_truth);
    return report;
  }

 private:
  void step() { finished_(++done_); }

  void run_unit(FaissReport& report) {
    const std::vector<std::size_t> rows = nonzero_rows(task_.unit_items);
    if (rows.empty()) return;
    const Ids ids(rows);
    Rows without_zeros;
    if (rows.size() < task_.unit_items.rows) without_zeros = take_rows(task_.unit_items, rows);
    const Rows& items = without_zeros.rows > 0 ? without_zeros : task_.unit_items;

    report.asked_alone = std::min(kAskedAlone, task_.unit_queries.rows);
    const FaissAnswer ip =
        run_flat(FaissScore::inner_product, items, ids, report.asked_alone, report.alone_ip_differ);
    const FaissAnswer l2 = run_flat(FaissScore::squared_distance, items, ids, report.asked_alone,
                                    report.alone_l2_differ);
    report.unit_inner_product = explain_unit(ip, FaissScore::inner_product);
    report.unit_distance = explain_unit(l2, FaissScore::squared_distance);
    count_ip_l2(ip, l2, report);
    if (task_.nlist == 0) return;
    report.ivf.push_back(run_ivf(FaissScore::inner_product, items, ids, ip));
    report.ivf.push_back(run_ivf(FaissScore::squared_distance, items, ids, l2));
  }

  FaissAnswer run_flat(FaissScore measure, const Rows& items, const Ids& ids, std::size_t alone,
                       std::size_t& alone_differ) {
    const auto index = faiss_.flat(measure, items.cols);
    index->add(items.rows, items.values.data());
    FaissAnswer answer = search(*index, task_.unit_queries.values.data(), task_.unit_queries.rows,
                                task_.unit_truth.k);
    alone_differ = differing_alone(*index, task_.unit_queries, alone, answer);
    ids.translate(answer);
    step();
    return answer;
  }

  IvfSweep run_ivf(FaissScore measure, const Rows& items, const Ids& ids, const FaissAnswer& flat) {
    IvfSweep sweep;
    sweep.measure = measure;
    sweep.nlist = std::min(task_.nlist, items.rows);
    const auto index = faiss_.ivf(measure, items.cols, sweep.nlist, task_.seed);
    index->add(items.rows, items.values.data());
    step();
    for (const std::size_t nprobe : probe_counts(sweep.nlist)) {
      index->look_into(nprobe);
      FaissAnswer answer = search(*index, task_.unit_queries.values.data(), task_.unit_queries.rows,
                                  task_.unit_truth.k);
      ids.translate(answer);
      sweep.steps.push_back(
          {nprobe, mean_overlap(answer.ids, task_.unit_truth.ids, task_.unit_truth.k)});
      if (nprobe == sweep.nlist) {
        sweep.full = explain_unit(answer, measure);
        sweep.positions = answer.ids.size();
        for (std::size_t at = 0; at < answer.ids.size(); ++at) {
          if (answer.ids[at] == flat.ids[at]) ++sweep.same_as_flat;
        }
      }
      step();
    }
    return sweep;
  }

  Explanation explain_unit(const FaissAnswer& answer, FaissScore measure) const {
    return explain(answer, measure, task_.unit_truth, task_.unit_contest, task_.unit_items,
                   task_.unit_queries);
  }

  Explanation run_raw(FaissScore measure, const judge::Contest& contest,
                      const judge::Truth& truth) {
    const auto index = faiss_.flat(measure, task_.raw_items.cols);
    index->add(task_.raw_items.rows, task_.raw_items.values.data());
    const FaissAnswer answer =
        search(*index, task_.raw_queries.values.data(), task_.raw_queries.rows, truth.k);
    Explanation result =
        explain(answer, measure, truth, contest, task_.raw_items, task_.raw_queries);
    step();
    return result;
  }

  const FaissLibrary& faiss_;
  const FaissTask& task_;
  const std::function<void(std::size_t)>& finished_;
  std::size_t done_ = 0;
};

}  // namespace

std::optional<FaissReport> run_faiss(const FaissTask& task,
                                     const std::function<void(std::size_t)>& finished) {
  const FaissLibrary* const faiss = load_faiss();
  if (faiss == nullptr) return std::nullopt;
  try {
    return Runner(*faiss, task, finished).run();
  } catch (const Failure&) {
    throw;
  } catch (const std::runtime_error& error) {
    throw Failure(ExitCode::unsupported, std::string("FAISS failed: ") + error.what() +
                                             "; try --no-ivf, or remove " + kFaissModule +
                                             " from the folder of the command");
  }
}

}  // namespace maxdot::tools
