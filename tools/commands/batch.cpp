// maxdot batch: every user against every item, in memory that grows neither with the users nor with
// the pairs that are excluded.
#include <algorithm>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands/batch_command.hpp"
#include "commands/batch_results.hpp"
#include "commands/batch_scoring.hpp"
#include "commands/command.hpp"
#include "commands/sample_check.hpp"
#include "commands/scoring.hpp"
#include "maxdot/maxdot.hpp"

namespace maxdot::tools {
namespace {

constexpr std::size_t bytes_per_result = sizeof(std::int64_t) + sizeof(double);

// What is saved need not be done again. Each time the disk is synced, so not too often.
constexpr double seconds_between_saves = 5;

// Large chunks are fast, because the engine batches their rows. What limits them: the buffers
// should stay a few tens of MB, and a chunk should be over in seconds, for the progress line.
std::size_t default_chunk(const MatrixFile& users, const Index& index, std::size_t k) {
  constexpr std::size_t buffer_bytes = std::size_t{32} << 20;
  constexpr std::size_t multiply_adds = std::size_t{1} << 40;
  constexpr std::size_t enough_to_batch = 256;
  const std::size_t row_bytes = users.cols() * size_of(users.dtype()) + k * bytes_per_result;
  const std::size_t by_memory = std::max<std::size_t>(1, buffer_bytes / row_bytes);
  const std::size_t row_work = std::max<std::size_t>(1, index.size() * users.cols());
  const std::size_t by_work = std::max(enough_to_batch, multiply_adds / row_work);
  return std::min(by_memory, by_work);
}

// The engine would find an id that .ivecs cannot hold only when it turns up in a result, maybe
// hours later.
void check_ids_fit(const BatchCommand& command, const Index& index) {
  if (ids_format(command.out.ids) != MatrixWriter::Format::ivecs) return;
  for (std::size_t row = 0; row < index.size(); ++row) {
    if (index.item_id(row) <= std::numeric_limits<std::int32_t>::max()) continue;
    throw Failure(ExitCode::bad_data, command.out.ids +
                                          ": .ivecs holds ids up to 2147483647 but the index has " +
                                          std::to_string(index.item_id(row)) + "; write .npy");
  }
}

void check_arguments(const BatchCommand& command) {
  ids_format(command.out.ids);
  const std::vector<std::string> inputs = {command.index_path, command.users_path,
                                           command.exclude_path, command.exclude_ids_path,
                                           command.mask_path};
  check_output(command.out.ids, inputs);
  std::vector<std::string> taken = inputs;
  taken.push_back(command.out.ids);
  if (!command.out.scores.empty()) {
    scores_format(command.out.scores);
    check_output(command.out.scores, inputs);
    check_two_files(command.out.ids, command.out.scores);
    taken.push_back(command.out.scores);
  }
  if (!command.out.bad_rows.empty()) check_output(command.out.bad_rows, taken);
  for (const std::string& path : {command.out.ids, command.out.scores, command.out.bad_rows}) {
    if (!path.empty()) check_output(path + ".partial", inputs);
  }
  check_output(command.out.ids + ".job", inputs);
  if (command.scan && command.null_bad_rows) {
    throw Failure(
        ExitCode::usage,
        "--scan looks for what would end the job, which --on-bad-row null lets nothing do; "
        "give one of them");
  }
}

/// What the results depend on: a stopped job goes on only if all of it is the same.
Json about(const BatchCommand& command, const Index& index, const ShareRows& rows) {
  const auto file = [](const std::string& path) { return path.empty() ? Json() : described(path); };
  return {{"maxdot", MAXDOT_VERSION},
          {"index", {{"items", index.size()}, {"checksum", std::to_string(index.info().checksum)}}},
          {"users", described(command.users_path)},
          {"first_user", rows.first},
          {"user_count", rows.count()},
          {"k", command.k},
          {"metric", to_string(command.metric.value_or(index.info().metric))},
          {"exclude", file(command.exclude_path)},
          {"exclude_ids", file(command.exclude_ids_path)},
          {"user_column", command.columns.user},
          {"item_column", command.columns.item},
          {"item_mask", file(command.mask_path)},
          {"scores", command.out.scores},
          {"bad_rows", command.out.bad_rows},
          {"on_bad_row", command.null_bad_rows ? "null" : "fail"}};
}

/// What a run did.
struct BatchOutcome {
  std::size_t before = 0;  ///< users that an earlier process had done
  std::uint64_t bad_rows = 0;
  double seconds = 0;
  SampleVerdict sample;
};

void score_users(const BatchCommand& command, Scoring& scoring, Exclusions& exclusions,
                 const ShareRows& rows, std::size_t rows_at_once, BatchResults& results) {
  Progress progress("scoring", "users", rows.count(), command.form(), results.users());
  const Stopwatch watch;
  double saved = 0;  // [seconds]
  while (results.users() < rows.count()) {
    IdLists exclude;
    const std::size_t first = rows.first + results.users();
    const std::size_t count =
        exclusions.next(first, std::min(rows_at_once, rows.last - first), exclude);
    scoring.score(first, count, exclude, results);
    progress.update(results.users());
    if (watch.seconds() - saved > seconds_between_saves) {
      results.save();
      saved = watch.seconds();
    }
  }
}

Failure stopped(std::size_t users, const ShareRows& rows) {
  return Failure(ExitCode::stopped, "stopped after " + with_thousands(users) + " of " +
                                        with_thousands(rows.count()) +
                                        " users; run the same command again to go on");
}

BatchOutcome score_all(const BatchCommand& command, const Index& index, const MatrixFile& users,
                       const ShareRows& rows, std::size_t rows_at_once) {
  // From here on the first signal ends the command soon, and what is done stays.
  const InterruptGuard interrupt;
  try {
    if (command.scan) scan_users(command, users, rows, rows_at_once, interrupt);
  } catch (const Interrupted&) {
    throw stopped(0, rows);
  }
  Scoring scoring(command, index, users, rows_at_once, interrupt.stop());
  BatchResults results(command.out, rows.count(), command.k, about(command, index, rows),
                       command.users_path, command.restart);
  BatchOutcome outcome;
  outcome.before = results.users();
  const Stopwatch watch;
  try {
    interrupt.run([&] {
      Exclusions exclusions(command, users.rows(), rows.first + results.users(), rows.last,
                            interrupt);
      score_users(command, scoring, exclusions, rows, rows_at_once, results);
    });
  } catch (const Interrupted&) {
    results.save();
    throw stopped(results.users(), rows);
  }
  results.commit();
  outcome.bad_rows = results.bad_rows();
  outcome.seconds = watch.seconds();
  return outcome;
}

void report(const BatchCommand& command, const Index& index, const ShareRows& rows,
            std::size_t chunk, const BatchOutcome& outcome) {
  const Metric metric = command.metric.value_or(index.info().metric);
  const auto scored = static_cast<double>(rows.count() - outcome.before);
  const double rate = outcome.seconds > 0 ? scored / outcome.seconds : 0.0;
  const double products = rate * static_cast<double>(index.size() * index.dimension()) / 1e9;
  const auto bytes_of = [](const std::string& path) {
    return path.empty() ? std::uint64_t{0} : described(path)["bytes"].get<std::uint64_t>();
  };
  const std::uint64_t bytes = bytes_of(command.out.ids) + bytes_of(command.out.scores);
  if (command.json) {
    const auto path = [](const std::string& name) { return name.empty() ? Json() : Json(name); };
    print_json({{"index", command.index_path},
                {"users_file", command.users_path},
                {"first_user", rows.first},
                {"users", rows.count()},
                {"users_before", outcome.before},
                {"bad_rows", outcome.bad_rows},
                {"items", index.size()},
                {"k", command.k},
                {"metric", to_string(metric)},
                {"chunk", chunk},
                {"ids_file", command.out.ids},
                {"scores_file", path(command.out.scores)},
                {"bad_rows_file", path(command.out.bad_rows)},
                {"bytes", bytes},
                {"sample_users", outcome.sample.users},
                {"sample_wrong", outcome.sample.wrong},
                {"seconds", outcome.seconds},
                {"users_per_second", rate},
                {"gmac_per_second", products}});
    return;
  }
  const auto path = [](const std::string& name) {
    return name.empty() ? "not written" : printable(name);
  };
  print_fields({{"users", with_thousands(rows.count())},
                {"first user", with_thousands(rows.first)},
                {"done before", with_thousands(outcome.before)},
                {"bad rows", with_thousands(outcome.bad_rows)},
                {"items", with_thousands(index.size())},
                {"k", with_thousands(command.k)},
                {"metric", to_string(metric)},
                {"ids", path(command.out.ids)},
                {"scores", path(command.out.scores)},
                {"written", human_bytes(bytes)},
                {"checked in f64", with_thousands(outcome.sample.users) + " users, " +
                                       with_thousands(outcome.sample.wrong) + " wrong"},
                {"time", human_seconds(outcome.seconds)},
                {"users/s", with_thousands(static_cast<std::uint64_t>(rate))},
                {"10^9 products/s", with_thousands(static_cast<std::uint64_t>(products))}});
}

void run(const BatchCommand& command) {
  kernel_in_use();  // refuses a wrong MAXDOT_ISA
  check_arguments(command);
  const Index index = blaming(command.index_path, [&] {
    return Index::open(command.index_path, {.rows = command.rows, .load = command.load});
  });
  const MatrixFile users = MatrixFile::open(command.users_path);
  check_dimension(users, index, command.index_path);
  check_ids_fit(command, index);
  const ShareRows rows = command.share.of(users.rows());
  const std::size_t chunk =
      command.chunk > 0 ? command.chunk : default_chunk(users, index, command.k);
  const std::size_t rows_at_once = std::min(chunk, rows.count());
  check_memory(rows_at_once, command.k, bytes_per_result, "use a smaller -k or --chunk");
  BatchOutcome outcome = score_all(command, index, users, rows, rows_at_once);
  if (command.sample > 0 && rows.count() > 0)
    outcome.sample = check_sample(command, index, users, rows, command.sample);
  report(command, index, rows, rows_at_once, outcome);
  if (outcome.sample.wrong > 0) {
    throw Failure(ExitCode::check_failed, with_thousands(outcome.sample.wrong) + " of " +
                                              with_thousands(outcome.sample.users) +
                                              " users have wrong results; " +
                                              outcome.sample.first_wrong + "; please report it");
  }
}

}  // namespace

void register_batch(CLI::App& app) {
  const auto command = std::make_shared<BatchCommand>();
  CLI::App& batch =
      *app.add_subcommand("batch",
                          "Score a whole file of users in constant memory. A job that "
                          "was stopped goes on when it is run again");
  add_file(batch, "INDEX", command->index_path, "An index file")->required();
  add_file(batch, "USERS", command->users_path,
           "Embeddings of the users: .npy (f32, f16), .fvecs or .fbin")
      ->required();
  add_file(batch, "--ids", command->out.ids,
           "Write the item ids [users, k]: .npy (int64) or .ivecs (int32)")
      ->required();
  add_file(batch, "--scores", command->out.scores,
           "Write the scores [users, k]: .npy or .fvecs (float32)");
  CLI::Option* exclude = add_file(
      batch, "--exclude", command->exclude_path,
      "Items that a user must not get, such as those already seen: pairs (row of the user, item "
      "id) as text, one "
      "user,item a line, or as .npy [m, 2]; with --exclude-ids the offsets of a CSR array");
  add_file(batch, "--exclude-ids", command->exclude_ids_path,
           "The item ids of a CSR array, 1-D .npy")
      ->needs(exclude);
  add_pair_columns(batch, command->columns);
  add_file(
      batch, "--item-mask", command->mask_path,
      "1 for each row of the index that may be returned, 0 for the others: 1-D .npy of bools or "
      "integers, or a number a line");
  add_k(batch, command->k);
  add_number(batch, "--chunk", command->chunk, 1, std::uint64_t{1} << 32,
             "Users at once; more is faster and takes more memory (default: fits a few tens of "
             "MB). Results do "
             "not depend on it");
  add_share(batch, command->share);
  batch
      .add_option_function<std::string>(
          "--on-bad-row",
          [command](const std::string& what) { command->null_bad_rows = what == "null"; },
          "A row with NaN or an infinity ends the job (fail, the default), or its user gets ids of "
          "-1 (null)")
      ->check(CLI::IsMember({"fail", "null"}))
      ->type_name("fail|null");
  add_file(batch, "--bad-rows", command->out.bad_rows,
           "Write the bad rows: a JSON object a line with file, row and reason");
  batch.add_flag("--scan", command->scan,
                 "Look for bad rows in the whole file before the first "
                 "search");
  add_number(batch, "--verify-sample", command->sample, 0, std::uint64_t{1} << 20,
             "Check the results of so many random users afterwards, in f64, by arithmetic that is "
             "not the engine's");
  batch.add_flag("--restart", command->restart, "Begin anew where a job was stopped");
  add_metric(batch, command->metric, "dot, cosine or euclidean (default: the index's own)");
  add_rows(batch, command->rows);
  add_load(batch, command->load);
  add_threads(batch, command->threads);
  add_json(batch, command->json);
  add_footer(batch,
             "maxdot batch items.maxdot users.npy --ids recall.ivecs --scores recall.fvecs -k 100");
  batch.callback([command] { run(*command); });
}

}  // namespace maxdot::tools
