// maxdot verify-file: checks every checksum of an index file, and what FORMAT.md promises of its
// contents.
#include <memory>
#include <nlohmann/json.hpp>

#include "commands/command.hpp"
#include "maxdot/maxdot.hpp"

namespace maxdot::tools {
namespace {

struct VerifyFileCommand {
  std::string index_path;
  std::uint64_t threads = 0;
  bool deep = false;
  bool json = false;
};

void run(const VerifyFileCommand& command) {
  kernel_in_use();  // refuses a wrong MAXDOT_ISA
  OpenOptions options;
  options.verify_payload = true;
  options.verify_codes = command.deep;
  options.threads = static_cast<int>(command.threads);
  Stopwatch watch;
  const Index index =
      blaming(command.index_path, [&] { return Index::open(command.index_path, options); });
  const std::size_t bytes = index.info().bytes;
  if (command.json) {
    print_json({{"file", command.index_path},
                {"ok", true},
                {"deep", command.deep},
                {"bytes", bytes},
                {"seconds", watch.seconds()}});
    return;
  }
  print(printable(command.index_path) + ": ok, " + with_thousands(bytes) + " bytes checked\n");
}

}  // namespace

void register_verify_file(CLI::App& app) {
  const auto command = std::make_shared<VerifyFileCommand>();
  CLI::App& verify = *app.add_subcommand(
      "verify-file", "Check an index file: checksums, ids, rows, squares, order");
  add_file(verify, "INDEX", command->index_path, "An index file")->required();
  verify.add_flag("--deep", command->deep,
                  "Also compute the codes again from the rows and compare");
  add_threads(verify, command->threads);
  add_json(verify, command->json);
  add_footer(verify, "maxdot verify-file items.maxdot");
  verify.callback([command] { run(*command); });
}

}  // namespace maxdot::tools
