// What `search` and `batch` share: guarded calls of the search and checks of its results; and the
// result files of `search`, which appear together or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "console/interrupt.hpp"
#include "maxdot/maxdot.hpp"

namespace maxdot::tools {

/// Throws Failure (bad_data) unless the rows of `file` have the index's dimension.
void check_dimension(const MatrixFile& file, const Index& index, const std::string& index_path);

/// Throws Failure (out_of_memory) if `rows` * `k` results of `bytes_each` exceed this machine's
/// memory. Asked first, because the kernel promises more memory than there is and kills the process
/// later.
void check_memory(std::size_t rows, std::size_t k, std::size_t bytes_each,
                  const std::string& remedy);

/// Index::search on rows of the file `path` that start at its row `first_row`. Errors name the file
/// and the row within the whole file.
void search_rows(const Index& index, const MatrixView& rows, std::size_t k, const ResultView& out,
                 const SearchOptions& options, const std::string& path, std::size_t first_row);

/// A file of ids and, if wanted, a file of scores. While it lives a signal that asks to end does
/// not kill, so that no temporary file stays behind: `append` and `commit` throw Interrupted then,
/// and so does what `interrupt` runs.
class ResultWriter {
 public:
  /// Formats follow the endings: .npy or .ivecs for ids, .npy or .fvecs for scores. An empty
  /// `scores_path` writes none. Throws Failure (usage) for another ending or if both are one file.
  ResultWriter(const std::string& ids_path, const std::string& scores_path, std::size_t rows,
               std::size_t k);

  const InterruptGuard& interrupt() const noexcept { return interrupt_; }

  void append(const std::int64_t* ids, const double* scores, std::size_t rows);
  /// From here on a signal comes too late. Makes both files appear, such that no new ids stand
  /// beside old scores (MatrixWriter::commit_both).
  void commit();

 private:
  InterruptGuard interrupt_;  // first: before the files exist, until they are gone
  std::string ids_path_;
  std::string scores_path_;
  std::size_t k_;
  MatrixWriter ids_;
  std::optional<MatrixWriter> scores_;
};

/// Throws Failure (usage) if both are one file.
void check_two_files(const std::string& ids_path, const std::string& scores_path);

/// The formats by ending, for a check before an index is opened. Throw Failure (usage).
MatrixWriter::Format ids_format(const std::string& path);
MatrixWriter::Format scores_format(const std::string& path);

}  // namespace maxdot::tools
