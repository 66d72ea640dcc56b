// What a job that was stopped was about, and how far it came: a small file beside its results.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "console/console.hpp"

namespace maxdot::tools {

/// How far a job is. What counts stands on the disk.
struct JobState {
  std::uint64_t users = 0;         ///< done, from the job's first on
  std::uint64_t bad_rows = 0;      ///< among them
  std::uint64_t report_bytes = 0;  ///< of the report of bad rows
  friend bool operator==(const JobState&, const JobState&) = default;
};

/// A JSON file that says what a job is about and how far it is.
class JobFile {
 public:
  /// `about` is what the results depend on.
  JobFile(std::string path, Json about);

  const std::string& path() const noexcept { return path_; }

  /// How far an earlier process came with the same job; without a file, nowhere. Throws Failure:
  /// usage (it is about another job, and what differs), bad_data, io.
  JobState read() const;
  /// Replaces what stands there. It is on the disk when this returns. Throws Failure (io).
  void write(const JobState& state) const;
  /// The job is done, or begins anew. Throws Failure (io).
  void remove() const;

 private:
  std::string path_;
  Json about_;
};

/// What tells that a file is still the same: path, size and time of change. Throws Failure (io).
Json described(const std::string& path);

}  // namespace maxdot::tools
