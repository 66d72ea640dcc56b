// IndexWriter: gathers whole blocks of rows, encodes them as Index::build does, and writes what
// that gives to where it stands in the file. A block's codes depend on its own rows alone.

#include "maxdot/index_writer.hpp"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "api/index_parts.hpp"
#include "base/path_errors.hpp"
#include "kernels/kernels.hpp"
#include "maxdot/error.hpp"
#include "store/encode.hpp"
#include "store/file_writer.hpp"

namespace maxdot {
inline namespace v0_1 {
namespace {

// [bytes] Of rows that are gathered before they are encoded: enough for every thread, and for
// writes that a disk likes. And of rows that are read from a file at once.
constexpr std::size_t kGatheredBytes = std::size_t{32} << 20;
constexpr std::size_t kReadBytes = std::size_t{8} << 20;

// Above every catalogue; no product with the bytes of an item overflows.
constexpr std::size_t kMostRows = std::size_t{1} << 44;

/// As many rows as take so many bytes, in whole blocks; one block if that is more.
std::size_t rows_within(std::size_t bytes, std::size_t row_bytes) {
  const std::size_t blocks = bytes / (store::kBlockRows * row_bytes);
  return std::max<std::size_t>(blocks, 1) * store::kBlockRows;
}

/// Of all items that are announced; no arrays.
store::ItemStore announced(const std::string& path, std::size_t rows, std::size_t cols, DType dtype,
                           const IndexWriterOptions& options) {
  store::check_shape({nullptr, dtype, 0, cols, 0}, "items");
  if (rows > kMostRows) {
    throw Error(ErrorCode::invalid_argument,
                path + ": " + std::to_string(rows) + " rows are more than an index file can hold");
  }
  store::ItemStore items;
  items.items = rows;
  items.dimension = cols;
  items.dtype = dtype;
  items.metric = api::checked_metric(options.metric);
  items.normalized = options.normalize;
  (void)api::checked_threads(options.threads);
  return items;
}

}  // namespace

struct IndexWriter::Impl {
  std::string path;
  store::ItemStore all;
  IndexWriterOptions options;
  store::FileWriter file;
  Matrix gathered;
  std::size_t gathered_count = 0;
  std::size_t appended = 0;
  std::vector<std::int64_t> ids;
  double largest_square = 0.0;
  bool ended = false;

  Impl(const std::string& to, const store::ItemStore& items, const IndexWriterOptions& given)
      : path(to), all(items), options(given), file(to, items, given.with_ids && items.items != 0) {
    if (options.with_ids) ids.reserve(all.items);
  }

  void require_open() const {
    if (ended) base::fail(path, "is no longer being written: it was committed, or a call failed");
  }

  /// Runs what cannot be done again.
  template <typename Step>
  auto once(const Step& step) {
    ended = true;
    if constexpr (std::is_void_v<decltype(step())>) {
      step();
      ended = false;
    } else {
      return step();
    }
  }

  void check(const MatrixView& rows, std::span<const std::int64_t> given) const {
    require_open();
    const int threads = api::checked_threads(options.threads);
    store::check_shape(rows, "items");
    if (rows.dtype != all.dtype || rows.cols != all.dimension) {
      throw Error(ErrorCode::invalid_argument,
                  "items: rows of " + std::to_string(rows.cols) + " " + to_string(rows.dtype) +
                      "; the file is to have " + std::to_string(all.dimension) + " " +
                      to_string(all.dtype));
    }
    if (rows.rows > all.items - appended) {
      throw Error(ErrorCode::invalid_argument, "items: " + std::to_string(appended) +
                                                   " rows were appended and " +
                                                   std::to_string(rows.rows) + " come; " +
                                                   std::to_string(all.items) + " are announced");
    }
    if (given.size() != (options.with_ids ? rows.rows : 0)) {
      throw Error(ErrorCode::invalid_argument,
                  "ids: " + std::to_string(given.size()) + " ids for " + std::to_string(rows.rows) +
                      " rows; give " +
                      (options.with_ids ? "one for each" : "none to a writer without ids"));
    }
    store::check_matrix(rows, "items", threads, appended);
    store::check_signs(given, appended);
  }

  /// Requires rows and ids that `check` has passed.
  void take(const MatrixView& rows, std::span<const std::int64_t> given) {
    ids.insert(ids.end(), given.begin(), given.end());
    const std::size_t row_bytes = all.row_bytes();
    for (std::size_t next = 0; next < rows.rows;) {
      if (gathered_count == 0) {
        const std::size_t room =
            std::min(rows_within(kGatheredBytes, row_bytes), all.items - appended);
        gathered = Matrix(room, all.dimension, all.dtype);
      }
      const std::size_t some = std::min(gathered.rows() - gathered_count, rows.rows - next);
      auto* to = static_cast<unsigned char*>(gathered.data()) + gathered_count * row_bytes;
      for (std::size_t r = 0; r < some; ++r, to += row_bytes)
        std::memcpy(to, rows.row(next + r), row_bytes);
      next += some;
      gathered_count += some;
      appended += some;
      if (gathered_count == gathered.rows()) write_gathered();
    }
  }

  void write_gathered() {
    const auto items = store::encode(std::move(gathered),
                                     {.metric = options.metric,
                                      .normalized = options.normalize,
                                      .ids = {},
                                      .threads = api::checked_threads(options.threads),
                                      .checked = true},
                                     kernels::active_table());
    file.put_all(*items);
    largest_square = std::max(largest_square, items->largest_square);
    gathered_count = 0;
  }

  std::uint64_t commit() {
    require_open();
    if (appended != all.items) {
      throw Error(ErrorCode::invalid_argument, path + ": " + std::to_string(appended) + " of " +
                                                   std::to_string(all.items) +
                                                   " rows were appended; append the others");
    }
    if (options.with_ids) store::check_ids(ids, ids.size());
    return once([this] {
      if (!ids.empty()) file.put(store::kIdsSection, ids.data(), ids.size() * sizeof(ids[0]));
      return file.commit(largest_square);
    });
  }
};

IndexWriter::IndexWriter(const std::string& path, std::size_t rows, std::size_t cols, DType dtype,
                         const IndexWriterOptions& options) {
  base::file_entry(path, "write it", [&] {
    impl_ = std::make_unique<Impl>(path, announced(path, rows, cols, dtype, options), options);
  });
}

IndexWriter::IndexWriter(IndexWriter&&) noexcept = default;
IndexWriter& IndexWriter::operator=(IndexWriter&&) noexcept = default;
IndexWriter::~IndexWriter() = default;

IndexWriter::Impl& IndexWriter::impl() const {
  if (impl_ != nullptr) return *impl_;
  throw Error(ErrorCode::invalid_argument,
              "this IndexWriter is empty: it was moved from; make another");
}

void IndexWriter::append(const MatrixView& rows, std::span<const std::int64_t> ids,
                         const StopOptions& stop) {
  Impl& to = impl();
  try {
    base::file_entry(stop, to.path, "write it", [&] {
      to.check(rows, ids);
      to.once([&] { to.take(rows, ids); });
    });
  } catch (const Error& error) {
    // Whether its rows were taken nobody knows.
    to.ended =
        to.ended || error.code() == ErrorCode::cancelled || error.code() == ErrorCode::timeout;
    throw;
  }
}

std::uint64_t IndexWriter::commit() {
  Impl& of = impl();
  return base::file_entry(of.path, "finish writing it", [&] { return of.commit(); });
}

std::uint64_t build_file(const MatrixFile& items, const std::string& path,
                         const BuildOptions& options) {
  return base::file_entry(options.stop, path, "build it", [&] {
    const bool with_ids = !options.ids.empty();
    if (with_ids || (items.rows() == 0 && options.ids.data() != nullptr))
      store::check_ids(options.ids, items.rows());
    IndexWriter writer(path, items.rows(), items.cols(), items.dtype(),
                       {.metric = options.metric,
                        .normalize = options.normalize,
                        .with_ids = with_ids,
                        .threads = options.threads});
    const std::size_t at_once = rows_within(kReadBytes, items.cols() * size_of(items.dtype()));
    Matrix some(std::min(at_once, items.rows()), items.cols(), items.dtype());
    for (std::size_t first = 0; first < items.rows(); first += at_once) {
      const std::size_t count = std::min(at_once, items.rows() - first);
      items.read(first, count, some.data());
      try {
        writer.append(some.view().slice(0, count),
                      with_ids ? options.ids.subspan(first, count) : options.ids.first(0));
      } catch (const Error& error) {
        if (error.code() != ErrorCode::invalid_data) throw;
        throw Error(error.code(), items.path() + ": " + error.what(), error.place())
            .about(items.path());
      }
    }
    return writer.commit();
  });
}

}  // namespace v0_1
}  // namespace maxdot
