// What every sub-command is made of; include this in the command's file.
//
// A command lives in one file and is known by its `register_NAME`, which main calls. That function
// adds a sub-command to `app`, declares its options on a struct kept alive by the callback, and
// does nothing else; the callback runs the command, during the parse. A command that succeeds
// returns. A command that fails throws: Failure with its exit code and line, or the library's Error
// where its message already names the file. main prints the one line and turns it into the exit
// code. Nobody calls exit() and nobody writes to stdout or stderr except through console.hpp. A
// command without temporary files dies of Ctrl-C at once. One that has some holds an InterruptGuard
// (console/interrupt.hpp) meanwhile, whose stop() every long call of the library gets.
#pragma once

#include <CLI/CLI.hpp>

#include "console/console.hpp"
#include "console/failure.hpp"
#include "console/files.hpp"
#include "console/labels.hpp"
#include "console/options.hpp"
#include "console/progress.hpp"

namespace maxdot::tools {

void register_build(CLI::App& app);
void register_search(CLI::App& app);
void register_batch(CLI::App& app);
void register_evaluate(CLI::App& app);
void register_info(CLI::App& app);
void register_verify_file(CLI::App& app);
void register_verify(CLI::App& app);
void register_serve(CLI::App& app);

}  // namespace maxdot::tools
