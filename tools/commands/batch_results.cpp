#include "commands/batch_results.hpp"

#include <unistd.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "commands/scoring.hpp"
#include "console/failure.hpp"

namespace maxdot::tools {

BatchResults::BatchResults(const BatchPaths& paths, std::size_t users, std::size_t k, Json about,
                           const std::string& users_path, bool restart)
    : job_(paths.ids + ".job", std::move(about)), paths_(paths), users_path_(users_path) {
  if (!restart) state_ = job_.read();
  if (state_.users > users) {
    throw Failure(ExitCode::bad_data, job_.path() +
                                          ": tells of more users than there are; give "
                                          "--restart to begin anew");
  }
  const auto open = [&](const std::string& path, MatrixWriter::Format format) {
    return blaming(path,
                   [&] { return MatrixWriter::resume(path, format, users, k, this->users()); });
  };
  ids_ = open(paths.ids, ids_format(paths.ids));
  if (!paths.scores.empty()) scores_ = open(paths.scores, scores_format(paths.scores));
  if (!paths.bad_rows.empty()) report_.emplace(paths.bad_rows, state_.report_bytes);
  // From here on the files are this process's. Whoever had them before may have gone on meanwhile.
  if (restart) {
    job_.remove();
  } else if (job_.read() != state_) {
    throw Failure(ExitCode::io,
                  job_.path() + ": another process has just written it; run the command again");
  }
}

void BatchResults::append(const std::int64_t* ids, const double* scores, std::size_t users,
                          const std::vector<BadRow>& bad, std::size_t first_row) {
  blaming(paths_.ids, [&] { ids_->append(ids, users); });
  if (scores_) blaming(paths_.scores, [&] { scores_->append(scores, users); });
  for (const BadRow& row : bad) {
    if (report_) report_->add(users_path_, first_row + row.row, row.reason());
  }
  state_.users += users;
  state_.bad_rows += bad.size();
}

void BatchResults::save() {
  blaming(paths_.ids, [&] { ids_->sync(); });
  if (scores_) blaming(paths_.scores, [&] { scores_->sync(); });
  if (report_) state_.report_bytes = report_->sync();
  job_.write(state_);
}

void BatchResults::commit() {
  save();
  // First the job: it must not tell of partial files that are gone. Killed in between, or where one
  // is gone already, the next run begins anew.
  job_.remove();
  try {
    if (scores_) {
      MatrixWriter::commit_both(*ids_, *scores_);
    } else {
      blaming(paths_.ids, [&] { ids_->commit(); });
    }
    if (report_) report_->commit();
  } catch (...) {
    if (partial_files_stand()) job_.write(state_);
    throw;
  }
}

bool BatchResults::partial_files_stand() const {
  const auto stands = [](const std::string& path) {
    return path.empty() || access((path + ".partial").c_str(), F_OK) == 0;
  };
  return stands(paths_.ids) && stands(paths_.scores) && stands(paths_.bad_rows);
}

}  // namespace maxdot::tools
