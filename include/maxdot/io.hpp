// Files of embeddings: .npy, .fvecs and .fbin in; .npy, .ivecs and .fvecs out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "maxdot/matrix.hpp"
#include "maxdot/types.hpp"

#pragma GCC visibility push(default)
namespace maxdot {
inline namespace v0_1 {

/// An open file of embeddings whose rows are read in any order, without mapping it: memory stays
/// with the caller. The kind is told by the name's ending:
///   .npy    NumPy format 1.0, 2.0, 3.0; '<f4' or '<f2'; C order; 2-D (or 1-D: one row)
///   .fvecs  each row: int32 dimension, then f32 values
///   .fbin   uint32 rows, uint32 dimension, then f32 values
/// All sizes are checked against the file's length before anything is allocated. Once moved from it
/// has no rows and no path, and reading throws Error (invalid_argument).
class MatrixFile {
 public:
  /// Throws Error: io, bad_format, unsupported (each names the file and says what to do).
  static MatrixFile open(const std::string& path);

  MatrixFile(MatrixFile&&) noexcept;
  MatrixFile& operator=(MatrixFile&&) noexcept;
  ~MatrixFile();

  std::size_t rows() const noexcept;
  std::size_t cols() const noexcept;
  DType dtype() const noexcept;
  const std::string& path() const noexcept;

  /// Reads rows [begin, begin + count) packed into `out` (count * cols elements of dtype()). Values
  /// are not checked for NaN: the index and the search do that. Requires begin + count <= rows().
  /// Throws Error: io, bad_format (a row of another dimension in .fvecs).
  void read(std::size_t begin, std::size_t count, void* out) const;

  /// All rows. Throws also out_of_memory.
  Matrix read_all() const;

 private:
  struct [[gnu::visibility("hidden")]] Impl;
  explicit MatrixFile(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

/// Reads ids from a 1-D .npy of integers, or one decimal number a line from any other file, whose
/// first line may hold the name of the column. Throws Error: io, bad_format (names the line),
/// unsupported, invalid_data (beyond int64), out_of_memory.
std::vector<std::int64_t> read_ids(const std::string& path);

/// Reads a mask, 1 for an item that a search may return and 0 for another, from a 1-D .npy of bools
/// or integers, or from any other file as `read_ids` does. Throws Error as `read_ids`; invalid_data
/// for another value (names the row).
std::vector<std::uint8_t> read_mask(const std::string& path);

/// Pairs of ids (user row, item id), in two arrays of one length.
struct IdPairs {
  std::vector<std::int64_t> first;
  std::vector<std::int64_t> second;
};

/// Names of the columns that hold users and items; an empty one is found by the names that are
/// usual.
struct PairColumns {
  std::string user;
  std::string item;
};

/// Places of the users' and the items' column, from 0.
struct PairPlaces {
  std::size_t user = 0;
  std::size_t item = 1;
};

/// Finds the two columns of a table. A column that `columns` does not name is found by its own
/// name, in capitals or not: the users' is user, u, query, q, customer, visitor or reader; the
/// items' is item, i, movie, product, article, document, doc, book, song, track, video, news, sku
/// or asset; each alone or with id, idx, index, row or number after it (user_id, "User ID",
/// userIdx). If a name is not known, there must be two columns, in the order user, item, besides an
/// unnamed first one (the row labels of a data frame). Throws Error (bad_format) if that leaves a
/// doubt: several that may be meant, a name that is missing, the item first.
PairPlaces find_pair_columns(std::span<const std::string> names, const PairColumns& columns = {});

/// An open file of pairs, read from its first to its last in constant memory. `read_id_pairs` tells
/// what it reads and throws.
class PairFile {
 public:
  static PairFile open(const std::string& path, const PairColumns& columns = {});

  PairFile(PairFile&&) noexcept;
  PairFile& operator=(PairFile&&) noexcept;
  ~PairFile();

  /// The next pairs, `most` at most, in place of what `pairs` held. False at the end: there are
  /// none. Throws Error as `read_id_pairs`; invalid_argument once it was moved from, or for a
  /// `most` of 0.
  bool next(IdPairs& pairs, std::size_t most);

 private:
  struct [[gnu::visibility("hidden")]] Impl;
  explicit PairFile(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

/// Reads pairs (user, item) from an int64 (or int32) .npy of shape [m, 2], or from any other file
/// as text with a comma, semicolon, tab or spaces between decimal numbers. A first line that is no
/// pair holds the names of the columns, of which find_pair_columns takes two. Without one the first
/// two columns are read. Further columns and blank lines are ignored, but a cell in double quotes
/// must end on its line. Throws Error: io, bad_format (names file and line), unsupported,
/// out_of_memory; invalid_argument for `columns` where there are no names.
IdPairs read_id_pairs(const std::string& path, const PairColumns& columns = {});

/// Writes a matrix row by row in constant memory. The number of rows is known from the start. Data
/// goes to a temporary beside `path`; `commit` syncs and renames it. Without `commit` the
/// destructor removes the temporary and `path` stays what it was. Once moved from, every call
/// throws Error (invalid_argument).
class MatrixWriter {
 public:
  enum class Format { npy_i64, npy_f32, ivecs, fvecs };
  /// Throws Error: io, invalid_argument.
  MatrixWriter(const std::string& path, Format format, std::size_t rows, std::size_t cols);
  /// A writer with which another process may go on where this one ends. Its temporary is `path` +
  /// ".partial", which stays without `commit` once `sync` was called. Goes on behind the first
  /// `done` rows that stand there, 0 to begin anew; the caller knows that they are of this matrix.
  /// Reserves the disk for all rows, where the filesystem can. Throws Error: io (another process
  /// writes it, fewer than `done` rows are there, the disk has not the space), invalid_argument.
  static MatrixWriter resume(const std::string& path, Format format, std::size_t rows,
                             std::size_t cols, std::size_t done);
  MatrixWriter(MatrixWriter&&) noexcept;
  MatrixWriter& operator=(MatrixWriter&&) noexcept;
  ~MatrixWriter();

  /// Appends `count` rows of ids (formats npy_i64, ivecs). For ivecs an id beyond int32 is an Error
  /// (invalid_data).
  void append(const std::int64_t* values, std::size_t count);
  /// Appends `count` rows of scores (formats npy_f32, fvecs), each rounded once to f32.
  void append(const double* values, std::size_t count);
  /// What was appended is on the disk, and stays there, when this returns. Throws Error: io;
  /// invalid_argument if the writer is not of `resume`.
  void sync();
  /// Syncs and renames. Throws Error (io; invalid_argument if rows are missing).
  void commit();
  /// Commits two files that belong together: nobody finds one new at its path beside the other old,
  /// whenever the process or the machine stops. The old second file is removed before the first is
  /// replaced, and the new second comes last: in between it is missing. After a failure both are
  /// what they were, or the message says what they are. Throws what commit throws, and Error
  /// (out_of_memory).
  static void commit_both(MatrixWriter& first, MatrixWriter& second);

 private:
  struct [[gnu::visibility("hidden")]] Impl;
  explicit MatrixWriter(std::unique_ptr<Impl> impl) noexcept;
  Impl& impl() const;
  std::unique_ptr<Impl> impl_;
};

}  // namespace v0_1
}  // namespace maxdot
#pragma GCC visibility pop
