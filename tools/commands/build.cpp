// maxdot build: embeddings in, index file out.
#include <algorithm>
#include <memory>
#include <numeric>

#include "commands/command.hpp"
#include "console/interrupt.hpp"
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
  double read = 0;
  double build = 0;
  double save = 0;
};

void check_id_count(const std::string& path, std::size_t ids, std::size_t rows) {
  if (ids == rows) return;
  throw Failure(ExitCode::bad_data, path + ": has " + std::to_string(ids) + " ids but there are " +
                                        std::to_string(rows) + " items; give one id per item");
}

// The library refuses bad ids without knowing their file, and the same error code stands for bad
// rows. Looking again, only after a failure, tells whom to blame.
void blame_ids(const std::string& path, const std::vector<std::int64_t>& ids) {
  const auto negative =
      std::find_if(ids.begin(), ids.end(), [](std::int64_t id) { return id < 0; });
  if (negative != ids.end()) {
    throw Failure(ExitCode::bad_data, path + ": id " + std::to_string(*negative) + " of row " +
                                          std::to_string(negative - ids.begin()) +
                                          " is negative; use ids from 0 up");
  }
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

void report(const BuildCommand& command, const IndexInfo& info, const Phases& seconds) {
  if (command.json) {
    print_json(
        {{"file", command.output_path},
         {"items_file", command.items_path},
         {"items", info.items},
         {"dimension", info.dimension},
         {"dtype", to_string(info.dtype)},
         {"metric", to_string(info.metric)},
         {"normalized", info.normalized},
         {"has_ids", info.has_ids},
         {"bytes", info.bytes},
         {"seconds", {{"read", seconds.read}, {"build", seconds.build}, {"save", seconds.save}}}});
    return;
  }
  print_fields({{"file", printable(command.output_path)},
                {"items", with_thousands(info.items)},
                {"dimension", std::to_string(info.dimension)},
                {"dtype", to_string(info.dtype)},
                {"metric", to_string(info.metric)},
                {"normalized", info.normalized ? "yes" : "no"},
                {"ids", info.has_ids ? printable(command.ids_path) : "row numbers"},
                {"bytes", with_thousands(info.bytes) + " (" + human_bytes(info.bytes) + ")"},
                {"read", human_seconds(seconds.read)},
                {"build", human_seconds(seconds.build)},
                {"save", human_seconds(seconds.save)}});
}

void run(const BuildCommand& command) {
  kernel_in_use();  // refuses a wrong MAXDOT_ISA
  check_output(command.output_path, {command.items_path, command.ids_path});
  const MatrixFile file = MatrixFile::open(command.items_path);
  Phases seconds;
  std::vector<std::int64_t> ids;
  Stopwatch read_watch;
  if (!command.ids_path.empty()) {
    ids = blaming(command.ids_path, [&] { return read_ids(command.ids_path); });
    check_id_count(command.ids_path, ids.size(), file.rows());
  }
  Matrix items = blaming(command.items_path, [&] { return file.read_all(); });
  seconds.read = read_watch.seconds();

  BuildOptions options;
  options.metric = command.metric.value_or(Metric::cosine);
  options.normalize = command.normalize;
  options.ids = ids;
  options.threads = static_cast<int>(command.threads);
  Stopwatch build_watch;
  const Index index = [&] {
    try {
      return Index::build(std::move(items), options);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::invalid_data) blame_ids(command.ids_path, ids);
      throw blame(error, command.items_path);
    }
  }();
  seconds.build = build_watch.seconds();

  Stopwatch save_watch;
  {
    // Before, a signal ends the command at once and nothing is left. From here on there is a
    // temporary file: the save, which cannot be stopped half-way, comes to its end first, and the
    // new file is whole.
    const InterruptGuard interrupt;
    blaming(command.output_path, [&] { index.save(command.output_path); });
    interrupt.check();
  }
  seconds.save = save_watch.seconds();
  report(command, index.info(), seconds);
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
           "Item ids, unique and >= 0: 1-D integer .npy, or one a line");
  add_threads(build, command->threads);
  add_json(build, command->json);
  add_footer(build, "maxdot build items.npy -o items.maxdot --metric cosine --ids ids.txt");
  build.callback([command] { run(*command); });
}

}  // namespace maxdot::tools
