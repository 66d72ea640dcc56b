// LiveIndex: a catalogue that changes while it is searched, in a folder; Snapshot: a version of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "maxdot/index.hpp"

namespace maxdot::live {
class Catalogue;       // hidden: what a LiveIndex holds
struct Version;        // hidden: what a Snapshot holds
struct SnapshotParts;  // hidden: makes Snapshots
}  // namespace maxdot::live

#pragma GCC visibility push(default)
namespace maxdot {
inline namespace v0_1 {

/// When an upsert, a remove or a replace is safe on the disk.
enum class Durability : std::uint8_t {
  none,   ///< when the system writes it: it survives the end of the process, not of the machine
  group,  ///< when the call returns; calls at the same time share a sync (group commit)
  each,   ///< when the call returns, each by a sync of its own
};

/// How a LiveIndex that is open works; nothing of it is stored.
struct LiveOptions {
  Durability durability = Durability::group;
  /// So many new items, 64 to 2^20, are searched without codes before they become a segment. An
  /// upsert of as many makes a segment at once. More make searches slower, fewer compaction more
  /// frequent ("A catalogue that changes" in docs/measurements.md).
  std::size_t fresh_items = 2048;
  /// Whether a thread of the LiveIndex makes and merges segments. If not, only `compact` does.
  bool compact_in_background = true;
  /// Threads that make and merge segments; 0 = every core that this process may use.
  int compaction_threads = 1;
  /// [bytes] The thread merges no segments that are larger together: it holds what it writes in
  /// memory.
  std::uint64_t most_merge_bytes = std::uint64_t{1} << 30;
};

/// What all items of a catalogue have in common, stored in its folder. `replace` can change it.
struct CatalogueOptions {
  Metric metric = Metric::cosine;
  /// As of BuildOptions.
  bool normalize = false;
  /// Of the stored rows. f16 rows can be put into a catalogue of f32, but not the reverse.
  DType dtype = DType::f32;
};

/// What a change did.
struct Change {
  std::uint64_t version = 0;  ///< the first version of the catalogue that has it
  std::size_t items = 0;      ///< put in, or removed
};

struct LiveStats {
  std::uint64_t version = 0;
  std::size_t items = 0;
  std::size_t fresh_items = 0;  ///< rows without codes, also of items that died since
  std::size_t dead_items = 0;   ///< rows of items that were removed or replaced
  std::size_t segments = 0;
  std::uint64_t segment_bytes = 0;  ///< of the segments' files
  std::uint64_t log_bytes = 0;      ///< of the logs' files
  std::uint64_t compactions = 0;    ///< since it was opened
  std::uint64_t replaces = 0;       ///< since it was opened
  /// What the thread that compacts has failed with last; it tries again. Empty: nothing.
  std::string compaction_error;
};

/// The items of one version of a catalogue, which never change. Copies share them. Every const
/// member may be called from any number of threads. Its searches are those of Index, with the same
/// arguments, errors and results: what they return is, bit for bit, what an Index built of the
/// items would. They cost somewhat more the more parts the catalogue is in.
///
/// A Snapshot of its own making is empty: its size and dimension are 0, and searches throw Error
/// (invalid_argument).
class Snapshot {
 public:
  /// Empty.
  Snapshot() noexcept = default;

  /// `item_mask` of filters has a value for each item, in the order of ids().
  SearchResult search(const MatrixView& queries, std::size_t k,
                      const SearchOptions& options = {}) const;
  void search_into(const MatrixView& queries, std::size_t k, const ResultView& out,
                   const SearchOptions& options = {}) const;
  SearchResult search_multi(const MatrixView& interests, std::size_t per_user, std::size_t k,
                            const SearchOptions& options = {}) const;
  void search_multi_into(const MatrixView& interests, std::size_t per_user, std::size_t k,
                         const ResultView& out, const SearchOptions& options = {}) const;
  RangeResult search_range(const MatrixView& queries, std::span<const double> thresholds,
                           const SearchOptions& options = {}) const;

  /// It rises by 1 with every change of the catalogue.
  std::uint64_t version() const noexcept;
  std::size_t size() const noexcept;
  std::size_t dimension() const noexcept;
  /// `bytes`: of the segments that hold items of it; `checksum`: 0.
  IndexInfo info() const noexcept;

  /// Of all items, in an order that stays the same for this snapshot. O(items). Throws Error
  /// (out_of_memory).
  std::vector<std::int64_t> ids() const;
  /// Writes the values of item `id` as f32 to `out`, dimension() of them, unless it is null.
  /// Returns whether there is such an item. Throws Error (out_of_memory).
  bool item(std::int64_t id, float* out) const;

 private:
  friend struct live::SnapshotParts;
  std::shared_ptr<const live::Version> version_;
};

/// A catalogue in a folder that changes while it is searched: immutable segments, which are index
/// files, a log of the changes since, and a manifest, which is replaced atomically
/// (engine/live/FORMAT.md). After a kill at any point the folder opens to a state that has every
/// change whose call had returned, and no half of one.
///
/// One LiveIndex at a time, in all processes, may have a folder open for writing; any number may
/// have it open for reading, on the same machine. Every member but the destructor and assignments
/// may be called from any number of threads. Searches never wait for changes. A child after fork
/// must not use it.
///
/// Errors that concern the folder name it (Error::path).
class LiveIndex {
 public:
  /// Makes an empty catalogue of this dimension (1 to max_dimension) in `folder`, which is made if
  /// it does not exist, and must be empty; then opens it for writing. Throws Error:
  /// invalid_argument, io, out_of_memory.
  static LiveIndex create(const std::string& folder, std::size_t dimension,
                          const CatalogueOptions& catalogue = {}, const LiveOptions& options = {});
  /// Opens it for writing. Reads the log, and maps the segments. Throws Error: io (also if it is
  /// open for writing already), bad_format, unsupported, checksum_mismatch, out_of_memory,
  /// invalid_argument.
  static LiveIndex open(const std::string& folder, const LiveOptions& options = {});
  /// Opens it for reading: it sees the newest version, and later ones after `refresh`. Takes no
  /// lock and writes nothing. Throws what open throws.
  static LiveIndex open_read_only(const std::string& folder);

  LiveIndex(LiveIndex&& other) noexcept;
  LiveIndex& operator=(LiveIndex&& other) noexcept;
  /// Requires that no call is under way. Snapshots stay good.
  ~LiveIndex();

  /// Puts items in: those whose ids are there are replaced. All or nothing; every search that
  /// begins after the return sees it. `ids` are unique and >= 0; `rows` is [ids, dimension], f32 or
  /// f16. Waits for the thread that compacts if that is far behind. Throws Error: invalid_argument
  /// (shape, dtype), invalid_data (NaN, Inf, ids), io (the log cannot be written: nothing was
  /// changed, unless the message says that nobody knows), out_of_memory.
  Change upsert(std::span<const std::int64_t> ids, const MatrixView& rows);
  /// Removes items. Ids that are not there are ignored. Otherwise as upsert.
  Change remove(std::span<const std::int64_t> ids);
  /// The catalogue becomes that of `index`: its items, ids, dimension, metric and dtype. Writes a
  /// copy of it to the folder. Searches under way go on with the items of before, whose memory is
  /// given back when the last of them ends, and whose files are removed by the next compaction,
  /// which begins at once. Throws Error: invalid_argument (an empty
  /// Index), io, out_of_memory, unsupported (2^32 - 1 items or more).
  Change replace(const Index& index);
  /// The same of an index file, which is verified first. Throws also what Index::open throws.
  Change replace(const std::string& path);

  /// Of one that is open for reading: goes on to the newest version. Returns whether that is
  /// another one. Throws what open throws; then it stays at the version that it has.
  bool refresh();

  /// The newest version.
  Snapshot snapshot() const;
  /// Searches the newest version, as Snapshot does. Throws Error (invalid_argument) also for an
  /// `item_mask`: the order of the items is a snapshot's, and may change at any time.
  SearchResult search(const MatrixView& queries, std::size_t k,
                      const SearchOptions& options = {}) const;
  void search_into(const MatrixView& queries, std::size_t k, const ResultView& out,
                   const SearchOptions& options = {}) const;
  SearchResult search_multi(const MatrixView& interests, std::size_t per_user, std::size_t k,
                            const SearchOptions& options = {}) const;
  void search_multi_into(const MatrixView& interests, std::size_t per_user, std::size_t k,
                         const ResultView& out, const SearchOptions& options = {}) const;
  RangeResult search_range(const MatrixView& queries, std::span<const double> thresholds,
                           const SearchOptions& options = {}) const;

  /// Makes one segment of all items. Returns when it is on the disk. Throws Error: io,
  /// out_of_memory, invalid_argument (open for reading).
  void compact();
  /// Throws Error: io, out_of_memory.
  LiveStats stats() const;

 private:
  friend struct live::SnapshotParts;
  explicit LiveIndex(std::shared_ptr<live::Catalogue> catalogue) noexcept;
  std::shared_ptr<live::Catalogue> catalogue_;
};

}  // namespace v0_1
}  // namespace maxdot
#pragma GCC visibility pop
