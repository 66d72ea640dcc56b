// The results of `maxdot batch`, with which another process goes on where one was stopped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "commands/bad_rows.hpp"
#include "commands/job_file.hpp"
#include "maxdot/maxdot.hpp"

namespace maxdot::tools {

/// Where results go. Empty: they are not written.
struct BatchPaths {
  std::string ids;
  std::string scores;
  std::string bad_rows;
};

/// A file of ids and, if wanted, one of scores and one of bad rows. Until `commit` each is written
/// as its path + ".partial". Once `save` was called these stay, and the path of the ids + ".job"
/// tells how far they are: what stands behind that is cut off by who goes on.
class BatchResults {
 public:
  /// For `users` rows of `k`, behind those that an earlier process saved; with `restart` from the
  /// first on. `about` is what the results depend on. Throws Failure: usage (another job was
  /// stopped here), bad_data, io (also: another process writes them, or the disk is full).
  BatchResults(const BatchPaths& paths, std::size_t users, std::size_t k, Json about,
               const std::string& users_path, bool restart);

  /// Users that have results, from the job's first on; those of an earlier process among them.
  std::size_t users() const noexcept { return static_cast<std::size_t>(state_.users); }
  std::uint64_t bad_rows() const noexcept { return state_.bad_rows; }

  /// Of the next users. `bad`: those among them who have none. `first_row`: of the first of them in
  /// the users' file.
  void append(const std::int64_t* ids, const double* scores, std::size_t users,
              const std::vector<BadRow>& bad, std::size_t first_row);
  /// What was appended is on the disk when this returns, and another process goes on behind it.
  void save();
  /// Makes the files appear. Requires that all users were appended.
  void commit();

 private:
  // Whether another process can go on with them.
  bool partial_files_stand() const;

  JobFile job_;
  BatchPaths paths_;
  std::string users_path_;
  JobState state_;
  std::optional<MatrixWriter> ids_;
  std::optional<MatrixWriter> scores_;
  std::optional<BadRowReport> report_;
};

}  // namespace maxdot::tools
