// Makes an empty catalogue for the tests of the server: maxdot_make_catalogue FOLDER DIMENSION.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "maxdot/error.hpp"
#include "maxdot/live_index.hpp"

int main(int argc, char** argv) {
  CLI::App app{"Makes an empty catalogue, by dot product."};
  std::string folder;
  std::size_t dimension = 0;
  app.add_option("folder", folder)->required();
  app.add_option("dimension", dimension)->required();
  CLI11_PARSE(app, argc, argv);
  try {
    (void)maxdot::LiveIndex::create(folder, dimension, {.metric = maxdot::Metric::dot});
  } catch (const maxdot::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
