// The public Index: checks what the caller gives, then hands over to the layers below.

#include "maxdot/index.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "api/index_parts.hpp"
#include "api/item_rows.hpp"
#include "base/aligned_buffer.hpp"
#include "base/entry.hpp"
#include "base/f16.hpp"
#include "base/float_environment.hpp"
#include "base/parallel.hpp"
#include "base/path_errors.hpp"
#include "kernels/kernels.hpp"
#include "maxdot/error.hpp"
#include "store/encode.hpp"
#include "store/file_format.hpp"
#include "store/item_store.hpp"
#include "store/verify.hpp"

namespace maxdot::api {

const IndexParts& IndexParts::of(const Index& index) {
  if (index.parts_ != nullptr) return *index.parts_;
  throw Error(ErrorCode::invalid_argument,
              "this Index is empty: it was moved from, or never assigned; Index::build or "
              "Index::open makes one");
}

int checked_threads(int threads) {
  constexpr int kMaxThreads = 4096;
  if (threads < 0 || threads > kMaxThreads) {
    throw Error(ErrorCode::invalid_argument, "threads: " + std::to_string(threads) +
                                                 " is outside 0 to " + std::to_string(kMaxThreads) +
                                                 " (0 = every core)");
  }
  return base::resolve_threads(threads);
}

Metric checked_metric(Metric metric) {
  if (metric != Metric::dot && metric != Metric::cosine && metric != Metric::euclidean) {
    throw Error(ErrorCode::invalid_argument, "metric: " + std::to_string(static_cast<int>(metric)) +
                                                 " is not a value of maxdot::Metric");
  }
  return metric;
}

ScoreKind checked_score_kind(ScoreKind kind) {
  if (kind != ScoreKind::scores && kind != ScoreKind::keys) {
    throw Error(ErrorCode::invalid_argument,
                "score_kind: " + std::to_string(static_cast<int>(kind)) +
                    " is not a value of maxdot::ScoreKind");
  }
  return kind;
}

RowPlace checked_row_place(RowPlace place) {
  if (place != RowPlace::memory && place != RowPlace::disk) {
    throw Error(ErrorCode::invalid_argument, "rows: " + std::to_string(static_cast<int>(place)) +
                                                 " is not a value of maxdot::RowPlace");
  }
  return place;
}

Load checked_load(Load load) {
  if (load != Load::map && load != Load::memory && load != Load::locked) {
    throw Error(ErrorCode::invalid_argument, "load: " + std::to_string(static_cast<int>(load)) +
                                                 " is not a value of maxdot::Load");
  }
  return load;
}

void require_rows_in_memory(const store::ItemStore& items, const char* what) {
  if (items.row_file == nullptr) return;
  throw Error(ErrorCode::unsupported,
              items.row_file->file().path() + ": was opened with its rows on the disk, and " +
                  what +
                  " reads too many of them one by one; open the index with its rows in memory (the "
                  "default, which maps the file)");
}

void check_dimension(const MatrixView& queries, const char* name, std::size_t dimension) {
  if (queries.cols == dimension) return;
  throw Error(ErrorCode::invalid_argument,
              std::string(name) + ": dimension " + std::to_string(queries.cols) +
                  " differs from the index's dimension " + std::to_string(dimension));
}

void check_queries(const store::ItemStore& items, const MatrixView& queries, const char* name,
                   int threads) {
  check_dimension(queries, name, items.dimension);
  store::check_matrix(queries, name, threads);
}

}  // namespace maxdot::api

