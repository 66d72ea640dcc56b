#include "commands/scoring.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "console/console.hpp"
#include "console/failure.hpp"
#include "console/files.hpp"

namespace maxdot::tools {

void check_dimension(const MatrixFile& file, const Index& index, const std::string& index_path) {
  if (file.cols() == index.dimension()) return;
  throw Failure(ExitCode::bad_data, file.path() + ": rows have " + std::to_string(file.cols()) +
                                        " values but " + index_path + " has dimension " +
                                        std::to_string(index.dimension()) +
                                        "; use embeddings of the same model");
}

void check_memory(std::size_t rows, std::size_t k, std::size_t bytes_each,
                  const std::string& remedy) {
  const double pages = static_cast<double>(sysconf(_SC_PHYS_PAGES));
  const double memory = pages * static_cast<double>(sysconf(_SC_PAGESIZE));
  // In f64 nothing overflows, and a rough answer is enough.
  const double need =
      static_cast<double>(rows) * static_cast<double>(k) * static_cast<double>(bytes_each);
  if (need <= memory) return;
  const double most = static_cast<double>(std::numeric_limits<std::int64_t>::max());
  throw Failure(
      ExitCode::out_of_memory,
      with_thousands(rows) + " queries times -k " + with_thousands(k) + " need " +
          (need < most ? human_bytes(static_cast<std::uint64_t>(need)) : "more than 8 EiB") +
          " for the results, more than this machine has; " + remedy);
}

void search_rows(const Index& index, const MatrixView& rows, std::size_t k, const ResultView& out,
                 const SearchOptions& options, const std::string& path, std::size_t first_row) {
  try {
    index.search_into(rows, k, out, options);
  } catch (const Error& error) {
    // The library counts rows from the start of this view; the user counts from the start of the
    // file.
    const ErrorPlace& place = error.place();
    if (error.code() != ErrorCode::invalid_data || place.row < 0) throw blame(error, path);
    throw Failure(ExitCode::bad_data,
                  path + ": row " +
                      std::to_string(first_row + static_cast<std::size_t>(place.row)) +
                      ", column " + std::to_string(place.column) + " is " +
                      (std::isnan(place.value) ? "NaN" : "infinite") +
                      "; remove the row or repair the value");
  }
}

MatrixWriter::Format ids_format(const std::string& path) {
  if (ends_with(path, ".npy")) return MatrixWriter::Format::npy_i64;
  if (ends_with(path, ".ivecs")) return MatrixWriter::Format::ivecs;
  throw Failure(ExitCode::usage,
                path + ": ids are written as .npy or .ivecs; give the file one of these endings");
}

MatrixWriter::Format scores_format(const std::string& path) {
  if (ends_with(path, ".npy")) return MatrixWriter::Format::npy_f32;
  if (ends_with(path, ".fvecs")) return MatrixWriter::Format::fvecs;
  throw Failure(
      ExitCode::usage,
      path + ": scores are written as .npy or .fvecs; give the file one of these endings");
}

void check_two_files(const std::string& ids_path, const std::string& scores_path) {
  if (!same_file(ids_path, scores_path)) return;
  throw Failure(ExitCode::usage,
                scores_path + ": ids and scores cannot share a file; name two files");
}

ResultWriter::ResultWriter(const std::string& ids_path, const std::string& scores_path,
                           std::size_t rows, std::size_t k)
    : ids_path_(ids_path),
      scores_path_(scores_path),
      k_(k),
      ids_(ids_path, ids_format(ids_path), rows, k) {
  if (scores_path.empty()) return;
  check_two_files(ids_path, scores_path);
  scores_.emplace(scores_path, scores_format(scores_path), rows, k);
}

void ResultWriter::append(const std::int64_t* ids, const double* scores, std::size_t rows) {
  // In pieces, so that a signal need not wait until all are written.
  constexpr std::size_t results_at_once = std::size_t{1} << 19;
  const std::size_t rows_at_once = std::max<std::size_t>(1, results_at_once / k_);
  for (std::size_t begin = 0; begin < rows; begin += rows_at_once) {
    interrupt_.check();
    const std::size_t count = std::min(rows_at_once, rows - begin);
    blaming(ids_path_, [&] { ids_.append(ids + begin * k_, count); });
    if (scores_) blaming(scores_path_, [&] { scores_->append(scores + begin * k_, count); });
  }
}

void ResultWriter::commit() {
  interrupt_.check();
  if (scores_) {
    MatrixWriter::commit_both(ids_, *scores_);
  } else {
    ids_.commit();
  }
}

}  // namespace maxdot::tools
