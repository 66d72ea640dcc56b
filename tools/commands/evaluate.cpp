// maxdot evaluate: ranking metrics of a recall model over the full catalogue.
#include "maxdot/evaluate.hpp"

#include <algorithm>
#include <charconv>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "commands/command.hpp"
#include "commands/evaluate_report.hpp"
#include "commands/id_lists.hpp"
#include "commands/scoring.hpp"
#include "console/html_page.hpp"
#include "maxdot/maxdot.hpp"

namespace maxdot::tools {
namespace {

struct EvaluateCommand {
  std::string index_path;
  std::string users_path;
  std::string truth_path;
  std::string truth_ids_path;
  std::string exclude_path;
  std::string exclude_ids_path;
  PairColumns columns;
  std::vector<std::size_t> ks = {10};
  std::optional<Metric> metric;
  evaluate::Convention convention = evaluate::Convention::standard;
  std::uint64_t bootstrap = 0;
  double confidence = 0.95;
  std::uint64_t seed = 1;
  std::uint64_t threads = 0;
  std::optional<std::string> html_path;
  bool per_user = false;
  bool ranks = false;
  bool json = false;
};

/// Calls action(). Errors name the file that holds what they are about.
template <class Action>
decltype(auto) blaming_inputs(const EvaluateCommand& command, Action&& action) {
  try {
    return action();
  } catch (const Error& error) {
    const std::string_view what = error.what();
    throw blame(error, what.starts_with("relevant:")  ? command.truth_path
                       : what.starts_with("exclude:") ? command.exclude_path
                                                      : command.users_path);
  }
}

void run(const EvaluateCommand& command) {
  kernel_in_use();  // refuses a wrong MAXDOT_ISA
  const HtmlPage page(command.html_path,
                      {command.index_path, command.users_path, command.truth_path,
                       command.truth_ids_path, command.exclude_path, command.exclude_ids_path});
  const Index index = blaming(command.index_path, [&] { return Index::open(command.index_path); });
  const MatrixFile file = MatrixFile::open(command.users_path);
  check_dimension(file, index, command.index_path);
  const std::size_t most = *std::max_element(command.ks.begin(), command.ks.end());
  check_memory(file.rows(), most, sizeof(std::int64_t), "use a smaller -k, or fewer users");
  const OwnedIdLists relevant =
      read_lists(command.truth_path, command.truth_ids_path, file.rows(), command.columns);
  if (relevant.ids.empty()) {
    throw Failure(ExitCode::bad_data,
                  command.truth_path + ": holds no pair; metrics of nothing are no answer");
  }
  const OwnedIdLists exclude = command.exclude_path.empty()
                                   ? OwnedIdLists{}
                                   : read_lists(command.exclude_path, command.exclude_ids_path,
                                                file.rows(), command.columns);
  const Matrix users = blaming(command.users_path, [&] { return file.read_all(); });

  evaluate::RetrievalOptions options;
  options.convention = command.convention;
  options.bootstrap = static_cast<std::size_t>(command.bootstrap);
  options.confidence = command.confidence;
  options.seed = command.seed;
  options.per_user = command.per_user;
  options.threads = static_cast<int>(command.threads);
  options.metric = command.metric;
  Evaluation evaluation;
  evaluation.index_path = command.index_path;
  evaluation.users_path = command.users_path;
  evaluation.items = index.size();
  evaluation.metric = command.metric.value_or(index.info().metric);
  evaluation.confidence = command.confidence;
  const Stopwatch watch;
  evaluation.report = blaming_inputs(command, [&] {
    return evaluate::retrieval(index, users.view(), relevant, command.ks, exclude, options);
  });
  evaluation.seconds = watch.seconds();
  if (command.ranks) {
    evaluation.ranks = blaming_inputs(command, [&] {
      return evaluate::ranks(index, users.view(), relevant, exclude,
                             {command.metric, options.threads});
    });
  }
  if (command.json) {
    print_json(json_report(evaluation, relevant));
  } else {
    print_report(evaluation);
  }
  if (command.html_path) page.write(json_report(evaluation, relevant));
}

std::vector<std::size_t> parse_ks(const std::string& text) {
  std::vector<std::size_t> ks;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    std::size_t k = 0;
    const auto [stop, status] = std::from_chars(text.data() + begin, text.data() + end, k);
    if (status != std::errc() || stop != text.data() + end || k < 1 || k > max_k) {
      throw CLI::ValidationError("-k", "'" + text + "' is not a list of whole numbers from 1 to " +
                                           std::to_string(max_k) + " with commas between");
    }
    ks.push_back(k);
    begin = end + 1;
  }
  return ks;
}

evaluate::Convention parse_convention(const std::string& text) {
  for (const auto convention : {evaluate::Convention::standard, evaluate::Convention::rechub}) {
    if (text == evaluate::to_string(convention)) return convention;
  }
  throw CLI::ValidationError("--convention",
                             "unknown convention '" + text + "', choose standard or rechub");
}

double parse_confidence(const std::string& text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data(), end, value);
  if (status == std::errc() && stop == end && value > 0.0 && value < 1.0) return value;
  throw CLI::ValidationError("--confidence",
                             "'" + text + "' is not a number between 0 and 1, such as 0.95");
}

}  // namespace

