// What `maxdot batch` is asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "commands/batch_results.hpp"
#include "commands/share.hpp"
#include "console/progress.hpp"
#include "maxdot/maxdot.hpp"

namespace maxdot::tools {

struct BatchCommand {
  std::string index_path;
  std::string users_path;
  BatchPaths out;
  std::string exclude_path;
  std::string exclude_ids_path;
  PairColumns columns;
  std::string mask_path;
  std::optional<Metric> metric;
  RowPlace rows = RowPlace::memory;
  Load load = Load::memory;  // a file that is overwritten meanwhile must not end a long job
  std::uint64_t k = 100;
  std::uint64_t chunk = 0;
  std::uint64_t threads = 0;
  Share share;
  bool null_bad_rows = false;
  bool scan = false;
  bool restart = false;
  std::uint64_t sample = 0;  // users to check afterwards
  bool json = false;

  Form form() const { return json ? Form::json : Form::text; }
};

}  // namespace maxdot::tools
