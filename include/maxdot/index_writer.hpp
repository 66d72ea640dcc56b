// IndexWriter and build_file: an index file of more items than memory holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "maxdot/index.hpp"
#include "maxdot/io.hpp"
#include "maxdot/matrix.hpp"
#include "maxdot/stop.hpp"
#include "maxdot/types.hpp"

#pragma GCC visibility push(default)
namespace maxdot {
inline namespace v0_1 {

struct IndexWriterOptions {
  /// As in BuildOptions.
  Metric metric = Metric::cosine;
  bool normalize = false;
  /// Whether items have ids of their own: each `append` is then given one for each row.
  bool with_ids = false;
  /// Threads to encode with; 0 = every core that this process may use (affinity and cgroup limits).
  int threads = 0;
};

/// Writes an index file, some rows at a time: byte for byte the one that Index::build of all rows
/// and Index::save write. The number of rows is known from the start. Memory: 64 MiB, or twice what
/// 4,096 rows take if that is more; with ids 8 bytes for each row, twice that in `commit` if they
/// do not ascend. Data go to a temporary beside the path; `commit` syncs and renames it. Without it
/// the destructor removes the temporary, and the path keeps what it had. Whatever fails but a check
/// of arguments and values ends the writer: every later call throws Error (io). So does a call that
/// is ended early. Once moved from, every call throws Error (invalid_argument).
class IndexWriter {
 public:
  /// For `rows` rows of `cols` values of `dtype`. Throws Error: io, out_of_memory, invalid_argument
  /// (cols is outside 1 to max_dimension, rows above 2^44, a NUL in the path, an option).
  IndexWriter(const std::string& path, std::size_t rows, std::size_t cols, DType dtype,
              const IndexWriterOptions& options = {});
  IndexWriter(IndexWriter&& other) noexcept;
  IndexWriter& operator=(IndexWriter&& other) noexcept;
  ~IndexWriter();

  /// Appends rows, [m, cols] of the writer's dtype, and their ids, [m] if the writer has ids, else
  /// none. Throws Error: invalid_argument (shape, dtype, more rows or other ids than were
  /// announced), invalid_data (NaN or Inf, a negative id), whose messages count rows from the first
  /// append; nothing of these rows was then taken. io, out_of_memory, cancelled, timeout.
  /// O(m·cols).
  void append(const MatrixView& rows, std::span<const std::int64_t> ids = {},
              const StopOptions& stop = {});

  /// Returns the checksum that an index opened from the file has (IndexInfo). Throws Error:
  /// invalid_argument (rows are missing), invalid_data (an id stands on two rows), io,
  /// out_of_memory. O(rows log rows) with ids that do not ascend.
  std::uint64_t commit();

 private:
  struct [[gnu::visibility("hidden")]] Impl;
  Impl& impl() const;
  std::unique_ptr<Impl> impl_;
};

/// Index::build of all rows of `items` and Index::save to `path`, byte for byte the same file, in
/// the memory of an IndexWriter, and 8 MiB or that of 4,096 rows more. Returns what `save` returns.
/// Throws what IndexWriter and MatrixFile throw; messages about values name the file of items.
std::uint64_t build_file(const MatrixFile& items, const std::string& path,
                         const BuildOptions& options = {});

}  // namespace v0_1
}  // namespace maxdot
#pragma GCC visibility pop
