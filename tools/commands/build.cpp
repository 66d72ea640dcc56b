// maxdot build: embeddings in, index file out.
#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <span>
#include <system_error>

#include "commands/command.hpp"
#include "console/interrupt.hpp"
#include "console/progress.hpp"
#include "maxdot/maxdot.hpp"

namespace maxdot::tools {
namespace {

struct BuildCommand {
  std::string items_path;
  std::string output_path;
  std::string ids_path;
  std::optional<Metric> metric;
  std::uint64_t threads = 0;
  bool normalize = false;
  bool json = false;
};

struct Phases {
  double read = 0;   ///< ids and rows
  double build = 0;  ///< encode, and write
  double save = 0;   ///< sync, and rename
};

// [bytes] Of rows that are read at once.
constexpr std::size_t kReadBytes = std::size_t{8} << 20;

void check_id_count(const std::string& path, std::size_t ids, std::size_t rows) {
  if (ids == rows) return;
  throw Failure(ExitCode::bad_data, path + ": has " + std::to_string(ids) + " ids but there are " +
                                        std::to_string(rows) + " items; give one id per item");
}

// Before the work begins, and by its file. The library would say it when all rows are written.
void check_ids(const std::string& path, const std::vector<std::int64_t>& ids) {
  const auto negative =
      std::find_if(ids.begin(), ids.end(), [](std::int64_t id) { return id < 0; });
  if (negative != ids.end()) {
    throw Failure(ExitCode::bad_data, path + ": id " + std::to_string(*negative) + " of row " +
                                          std::to_string(negative - ids.begin()) +
                                          " is negative; use ids from 0 up");
  }
  const bool ascend =
      std::adjacent_find(ids.begin(), ids.end(), std::greater_equal<>()) == ids.end();
  if (ascend) return;
  std::vector<std::size_t> rows(ids.size());
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  std::sort(rows.begin(), rows.end(), [&ids](std::size_t a, std::size_t b) {
    return ids[a] != ids[b] ? ids[a] < ids[b] : a < b;
  });
  const auto same = [&ids](std::size_t a, std::size_t b) { return ids[a] == ids[b]; };
  const auto twin = std::adjacent_find(rows.begin(), rows.end(), same);
  if (twin != rows.end()) {
    throw Failure(ExitCode::bad_data, path + ": rows " + std::to_string(*twin) + " and " +
                                          std::to_string(*(twin + 1)) + " share the id " +
                                          std::to_string(ids[*twin]) + "; make ids unique");
  }
}

// What was written is known; opening the file would map all of it, which a limit of address space
// may forbid.
void report(const BuildCommand& command, const MatrixFile& items, bool has_ids,
            const Phases& seconds) {
  const Metric metric = command.metric.value_or(Metric::cosine);
  std::error_code error;
  const std::uintmax_t bytes = std::filesystem::file_size(command.output_path, error);
  if (error) {
    throw Failure(ExitCode::io, command.output_path +
                                    ": was written, but cannot be looked at: " + error.message());
  }
  if (command.json) {
    print_json(
        {{"file", command.output_path},
         {"items_file", command.items_path},
         {"items", items.rows()},
         {"dimension", items.cols()},
         {"dtype", to_string(items.dtype())},
         {"metric", to_string(metric)},
         {"normalized", command.normalize},
         {"has_ids", has_ids},
         {"bytes", bytes},
         {"seconds", {{"read", seconds.read}, {"build", seconds.build}, {"save", seconds.save}}}});
    return;
  }
  print_fields({{"file", printable(command.output_path)},
                {"items", with_thousands(items.rows())},
                {"dimension", std::to_string(items.cols())},
                {"dtype", to_string(items.dtype())},
                {"metric", to_string(metric)},
                {"normalized", command.normalize ? "yes" : "no"},
                {"ids", has_ids ? printable(command.ids_path) : "row numbers"},
                {"bytes", with_thousands(bytes) + " (" + human_bytes(bytes) + ")"},
                {"read", human_seconds(seconds.read)},
                {"build", human_seconds(seconds.build)},
                {"save", human_seconds(seconds.save)}});
}

/// Reads some rows at a time and writes them encoded, in memory that does not grow with the file.
void write(const BuildCommand& command, const MatrixFile& file,
           const std::vector<std::int64_t>& ids, const InterruptGuard& interrupt, Phases& seconds) {
  IndexWriter writer = blaming(command.output_path, [&] {
    return IndexWriter(command.output_path, file.rows(), file.cols(), file.dtype(),
                       {.metric = command.metric.value_or(Metric::cosine),
                        .normalize = command.normalize,
                        .with_ids = !ids.empty(),
                        .threads = static_cast<int>(command.threads)});
  });
  const std::size_t row_bytes = file.cols() * size_of(file.dtype());
  const std::size_t at_once =
      std::clamp<std::size_t>(kReadBytes / std::max<std::size_t>(row_bytes, 1), 1, file.rows() + 1);
  Matrix some(std::min(at_once, file.rows()), file.cols(), file.dtype());
  Progress progress("writing", "items", file.rows(), command.json ? Form::json : Form::text);
  for (std::size_t first = 0; first < file.rows(); first += at_once) {
    const std::size_t count = std::min(at_once, file.rows() - first);
    interrupt.check();
    const Stopwatch read_watch;
    blaming(command.items_path, [&] { file.read(first, count, some.data()); });
    seconds.read += read_watch.seconds();
    const Stopwatch build_watch;
    const std::span<const std::int64_t> all(ids);
    try {
      writer.append(some.view().slice(0, count),
                    ids.empty() ? all.first(0) : all.subspan(first, count), interrupt.stop());
    } catch (const Error& error) {
      // Ids are good: a value that is not is one of the rows.
      throw blame(error, error.code() == ErrorCode::invalid_data ? command.items_path
                                                                 : command.output_path);
    }
    seconds.build += build_watch.seconds();
    progress.update(first + count);
  }
  const Stopwatch save_watch;
  blaming(command.output_path, [&] { writer.commit(); });
  seconds.save = save_watch.seconds();
}

void run(const BuildCommand& command) {
  kernel_in_use();  // refuses a wrong MAXDOT_ISA
  check_output(command.output_path, {command.items_path, command.ids_path});
  const MatrixFile file = MatrixFile::open(command.items_path);
  Phases seconds;
  std::vector<std::int64_t> ids;
  const Stopwatch read_watch;
  if (!command.ids_path.empty()) {
    ids = blaming(command.ids_path, [&] { return read_ids(command.ids_path); });
    check_id_count(command.ids_path, ids.size(), file.rows());
    check_ids(command.ids_path, ids);
  }
  seconds.read = read_watch.seconds();
  {
    // Before, a signal ends the command at once and nothing is left. From here on there is a
    // temporary file, which is removed first; once all is written, the file becomes whole.
    const InterruptGuard interrupt;
    interrupt.run([&] { write(command, file, ids, interrupt, seconds); });
    interrupt.check();
  }
  report(command, file, !ids.empty(), seconds);
}

}  // namespace

void register_build(CLI::App& app) {
  const auto command = std::make_shared<BuildCommand>();
  CLI::App& build = *app.add_subcommand("build", "Build an index file from embeddings");
  add_file(build, "ITEMS", command->items_path,
           "Embeddings of the items: .npy (f32, f16), .fvecs or .fbin")
      ->required();
  add_file(build, "-o,--output", command->output_path, "The index file to write")->required();
  add_metric(build, command->metric,
             "dot, cosine (default) or euclidean: what searches use unless told otherwise");
  build.add_flag(
      "--normalize", command->normalize,
      "Treat every row and query as its unit vector, whatever the metric (cosine always does)");
  add_file(build, "--ids", command->ids_path,
           "Item ids, unique and >= 0: 1-D integer .npy, or one a line, below their column's name "
           "if it has one");
  add_threads(build, command->threads);
  add_json(build, command->json);
  add_footer(build, "maxdot build items.npy -o items.maxdot --metric cosine --ids ids.txt");
  build.callback([command] { run(*command); });
}

}  // namespace maxdot::tools
