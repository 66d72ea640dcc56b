// CLI11's types, for headers that name them only: CLI/CLI.hpp takes seconds to compile.
#pragma once

namespace CLI {
class App;
class Option;
}  // namespace CLI
