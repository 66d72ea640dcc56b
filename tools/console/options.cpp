#include "console/options.hpp"

#include <CLI/CLI.hpp>
#include <charconv>

#include "console/failure.hpp"
#include "maxdot/error.hpp"
#include "maxdot/index.hpp"
#include "maxdot/machine.hpp"

namespace maxdot::tools {
namespace {

constexpr const char* exit_codes =
    "Exit codes:\n"
    "  0   done\n"
    "  1   a check failed (verify, batch --verify-sample)\n"
    "  2   a bad option or argument\n"
    "  3   a file cannot be read or written\n"
    "  4   a file holds data that cannot be used\n"
    "  5   not supported by this version or machine\n"
    "  6   out of memory\n"
    "  70  a defect of maxdot\n"
    "  75  stopped by a signal; the same command goes on (batch)";

}  // namespace

CLI::Option* add_file(CLI::App& command, const std::string& name, std::string& path,
                      const std::string& description) {
  return command.add_option(name, path, description)->type_name("FILE");
}

CLI::Option* add_number(CLI::App& command, const std::string& name, std::uint64_t& value,
                        std::uint64_t low, std::uint64_t high, const std::string& description) {
  // CLI11 would read 010 as eight and 0x10 as sixteen; a count is decimal.
  const auto parse = [name, low, high, &value](const std::string& text) {
    std::uint64_t number = 0;
    const char* end = text.data() + text.size();
    const auto [stop, status] = std::from_chars(text.data(), end, number);
    if (status != std::errc() || stop != end || number < low || number > high) {
      throw CLI::ValidationError(name, "'" + text + "' is not a whole number from " +
                                           std::to_string(low) + " to " + std::to_string(high));
    }
    value = number;
  };
  CLI::Option* option = command.add_option_function<std::string>(name, parse, description);
  option->type_name("N");
  if (value >= low && value <= high) option->default_str(std::to_string(value));
  return option;
}

void add_pair_columns(CLI::App& command, PairColumns& columns) {
  command
      .add_option("--user-column", columns.user,
                  "Name of the users' column in pairs as text (default: by usual names)")
      ->type_name("NAME");
  command.add_option("--item-column", columns.item, "Name of the items' column")->type_name("NAME");
}

CLI::Option* add_k(CLI::App& command, std::uint64_t& k, std::uint64_t least) {
  return add_number(command, "-k", k, least, max_k,
                    "Results per query, at least " + std::to_string(least));
}

CLI::Option* add_threads(CLI::App& command, std::uint64_t& threads) {
  return add_number(command, "--threads", threads, 0, max_threads,
                    "Threads; 0 uses every core this process may use. Results do not depend on it");
}

CLI::Option* add_json(CLI::App& command, bool& json) {
  // Without --json=false: main looks for the flag alone, and an argument may be in error before it.
  return command
      .add_flag("--json", json,
                "Print one JSON document instead of text: the report, or {\"error\": {\"code\", "
                "\"message\"}}. Progress goes to stderr as JSON, an object a line")
      ->disable_flag_override();
}

CLI::Option* add_metric(CLI::App& command, std::optional<Metric>& metric,
                        const std::string& description) {
  const auto parse = [&metric](const std::string& text) {
    try {
      metric = metric_named(text);
    } catch (const Error& error) {
      throw CLI::ValidationError("--" + std::string(error.what()));
    }
  };
  return command.add_option_function<std::string>("--metric", parse, description)
      ->type_name("METRIC");
}

CLI::Option* add_load(CLI::App& command, Load& load) {
  const auto parse = [&load](const std::string& text) {
    if (text == "map") {
      load = Load::map;
    } else if (text == "memory") {
      load = Load::memory;
    } else if (text == "locked") {
      load = Load::locked;
    } else {
      throw CLI::ValidationError("--load",
                                 "unknown way '" + text + "', choose map, memory or locked");
    }
  };
  return command
      .add_option_function<std::string>(
          "--load", parse,
          "memory (default): read the index file, so that nothing that happens to it later "
          "matters; "
          "locked: the same, never paged out; map: share its pages with other processes. A mapped "
          "file may be replaced, but one that is overwritten ends the process")
      ->type_name("WAY");
}

CLI::Option* add_rows(CLI::App& command, RowPlace& rows) {
  const auto parse = [&rows](const std::string& text) {
    if (text != "memory" && text != "disk")
      throw CLI::ValidationError("--rows", "unknown place '" + text + "', choose memory or disk");
    rows = text == "disk" ? RowPlace::disk : RowPlace::memory;
  };
  return command
      .add_option_function<std::string>(
          "--rows", parse,
          "memory (default): map the index file; disk: for items larger than memory, read all but "
          "their rows now. Results do not depend on it")
      ->type_name("PLACE");
}

std::string kernel_in_use() {
  try {
    return kernel_name();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::invalid_argument) throw Failure(ExitCode::usage, error.what());
    throw;
  }
}

void add_footer(CLI::App& command, const std::string& example) {
  command.footer("Example:\n  " + example + "\n\n" + exit_codes);
}

}  // namespace maxdot::tools
