// Command-line options that several commands share, with one spelling and one check each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "console/cli_fwd.hpp"
#include "maxdot/index.hpp"
#include "maxdot/io.hpp"
#include "maxdot/types.hpp"

namespace maxdot::tools {

/// `.ivecs` and `.fvecs` count a row's values in an int32, so no larger k can be written
/// everywhere.
inline constexpr std::uint64_t max_k = 2147483647;
inline constexpr std::uint64_t max_threads = 1024;

/// A positional or option that names a file.
CLI::Option* add_file(CLI::App& command, const std::string& name, std::string& path,
                      const std::string& description);

/// An option that takes a whole decimal number in [low, high]; anything else is a usage error that
/// names the range. `value` holds the default on entry and must outlive the parse.
CLI::Option* add_number(CLI::App& command, const std::string& name, std::uint64_t& value,
                        std::uint64_t low, std::uint64_t high, const std::string& description);

/// -k. At least 1 where results go to files or are measured: a file of rows without values is one
/// that no reader takes.
CLI::Option* add_k(CLI::App& command, std::uint64_t& k, std::uint64_t least = 1);
CLI::Option* add_threads(CLI::App& command, std::uint64_t& threads);  // --threads, 0 = all
CLI::Option* add_json(CLI::App& command, bool& json);                 // --json
CLI::Option* add_load(CLI::App& command, Load& load);                 // --load
CLI::Option* add_rows(CLI::App& command, RowPlace& rows);             // --rows, memory or disk
CLI::Option* add_metric(CLI::App& command, std::optional<Metric>& metric,
                        const std::string& description);  // --metric

/// --user-column and --item-column, of files of pairs.
void add_pair_columns(CLI::App& command, PairColumns& columns);

/// Name of the kernels in use. MAXDOT_ISA is an option too: throws Failure (usage) if it names
/// none, and the library's Error (unsupported) if this machine cannot run them. Commands call it
/// first, before they read anything.
std::string kernel_in_use();

/// Ends the help of `command`: an example, then the exit codes.
void add_footer(CLI::App& command, const std::string& example);

}  // namespace maxdot::tools
