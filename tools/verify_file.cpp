// maxdot verify-file: checks every checksum of an index file.
#include <memory>

#include "command.hpp"
#include "maxdot/maxdot.hpp"

namespace maxdot::tools {
namespace {

struct VerifyFileCommand {
  std::string index_path;
  bool json = false;
};

void run(const VerifyFileCommand& command) {
  OpenOptions options;
  options.verify_payload = true;
  Stopwatch watch;
  const Index index = blaming(command.index_path, [&] { return Index::open(command.index_path, options); });
  const std::size_t bytes = index.info().bytes;
  if (command.json) {
    print_json({{"file", command.index_path}, {"ok", true}, {"bytes", bytes}, {"seconds", watch.seconds()}});
    return;
  }
  print(printable(command.index_path) + ": ok, " + with_thousands(bytes) + " bytes checked\n");
}

}  // namespace

void register_verify_file(CLI::App& app) {
  const auto command = std::make_shared<VerifyFileCommand>();
  CLI::App& verify = *app.add_subcommand("verify-file", "Check an index file against its checksums");
  add_file(verify, "INDEX", command->index_path, "An index file")->required();
  add_json(verify, command->json);
  add_footer(verify, "maxdot verify-file items.maxdot");
  verify.callback([command] { run(*command); });
}

}  // namespace maxdot::tools
