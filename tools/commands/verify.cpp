// maxdot verify: the promise, checked on the user's own embeddings. docs/verify.md explains every
// number.
#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "commands/command.hpp"
#include "commands/scoring.hpp"
#include "console/html_page.hpp"
#include "maxdot/maxdot.hpp"
#include "verify/report.hpp"

namespace maxdot::tools {
namespace {

struct VerifyCommand {
  std::string items_path;
  std::string queries_path;
  std::uint64_t k = 100;
  std::uint64_t queries = 0;  // 0: all of the file's, or kDefaultSample items
  std::uint64_t seed = 1;
  std::uint64_t nlist = 0;  // 0: default_nlist
  std::uint64_t threads = 0;
  std::optional<std::string> html_path;
  bool no_ivf = false;
  bool json = false;
};

constexpr std::size_t kDefaultSample = 1000;
constexpr std::size_t kAskedAlone = 64;
constexpr std::size_t kSelfCheckPairs = 10000;
constexpr std::uint64_t kMost = std::uint64_t{1} << 40;

using Answers = std::array<SearchResult, 3>;  // in the order of all_metrics

// The same rows in both forms, and the queries.
struct Data {
  Rows raw_items;
  Rows raw_queries;
  Rows unit_items;
  Rows unit_queries;
  std::vector<std::size_t> query_rows;  // where in its file each query is
};

Rows load_finite(const std::string& path) {
  Rows rows = blaming(path, [&] { return load_rows(path); });
  if (rows.rows == 0)
    throw Failure(ExitCode::bad_data, path + ": there are no rows; nothing can be verified");
  for (std::size_t at = 0; at < rows.values.size(); ++at) {
    if (std::isfinite(rows.values[at])) continue;
    throw Failure(ExitCode::bad_data,
                  path + ": row " + std::to_string(at / rows.cols) + ", column " +
                      std::to_string(at % rows.cols) +
                      " is NaN or infinite; nothing ranks by that, so remove the row");
  }
  return rows;
}

Data load(const VerifyCommand& command, VerifyReport& report) {
  Data data;
  data.raw_items = load_finite(command.items_path);
  const bool own_queries = !command.queries_path.empty();
  Rows file;
  if (own_queries) {
    file = load_finite(command.queries_path);
    if (file.cols != data.raw_items.cols) {
      throw Failure(ExitCode::bad_data,
                    command.queries_path + ": rows have " + std::to_string(file.cols) +
                        " values but " + command.items_path + " has " +
                        std::to_string(data.raw_items.cols) + "; use embeddings of the same model");
    }
  }
  const Rows& source = own_queries ? file : data.raw_items;
  const std::size_t wanted = command.queries > 0 ? static_cast<std::size_t>(command.queries)
                             : own_queries       ? source.rows
                                                 : kDefaultSample;
  data.query_rows = sample_rows(source.rows, std::min(wanted, source.rows), command.seed);
  data.raw_queries = take_rows(source, data.query_rows);
  data.unit_items = unit_rows(data.raw_items);
  data.unit_queries = unit_rows(data.raw_queries);

  report.items_path = command.items_path;
  report.queries_path = command.queries_path;
  report.items = data.raw_items.rows;
  report.dimension = data.raw_items.cols;
  report.query_rows = source.rows;
  report.queries = data.raw_queries.rows;
  report.seed = command.seed;
  report.k_asked = static_cast<std::size_t>(command.k);
  report.k = std::min(report.k_asked, report.items);
  report.zero_items = report.items - nonzero_rows(data.raw_items).size();
  report.zero_queries = report.queries - nonzero_rows(data.raw_queries).size();
  report.norm_error = largest_norm_error(data.raw_items);
  return data;
}

std::array<judge::Contest, 3> contests(bool normalize) {
  return {judge::Contest{Metric::dot, normalize}, judge::Contest{Metric::cosine, normalize},
          judge::Contest{Metric::euclidean, normalize}};
}

Answers search_all(const Index& index, const MatrixView& queries, std::size_t k,
                   std::size_t threads) {
  Answers answers;
  for (std::size_t m = 0; m < all_metrics.size(); ++m) {
    answers[m] = index.search(queries, k, {static_cast<int>(threads), all_metrics[m]});
  }
  return answers;
}

Index build(const Rows& items, bool normalize, std::size_t threads) {
  BuildOptions options;
  options.metric = Metric::dot;
  options.normalize = normalize;
  options.threads = static_cast<int>(threads);
  return Index::build(items.view(), options);
}

std::vector<judge::Truth> find_truth(const char* what, const Rows& items, const Rows& queries,
                                     std::size_t k, const std::vector<judge::Contest>& wanted,
                                     std::size_t threads, Form form) {
  Progress progress(what, "queries", queries.rows, form);
  return judge::brute_force(items.view(), queries.view(), {}, k, wanted, threads,
                            [&progress](std::size_t done) { progress.update(done); });
}

// Adds `part` to `whole`.
void add(Comparison& whole, const Comparison& part) {
  whole.positions += part.positions;
  whole.wrong_ids += part.wrong_ids;
  whole.wrong_scores += part.wrong_scores;
  whole.queries_differing += part.queries_differing;
  if (!whole.first) whole.first = part.first;
}

/// `answers` are those of `threads` threads.
void compare_circumstances(const Index& index, const Data& data, const Answers& answers,
                           std::size_t threads, VerifyReport& report) {
  // One thread beside itself would prove nothing.
  report.many_threads = std::max<std::size_t>(threads, 2);
  const Answers other_threads =
      search_all(index, data.raw_queries.view(), report.k, threads == 1 ? report.many_threads : 1);
  report.asked_alone = std::min(kAskedAlone, report.queries);
  for (std::size_t m = 0; m < all_metrics.size(); ++m) {
    add(report.one_thread, compare_answers(other_threads[m], answers[m]));
  }
  for (std::size_t query = 0; query < report.asked_alone; ++query) {
    const Answers single =
        search_all(index, data.raw_queries.view().slice(query, 1), report.k, threads);
    for (std::size_t m = 0; m < all_metrics.size(); ++m) {
      const SearchResult& batch = answers[m];
      const auto from = static_cast<std::ptrdiff_t>(query * batch.k);
      const auto to = from + static_cast<std::ptrdiff_t>(batch.k);
      const SearchResult row{1,
                             batch.k,
                             {batch.ids.begin() + from, batch.ids.begin() + to},
                             {batch.scores.begin() + from, batch.scores.begin() + to},
                             {batch.counts[query]}};
      add(report.alone, compare_answers(single[m], row));
    }
  }
}

void compare_metrics(const std::vector<judge::Truth>& truths, const Data& data,
                     VerifyReport& report) {
  constexpr std::array<std::array<std::size_t, 2>, 3> pairs = {{{0, 1}, {0, 2}, {1, 2}}};
  for (std::size_t p = 0; p < pairs.size(); ++p) {
    const judge::Truth& left = truths[pairs[p][0]];
    const judge::Truth& right = truths[pairs[p][1]];
    std::size_t same = 0;
    for (std::size_t at = 0; at < left.ids.size(); ++at)
      same += left.ids[at] == right.ids[at] ? 1U : 0U;
    report.raw_pairs[p] = {all_metrics[pairs[p][0]], all_metrics[pairs[p][1]],
                           mean_overlap(left.ids, right.ids, left.k),
                           static_cast<double>(same) / static_cast<double>(left.ids.size())};
  }
  // The query that shows it best: three different answers if there is one, else two.
  int most = 1;
  for (std::size_t query = 0; query < report.queries && most < 3; ++query) {
    const std::array<std::int64_t, 3> best = {truths[0].ids[query * report.k],
                                              truths[1].ids[query * report.k],
                                              truths[2].ids[query * report.k]};
    const int different =
        1 + (best[1] != best[0] ? 1 : 0) + (best[2] != best[0] && best[2] != best[1] ? 1 : 0);
    if (different <= most) continue;
    most = different;
    report.raw_example = MetricExample{data.query_rows[query], best};
  }
}

VerifyReport verify(const VerifyCommand& command) {
  kernel_in_use();  // refuses a wrong MAXDOT_ISA
  const Form form = command.json ? Form::json : Form::text;
  const Stopwatch watch;
  VerifyReport report;
  const Data data = load(command, report);
  // Truths, maxdot's answers and FAISS's, for two forms of the rows: about 24, 16 and 12 bytes a
  // result each.
  check_memory(report.queries, report.k, 300, "use fewer --queries or a smaller -k");
  const auto threads = command.threads > 0 ? static_cast<std::size_t>(command.threads)
                                           : static_cast<std::size_t>(available_threads());

  report.threads = threads;
  std::vector<judge::Contest> raw_contests;
  std::vector<judge::Contest> unit_contests;
  for (const judge::Contest& contest : contests(false)) raw_contests.push_back(contest);
  for (const judge::Contest& contest : contests(true)) unit_contests.push_back(contest);
  unit_contests.push_back({Metric::cosine, true, true});  // what FAISS is measured by

  report.self_check_pairs = 2 * kSelfCheckPairs;
  report.self_check_wrong =
      judge::brute_force_self_check(data.raw_items.view(), data.raw_queries.view(), raw_contests,
                                    kSelfCheckPairs, command.seed) +
      judge::brute_force_self_check(data.unit_items.view(), data.unit_queries.view(), unit_contests,
                                    kSelfCheckPairs, command.seed);

  const std::vector<judge::Truth> raw_truths =
      find_truth("finding the truth, rows as they are:", data.raw_items, data.raw_queries, report.k,
                 raw_contests, threads, form);
  const std::vector<judge::Truth> unit_truths =
      find_truth("finding the truth, unit rows:", data.unit_items, data.unit_queries, report.k,
                 unit_contests, threads, form);
  for (const std::vector<judge::Truth>* truths : {&raw_truths, &unit_truths}) {
    for (const judge::Truth& truth : *truths) {
      report.keys_denied += truth.denied;
      report.keys_confirmed += truth.keys.size() - truth.denied;
    }
  }
  compare_metrics(raw_truths, data, report);
  {
    const Index index = build(data.raw_items, false, threads);
    const Answers answers = search_all(index, data.raw_queries.view(), report.k, threads);
    for (std::size_t m = 0; m < 3; ++m)
      report.raw_truth[m] = compare_with_truth(answers[m], raw_truths[m]);
    compare_circumstances(index, data, answers, threads, report);
  }
  {
    const Index index = build(data.unit_items, true, threads);
    const Answers answers = search_all(index, data.unit_queries.view(), report.k, threads);
    for (std::size_t m = 0; m < 3; ++m)
      report.unit_truth[m] = compare_with_truth(answers[m], unit_truths[m]);
    report.unit_rankings = {compare_rankings(answers[0], answers[1]),
                            compare_rankings(answers[0], answers[2])};
    report.geometry = check_geometry(answers[2], data.unit_items, data.unit_queries);
  }

  const std::size_t lists =
      command.nlist > 0 ? static_cast<std::size_t>(command.nlist) : default_nlist(report.items);
  const FaissTask task{data.unit_items,
                       data.unit_queries,
                       unit_contests[3],
                       unit_truths[3],
                       data.raw_items,
                       data.raw_queries,
                       raw_contests[0],
                       raw_truths[0],
                       raw_contests[2],
                       raw_truths[2],
                       command.no_ivf ? 0 : std::min(lists, report.items),
                       command.seed};
  Progress progress("asking FAISS:", "steps", faiss_steps(task), form);
  report.faiss = run_faiss(task, [&progress](std::size_t done) { progress.update(done); });
  report.seconds = watch.seconds();
  return report;
}

void run(const VerifyCommand& command) {
  const HtmlPage page(command.html_path, {command.items_path, command.queries_path});
  const VerifyReport report = verify(command);
  if (command.json) {
    print_json(json_report(report));
  } else {
    print(text_report(report));
  }
  std::string without_page;
  try {
    page.write(json_report(report));
  } catch (const Failure& failure) {
    if (report.passed()) throw;
    without_page = std::string("; ") + failure.what();
  }
  if (!report.passed()) {
    throw Failure(ExitCode::check_failed,
                  "verification failed, the report says where" + without_page);
  }
}

}  // namespace

void register_verify(CLI::App& app) {
  const auto command = std::make_shared<VerifyCommand>();
  CLI::App& verify = *app.add_subcommand(
      "verify",
      "Check maxdot's answers on your own embeddings against 64-bit brute force and against FAISS");
  verify
      .add_option("ITEMS", command->items_path,
                  "Embeddings of the items: .npy (f32, f16), .fvecs or .fbin")
      ->required();
  verify.add_option(
      "QUERIES", command->queries_path,
      "Embeddings of the queries; without them, randomly drawn items serve as queries");
  add_k(verify, command->k);
  add_number(verify, "--queries", command->queries, 1, kMost,
             "Use so many randomly drawn queries (default: all of QUERIES, or 1000 items)");
  add_number(verify, "--seed", command->seed, 0, kMost, "Seed of the drawing");
  verify.add_flag("--no-ivf", command->no_ivf,
                  "Leave out FAISS's approximate IndexIVFFlat, the slowest part");
  add_number(verify, "--nlist", command->nlist, 1, kMost,
             "Lists of IndexIVFFlat (default: about 4 * sqrt(items))");
  add_threads(verify, command->threads);
  add_json(verify, command->json);
  add_html(verify, command->html_path);
  add_footer(verify, "maxdot verify items.npy queries.npy -k 100 --queries 1000");
  verify.callback([command] { run(*command); });
}

}  // namespace maxdot::tools