void register_evaluate(CLI::App& app) {
  const auto command = std::make_shared<EvaluateCommand>();
  CLI::App& evaluate = *app.add_subcommand(
      "evaluate", "Measure a recall model over the full catalogue: recall, NDCG, MRR, ...");
  add_file(evaluate, "INDEX", command->index_path, "An index file")->required();
  add_file(evaluate, "USERS", command->users_path,
           "Embeddings of the users: .npy (f32, f16), .fvecs or .fbin")
      ->required();
  CLI::Option* truth =
      add_file(evaluate, "--truth", command->truth_path,
               "Relevant items: pairs (row of the user, item id) as text, one user,item a line, or "
               "as .npy [m, 2]; with --truth-ids the offsets of a CSR array");
  truth->required();
  add_file(evaluate, "--truth-ids", command->truth_ids_path,
           "The item ids of a CSR array, 1-D .npy")
      ->needs(truth);
  CLI::Option* exclude =
      add_file(evaluate, "--exclude", command->exclude_path,
               "Items that must not be retrieved, such as those already seen; like --truth");
  add_file(evaluate, "--exclude-ids", command->exclude_ids_path, "Like --truth-ids")
      ->needs(exclude);
  add_pair_columns(evaluate, command->columns);
  evaluate
      .add_option_function<std::string>(
          "-k", [command](const std::string& text) { command->ks = parse_ks(text); },
          "Lengths of the lists to measure, all from one search: 5,10,100")
      ->type_name("N,...")
      ->default_str("10");
  evaluate
      .add_option_function<std::string>(
          "--convention",
          [command](const std::string& text) { command->convention = parse_convention(text); },
          "standard, or rechub: the definitions of torch-rechub's topk_metrics")
      ->type_name("NAME")
      ->default_str("standard");
  CLI::Option* bootstrap = add_number(
      evaluate, "--bootstrap", command->bootstrap, 0, 1000000,
      "Resamples of the users for confidence intervals, such as 1000; 0 for no intervals");
  evaluate
      .add_option_function<std::string>(
          "--confidence",
          [command](const std::string& text) { command->confidence = parse_confidence(text); },
          "Share that an interval covers")
      ->type_name("P")
      ->default_str("0.95")
      ->needs(bootstrap);
  add_number(evaluate, "--seed", command->seed, 0, UINT64_MAX, "Determines the resamples")
      ->needs(bootstrap);
  evaluate.add_flag("--ranks", command->ranks,
                    "Also the rank of each relevant item among all items; with --json each one");
  add_json(evaluate, command->json);
  add_html(evaluate, command->html_path);
  evaluate.add_flag(
      "--per-user", command->per_user,
      "Every user's own values too: a table with tabs after the report, or in the JSON document");
  add_metric(evaluate, command->metric, "dot, cosine or euclidean (default: the index's own)");
  add_threads(evaluate, command->threads);
  add_footer(evaluate,
             "maxdot evaluate items.mxd users.npy --truth test.csv --exclude train.csv -k 5,10,100 "
             "--bootstrap 1000");
  evaluate.callback([command] { run(*command); });
}

}  // namespace maxdot::tools
