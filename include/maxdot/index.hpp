// Index: build it from embeddings, save and open it, search it. The door of the library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "maxdot/id_lists.hpp"
#include "maxdot/matrix.hpp"
#include "maxdot/search_stats.hpp"
#include "maxdot/stop.hpp"
#include "maxdot/types.hpp"
#include "maxdot/workspace.hpp"

namespace maxdot::api {
struct IndexParts;  // hidden: what it holds
}

#pragma GCC visibility push(default)
namespace maxdot {
inline namespace v0_1 {

struct BuildOptions {
  /// The metric that searches use unless they name another.
  Metric metric = Metric::cosine;
  /// Treat every row and every query as its unit vector, whatever the metric. The three metrics
  /// then are monotone functions of the cosine, so their rankings are equal by construction. Rows
  /// that the caller has normalised and rounded do not give that: their norms are not quite 1.
  bool normalize = false;
  /// Item ids, one per row, unique and >= 0. Empty: the row number is the id.
  std::span<const std::int64_t> ids = {};
  /// Threads to build with; 0 = every core that this process may use (affinity and cgroup limits).
  int threads = 0;
  StopOptions stop = {};
};

/// Where the rows of an open index are. Codes, scales, norms and ids are in memory.
enum class RowPlace : std::uint8_t {
  memory,  ///< mapped: a page is read when it is first touched, and stays while there is room
  disk,    ///< in the file: a search reads the few rows that it scores. For rows that memory cannot
           ///< hold
};

struct OpenOptions {
  /// With `disk`, open reads all but the rows into memory: for each item d bytes and 19 more, 27
  /// with ids of its own. Searches return the same, and read the rows that they score; one whose
  /// read fails, or finds the file cut short, throws Error (io, bad_format). What needs many rows
  /// is refused with Error (unsupported): the functions of maxdot/objective.hpp, evaluate::ranks,
  /// LiveIndex::replace.
  RowPlace rows = RowPlace::memory;
  /// With rows on the disk `map` is as `memory` but for the checksums. Rows that stay in the file
  /// are not safe from a file that is overwritten: a search that finds its time of change another
  /// than when it was opened throws Error (io).
  Load load = Load::map;
  /// Check all that engine/store/FORMAT.md promises of a file but its codes: the XXH3 checksum of
  /// every section, ids, rows, squares, code order. Reads the whole file, and sorts ids that do not
  /// ascend. For a file whose writer you do not know: anybody can make a checksum right. The
  /// header, the section table and the file's length are always checked.
  bool verify_payload = false;
  /// Also compute the codes, scales and errors again and compare; about as much work as to build.
  /// Implies verify_payload.
  bool verify_codes = false;
  /// Threads to verify with; 0 = every core that this process may use.
  int threads = 0;
  StopOptions stop = {};
};

/// Which items may be returned; what is given applies at once. A batch with filters stays a batch.
/// Lists may name an item twice; ids that the index does not hold (such as a padding of -1) are
/// ignored.
struct Filters {
  /// Items that a query must not return, such as those its user has already seen. No lists, or one
  /// for each query.
  IdLists exclude = {};
  /// The only items that a query may return; an empty list permits none. No lists, or one for each
  /// query.
  IdLists allow = {};
  /// Items that no query may return have 0. Empty, or [items] in the order of rows.
  std::span<const std::uint8_t> item_mask = {};

  bool empty() const noexcept { return exclude.absent() && allow.absent() && item_mask.empty(); }
};

/// What the `scores` of results hold.
enum class ScoreKind : std::uint8_t {
  scores,  ///< dot products, cosines, or distances
  keys,    ///< what orders results, larger is better: for distances the negated square (the cosine,
           ///< of a normalised index)
};

struct SearchOptions {
  /// Threads for this call; 0 = every core that this process may use, shared with the calls that
  /// run at the same time, and no more than pay for so small a catalogue. Results do not depend on
  /// it.
  int threads = 0;
  /// Ask another metric than the index's own; every metric is exact on every index.
  std::optional<Metric> metric = std::nullopt;
  /// Filled with what the search did, if not null.
  SearchStats* stats = nullptr;
  /// Which items may be returned. Memory for a call: at most an eighth of a byte for each item and
  /// query under way (a quarter with lists of both kinds), and once for an index with ids of its
  /// own, a table of 8 to 16 bytes for each item.
  Filters filters = {};
  /// Keys are what `merge` (maxdot/merge.hpp) needs.
  ScoreKind score_kind = ScoreKind::scores;
  /// When the search shall end before it is done.
  StopOptions stop = {};
  /// The memory that the search works in (maxdot/workspace.hpp); null: what the thread keeps.
  Workspace* workspace = nullptr;
  /// [bytes] Results that need more are refused with Error (out_of_memory) before their memory is
  /// taken; 0: more than what is free. For results in the caller's memory it means nothing.
  std::uint64_t most_result_bytes = 0;
};

/// Results in the caller's memory: `ids` and `scores` are [queries, k] row-major, `counts` is
/// [queries] or null.
struct ResultView {
  std::int64_t* ids = nullptr;
  double* scores = nullptr;
  std::int64_t* counts = nullptr;
};

/// Results, best first. `ids` and `scores` are [queries, k] row-major. Scores are the f64 values
/// that define the order (see docs/exactness.md); dot and cosine descend, euclidean reports
/// distances, which ascend. Equal keys are ordered by smaller item id. A distance is the rounded
/// root of its key: two distances may be equal where the keys differ, and then the larger id may
/// stand first. Row r holds counts[r] = min(k, items permitted) results; the rest is padded with id
/// -1 and the worst score (-inf, or +inf for a distance) or key (-inf).
struct SearchResult {
  std::size_t queries = 0;
  std::size_t k = 0;
  std::vector<std::int64_t> ids;
  std::vector<double> scores;
  std::vector<std::int64_t> counts;
};

/// Every item that reaches a threshold, for each query, best first: query q has [offsets[q],
/// offsets[q + 1]) of `ids` and `scores`.
struct RangeResult {
  std::vector<std::int64_t> offsets;
  std::vector<std::int64_t> ids;
  std::vector<double> scores;
};

/// Throws Error (out_of_memory) if [queries, k] results take more than `most_bytes`; 0: more than
/// is free. For callers who take the memory themselves; Index::search does it for results that it
/// returns.
void check_result_memory(std::size_t queries, std::size_t k, std::uint64_t most_bytes = 0);

/// Scores as f32: each rounded once, to nearest, whatever rounding mode the calling thread has set.
/// `out` holds as many.
void round_to_f32(std::span<const double> scores, float* out) noexcept;

/// What is inside an index; cheap.
struct IndexInfo {
  std::size_t items = 0;
  std::size_t dimension = 0;
  DType dtype = DType::f32;
  Metric metric = Metric::cosine;
  bool normalized = false;
  bool has_ids = false;
  /// Bytes of all sections: what a mapped file occupies when every page was touched.
  std::size_t bytes = 0;
  /// Of the file that it was opened from: the checksum of the header, which covers those of all
  /// contents. 0 if it was built.
  std::uint64_t checksum = 0;
};

/// An immutable set of items. Copies share the data. Every const member is safe from any number of
/// threads.
///
/// An Index that was made without `build` or `open`, or that was moved from, is empty: its size and
/// dimension are 0, it can be assigned to, and whatever searches, saves or measures with it throws
/// Error (invalid_argument).
class Index {
 public:
  /// Empty.
  Index() noexcept = default;

  /// Builds from `items` (f32 or f16, [n, d], 1 <= d <= max_dimension, n may be 0), copying the
  /// rows. Throws Error: invalid_data for NaN or Inf (names row and column) and for bad ids,
  /// invalid_argument for a bad shape, out_of_memory. O(n·d).
  static Index build(const MatrixView& items, const BuildOptions& options = {});

  /// The same, but takes the rows over instead of copying them.
  static Index build(Matrix&& items, const BuildOptions& options = {});

  /// Maps an index file; no row is read or copied until a search needs it. The file must not be
  /// changed while it is open (replace it with `save`, which renames: open indexes keep the old
  /// one). Throws Error: io, bad_format, unsupported (a newer version), out_of_memory,
  /// invalid_argument (threads), checksum_mismatch (with verify_payload).
  static Index open(const std::string& path, const OpenOptions& options = {});

  /// Writes the index beside `path`, syncs and renames: after a failure or a crash `path` holds the
  /// old file or the new one, whole. Returns the checksum that an index opened from it has
  /// (IndexInfo). Throws Error: io, out_of_memory, invalid_argument (a NUL in the path).
  std::uint64_t save(const std::string& path) const;

  /// The exact k best items of each query. `queries` is f32 or f16, [nq, d].
  /// Throws Error: invalid_argument (dimension), invalid_data (NaN or Inf, names row and column),
  /// out_of_memory.
  SearchResult search(const MatrixView& queries, std::size_t k,
                      const SearchOptions& options = {}) const;

  /// The same into the caller's memory.
  void search_into(const MatrixView& queries, std::size_t k, const ResultView& out,
                   const SearchOptions& options = {}) const;

  /// The exact k best items of users with several interest vectors each (as of MIND or ComiRec): an
  /// item's score is its best over the user's interests, and no item appears twice. `interests` is
  /// f32 or f16, [users * per_user, d], a user's interests in consecutive rows; rows of zeros are
  /// ignored, and a user with no other gets no results. Filters have one list for each user.
  /// O(per_user) searches, in batches. Throws what search throws; Error (invalid_argument) if
  /// per_user does not divide the rows.
  SearchResult search_multi(const MatrixView& interests, std::size_t per_user, std::size_t k,
                            const SearchOptions& options = {}) const;

  /// The same into the caller's memory: `out` is [users, k].
  void search_multi_into(const MatrixView& interests, std::size_t per_user, std::size_t k,
                         const ResultView& out, const SearchOptions& options = {}) const;

  /// Every item whose score reaches its query's threshold: score >= threshold, for distances <=.
  /// `thresholds` has one value for each query, or one for all; it is compared with the f64 score
  /// that is reported. Throws what search throws; Error: invalid_data (a threshold is NaN),
  /// out_of_memory (the results do not fit).
  RangeResult search_range(const MatrixView& queries, std::span<const double> thresholds,
                           const SearchOptions& options = {}) const;

  IndexInfo info() const noexcept;
  std::size_t size() const noexcept;
  std::size_t dimension() const noexcept;

  /// Id of the item in row `row`. Requires row < size().
  std::int64_t item_id(std::size_t row) const noexcept;
  /// The stored values of row `row` as f32, `dimension()` of them. Requires row < size(). With rows
  /// on the disk throws Error: io, bad_format (the file was cut short), out_of_memory.
  void item_row(std::size_t row, float* out) const;
  /// The same of the items with these ids, one after another: `out` is [ids, dimension]. Throws
  /// Error: invalid_data (an id that no item has), and what item_row throws. O(ids); once O(items)
  /// for an index with ids of its own.
  void item_rows(std::span<const std::int64_t> ids, float* out) const;

 private:
  friend struct api::IndexParts;
  explicit Index(std::shared_ptr<const api::IndexParts> parts) noexcept
      : parts_(std::move(parts)) {}
  std::shared_ptr<const api::IndexParts> parts_;
};

}  // namespace v0_1
}  // namespace maxdot
#pragma GCC visibility pop