namespace maxdot {
inline namespace v0_1 {
namespace {

using api::checked_load;
using api::checked_metric;
using api::checked_row_place;
using api::checked_threads;

auto no_memory_for(std::size_t items) {
  return [items] {
    return "no memory for an index of " + std::to_string(items) +
           " items; free memory, or use fewer items";
  };
}

// [rows] Copied by one task; a call can end between two.
constexpr std::size_t kRowsPerTask = 1024;

Matrix copy_rows(const MatrixView& items, int threads) {
  Matrix rows(items.rows, items.cols, items.dtype);
  const std::size_t row_bytes = items.cols * size_of(items.dtype);
  auto* out = static_cast<unsigned char*>(rows.data());
  const std::size_t tasks = (items.rows + kRowsPerTask - 1) / kRowsPerTask;
  base::parallel_for(tasks, threads, [&](std::size_t task, int) noexcept {
    const std::size_t end = std::min(items.rows, (task + 1) * kRowsPerTask);
    for (std::size_t r = task * kRowsPerTask; r < end; ++r)
      std::memcpy(out + r * row_bytes, items.row(r), row_bytes);
  });
  return rows;
}

}  // namespace

Index Index::build(const MatrixView& items, const BuildOptions& options) {
  return base::entry(options.stop, no_memory_for(items.rows), [&] {
    const int threads = checked_threads(options.threads);
    store::check_matrix(items, "items", threads);
    BuildOptions rest = options;
    rest.stop = {};  // this call's holds
    return build(copy_rows(items, threads), rest);
  });
}

Index Index::build(Matrix&& items, const BuildOptions& options) {
  return base::entry(options.stop, no_memory_for(items.rows()), [&] {
    const store::EncodeOptions encode_options = {checked_metric(options.metric), options.normalize,
                                                 options.ids, checked_threads(options.threads)};
    auto parts = std::make_shared<api::IndexParts>();
    parts->items = store::encode(std::move(items), encode_options, kernels::active_table());
    return Index(std::move(parts));
  });
}

Index Index::open(const std::string& path, const OpenOptions& options) {
  return base::file_entry(options.stop, path, "open the index", [&] {
    const int threads = checked_threads(options.threads);
    const RowPlace place = checked_row_place(options.rows);
    const Load load = checked_load(options.load);
    const bool verify_payload = options.verify_payload || options.verify_codes;
    auto parts = std::make_shared<api::IndexParts>();
    // Rows on the disk: what is verified here is only mapped meanwhile.
    const bool on_disk = place == RowPlace::disk;
    parts->items = store::open_file(path, verify_payload, on_disk ? Load::map : load);
    if (verify_payload)
      store::verify_contents(*parts->items, path, kernels::active_table(), threads);
    if (options.verify_codes) store::verify_codes(*parts->items, path, threads);
    if (on_disk) parts->items = store::open_with_rows_on_disk(path, *parts->items, load);
    return Index(std::move(parts));
  });
}

std::uint64_t Index::save(const std::string& path) const {
  return base::file_entry(path, "save the index", [&] {
    return store::write_file(api::IndexParts::items_of(*this), path);
  });
}

IndexInfo Index::info() const noexcept {
  if (parts_ == nullptr) return {};
  const store::ItemStore& items = *parts_->items;
  return {items.items,
          items.dimension,
          items.dtype,
          items.metric,
          items.normalized,
          items.ids != nullptr,
          static_cast<std::size_t>(store::file_bytes(items)),
          items.checksum};
}

std::size_t Index::size() const noexcept { return parts_ == nullptr ? 0 : parts_->items->items; }

std::size_t Index::dimension() const noexcept {
  return parts_ == nullptr ? 0 : parts_->items->dimension;
}

std::int64_t Index::item_id(std::size_t row) const noexcept { return parts_->items->id(row); }

void Index::item_row(std::size_t row, float* out) const {
  const store::ItemStore& items = *parts_->items;
  if (items.row_file == nullptr) {
    return base::in_default_environment(
        [&] { base::to_f32(items.row(row), items.dtype, items.dimension, out); });
  }
  base::file_entry(items.row_file->file().path(), "read a row", [&] {
    base::AlignedBuffer<unsigned char> stored(items.row_bytes(), "a row");
    items.row_file->read(row, 1, stored.data());
    base::to_f32(stored.data(), items.dtype, items.dimension, out);
  });
}

void Index::item_rows(std::span<const std::int64_t> ids, float* out) const {
  base::entry(
      [&] { return "ids: not enough memory to find " + std::to_string(ids.size()) + " items"; },
      [&] {
        const std::vector<std::size_t> rows =
            api::rows_of(*parts_, "ids", ids, api::Padding::refused);
        for (std::size_t i = 0; i < rows.size(); ++i) item_row(rows[i], out + i * dimension());
      });
}

void round_to_f32(std::span<const double> scores, float* out) noexcept {
  base::in_default_environment([&] {
    for (std::size_t i = 0; i < scores.size(); ++i) out[i] = static_cast<float>(scores[i]);
  });
}

}  // namespace v0_1
}  // namespace maxdot
