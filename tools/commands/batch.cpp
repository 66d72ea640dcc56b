// maxdot batch: every user against every item, in memory that does not grow with the users.
#include <algorithm>
#include <limits>
#include <memory>

#include "commands/command.hpp"
#include "commands/id_lists.hpp"
#include "commands/scoring.hpp"
#include "maxdot/maxdot.hpp"

namespace maxdot::tools {
namespace {

struct BatchCommand {
  std::string index_path;
  std::string users_path;
  std::string ids_path;
  std::string scores_path;
  std::string exclude_path;
  std::string exclude_ids_path;
  PairColumns columns;
  std::string mask_path;
  std::optional<Metric> metric;
  std::uint64_t k = 100;
  std::uint64_t chunk = 0;
  std::uint64_t threads = 0;
  bool json = false;
};

constexpr std::size_t bytes_per_result = sizeof(std::int64_t) + sizeof(double);

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
  if (ids_format(command.ids_path) != MatrixWriter::Format::ivecs) return;
  for (std::size_t row = 0; row < index.size(); ++row) {
    if (index.item_id(row) <= std::numeric_limits<std::int32_t>::max()) continue;
    throw Failure(ExitCode::bad_data, command.ids_path +
                                          ": .ivecs holds ids up to 2147483647 but the index has " +
                                          std::to_string(index.item_id(row)) + "; write .npy");
  }
}

void check_arguments(const BatchCommand& command) {
  ids_format(command.ids_path);
  const std::vector<std::string> inputs = {command.index_path, command.users_path,
                                           command.exclude_path, command.exclude_ids_path,
                                           command.mask_path};
  check_output(command.ids_path, inputs);
  if (command.scores_path.empty()) return;
  scores_format(command.scores_path);
  check_output(command.scores_path, inputs);
}

/// What the users have seen, and the items that may be returned.
struct BatchFilters {
  OwnedIdLists exclude;
  std::vector<std::uint8_t> item_mask;
};

BatchFilters read_filters(const BatchCommand& command, const Index& index, std::size_t users) {
  BatchFilters filters;
  if (!command.exclude_path.empty()) {
    filters.exclude =
        read_lists(command.exclude_path, command.exclude_ids_path, users, command.columns);
  }
  if (!command.mask_path.empty()) filters.item_mask = read_mask(command.mask_path, index.size());
  return filters;
}

void score_all(const BatchCommand& command, const Index& index, const MatrixFile& users,
               const BatchFilters& filters, std::size_t chunk) {
  SearchOptions options;
  options.threads = static_cast<int>(command.threads);
  options.metric = command.metric;
  options.filters.item_mask = filters.item_mask;
  ListSlice excluded;
  const std::size_t rows_at_once = std::min(chunk, users.rows());
  Matrix buffer(rows_at_once, users.cols(), users.dtype());
  std::vector<std::int64_t> ids(rows_at_once * command.k);
  std::vector<double> scores(rows_at_once * command.k);
  // After the buffers are there: until now a signal ends the command at once.
  ResultWriter writer(command.ids_path, command.scores_path, users.rows(), command.k);
  options.stop = writer.interrupt().stop();
  Progress progress("scoring", "users", users.rows(), command.json ? Form::json : Form::text);
  for (std::size_t begin = 0; begin < users.rows(); begin += rows_at_once) {
    const std::size_t count = std::min(rows_at_once, users.rows() - begin);
    blaming(command.users_path, [&] { users.read(begin, count, buffer.data()); });
    options.filters.exclude = excluded.of(filters.exclude, begin, count);
    writer.interrupt().run([&] {
      search_rows(index, buffer.view().slice(0, count), command.k,
                  {ids.data(), scores.data(), nullptr}, options, command.users_path, begin);
    });
    writer.append(ids.data(), scores.data(), count);
    progress.update(begin + count);
  }
  writer.commit();
}

void report(const BatchCommand& command, const Index& index, std::size_t users, std::size_t chunk,
            double seconds) {
  const Metric metric = command.metric.value_or(index.info().metric);
  const double rate = seconds > 0 ? static_cast<double>(users) / seconds : 0.0;
  if (command.json) {
    print_json({{"index", command.index_path},
                {"users_file", command.users_path},
                {"users", users},
                {"items", index.size()},
                {"k", command.k},
                {"metric", to_string(metric)},
                {"chunk", chunk},
                {"ids_file", command.ids_path},
                {"scores_file", command.scores_path.empty() ? Json() : Json(command.scores_path)},
                {"seconds", seconds},
                {"users_per_second", rate}});
    return;
  }
  print_fields(
      {{"users", with_thousands(users)},
       {"items", with_thousands(index.size())},
       {"k", with_thousands(command.k)},
       {"metric", to_string(metric)},
       {"ids", printable(command.ids_path)},
       {"scores", command.scores_path.empty() ? "not written" : printable(command.scores_path)},
       {"time", human_seconds(seconds)},
       {"users/s", with_thousands(static_cast<std::uint64_t>(rate))}});
}

void run(const BatchCommand& command) {
  kernel_in_use();  // refuses a wrong MAXDOT_ISA
  check_arguments(command);
  const Index index = blaming(command.index_path, [&] { return Index::open(command.index_path); });
  const MatrixFile users = MatrixFile::open(command.users_path);
  check_dimension(users, index, command.index_path);
  check_ids_fit(command, index);
  const BatchFilters filters = read_filters(command, index, users.rows());
  const std::size_t chunk =
      command.chunk > 0 ? command.chunk : default_chunk(users, index, command.k);
  const std::size_t rows_at_once = std::min(chunk, users.rows());
  check_memory(rows_at_once, command.k, bytes_per_result, "use a smaller -k or --chunk");
  const Stopwatch watch;
  score_all(command, index, users, filters, chunk);
  report(command, index, users.rows(), rows_at_once, watch.seconds());
}

}  // namespace

void register_batch(CLI::App& app) {
  const auto command = std::make_shared<BatchCommand>();
  CLI::App& batch = *app.add_subcommand("batch", "Score a whole file of users in constant memory");
  add_file(batch, "INDEX", command->index_path, "An index file")->required();
  add_file(batch, "USERS", command->users_path,
           "Embeddings of the users: .npy (f32, f16), .fvecs or .fbin")
      ->required();
  add_file(batch, "--ids", command->ids_path,
           "Write the item ids [users, k]: .npy (int64) or .ivecs (int32)")
      ->required();
  add_file(batch, "--scores", command->scores_path,
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
  add_file(batch, "--item-mask", command->mask_path,
           "1 for each row of the index that may be returned, 0 for the others: 1-D .npy (int32, "
           "int64) or a number a line");
  add_k(batch, command->k);
  add_number(batch, "--chunk", command->chunk, 1, std::uint64_t{1} << 32,
             "Users at once; more is faster and takes more memory (default: fits a few tens of "
             "MB). Results do "
             "not depend on it");
  add_metric(batch, command->metric, "dot, cosine or euclidean (default: the index's own)");
  add_threads(batch, command->threads);
  add_json(batch, command->json);
  add_footer(batch,
             "maxdot batch items.maxdot users.npy --ids recall.ivecs --scores recall.fvecs -k 100");
  batch.callback([command] { run(*command); });
}

}  // namespace maxdot::tools
