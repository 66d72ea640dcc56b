// maxdot info: what is inside an index, and what this machine searches it with.
#include <memory>
#include <nlohmann/json.hpp>

#include "commands/command.hpp"
#include "maxdot/maxdot.hpp"

namespace maxdot::tools {
namespace {

struct InfoCommand {
  std::string index_path;
  bool json = false;
};

void run(const InfoCommand& command) {
  const std::string kernel = kernel_in_use();
  const Index index = blaming(command.index_path, [&] { return Index::open(command.index_path); });
  const IndexInfo info = index.info();
  if (command.json) {
    print_json({{"file", command.index_path},
                {"items", info.items},
                {"dimension", info.dimension},
                {"dtype", to_string(info.dtype)},
                {"metric", to_string(info.metric)},
                {"normalized", info.normalized},
                {"has_ids", info.has_ids},
                {"bytes", info.bytes},
                {"kernel", kernel},
                {"threads", available_threads()}});
    return;
  }
  print_fields({{"file", printable(command.index_path)},
                {"items", with_thousands(info.items)},
                {"dimension", std::to_string(info.dimension)},
                {"dtype", to_string(info.dtype)},
                {"metric", to_string(info.metric)},
                {"normalized", info.normalized ? "yes" : "no"},
                {"ids", info.has_ids ? "stored" : "row numbers"},
                {"bytes", with_thousands(info.bytes) + " (" + human_bytes(info.bytes) + ")"},
                {"kernel", kernel},
                {"threads", std::to_string(available_threads())}});
}

}  // namespace

void register_info(CLI::App& app) {
  const auto command = std::make_shared<InfoCommand>();
  CLI::App& info =
      *app.add_subcommand("info", "Describe an index file, the kernel in use and the threads");
  add_file(info, "INDEX", command->index_path, "An index file")->required();
  add_json(info, command->json);
  add_footer(info, "maxdot info items.maxdot");
  info.callback([command] { run(*command); });
}

}  // namespace maxdot::tools
