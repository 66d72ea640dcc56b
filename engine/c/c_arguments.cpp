#include "c/c_arguments.hpp"

#include "maxdot/error.hpp"

namespace maxdot::c {
namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::invalid_argument, what);
}

std::int32_t metric_value(Metric metric) noexcept {
  switch (metric) {
    case Metric::dot:
      return MAXDOT_DOT;
    case Metric::cosine:
      return MAXDOT_COSINE;
    case Metric::euclidean:
      return MAXDOT_EUCLIDEAN;
  }
  return MAXDOT_DEFAULT_METRIC;
}

std::int32_t dtype_value(DType dtype) noexcept {
  return dtype == DType::f32 ? MAXDOT_F32 : MAXDOT_F16;
}

}  // namespace

void refuse_null(const char* name) { refuse(std::string(name) + ": is a null pointer"); }

void refuse_struct_size(const char* name, std::uint32_t size) {
  refuse(std::string(name) + ": struct_size is " + std::to_string(size) +
         "; set the struct up with MAXDOT_INIT");
}

void refuse_later_options(const char* name) {
  throw Error(ErrorCode::unsupported,
              std::string(name) +
                  ": sets an option that this version of the library does not know; install the "
                  "version that the caller was compiled for, or leave the option at 0");
}

std::size_t size_of_argument(std::int64_t value, const char* name) {
  if (value < 0) refuse(std::string(name) + ": " + std::to_string(value) + " is negative");
  return static_cast<std::size_t>(value);
}

DType dtype_of(std::int32_t dtype, const char* name) {
  if (dtype != MAXDOT_F32 && dtype != MAXDOT_F16) {
    refuse(std::string(name) + ": dtype " + std::to_string(dtype) +
           " is neither MAXDOT_F32 nor MAXDOT_F16");
  }
  return dtype == MAXDOT_F32 ? DType::f32 : DType::f16;
}

MatrixView matrix_of(const maxdot_matrix* matrix, const char* name) {
  const maxdot_matrix& given = required(matrix, name);
  if (given.rows < 0 || given.cols < 0 || given.stride_bytes < 0) {
    refuse(std::string(name) + ": rows " + std::to_string(given.rows) + ", cols " +
           std::to_string(given.cols) + " or stride_bytes " + std::to_string(given.stride_bytes) +
           " is negative");
  }
  MatrixView view;
  view.data = given.data;
  view.dtype = dtype_of(given.dtype, name);
  view.rows = static_cast<std::size_t>(given.rows);
  view.cols = static_cast<std::size_t>(given.cols);
  view.stride_bytes = static_cast<std::size_t>(given.stride_bytes);
  // A dimension beyond the largest is refused before its rows are looked at.
  if (view.stride_bytes == 0) view.stride_bytes = view.cols * size_of(view.dtype);
  if (view.rows != 0 && view.cols != 0 && view.cols <= max_dimension &&
      view.stride_bytes > PTRDIFF_MAX / view.rows) {
    refuse(std::string(name) + ": " + std::to_string(view.rows) + " rows of " +
           std::to_string(view.stride_bytes) + " bytes are more than the address space");
  }
  return view;
}

std::optional<Metric> metric_of(std::int32_t metric) {
  switch (metric) {
    case MAXDOT_DEFAULT_METRIC:
      return std::nullopt;
    case MAXDOT_DOT:
      return Metric::dot;
    case MAXDOT_COSINE:
      return Metric::cosine;
    case MAXDOT_EUCLIDEAN:
      return Metric::euclidean;
    default:
      refuse("metric: " + std::to_string(metric) + " is no value of maxdot_metric");
  }
}

ScoreKind score_kind_of(std::int32_t kind) {
  if (kind != MAXDOT_SCORES && kind != MAXDOT_KEYS)
    refuse("score_kind: " + std::to_string(kind) + " is no value of maxdot_score_kind");
  return kind == MAXDOT_KEYS ? ScoreKind::keys : ScoreKind::scores;
}

RowPlace row_place_of(std::int32_t place) {
  if (place != MAXDOT_ROWS_IN_MEMORY && place != MAXDOT_ROWS_ON_DISK)
    refuse("rows: " + std::to_string(place) + " is no value of maxdot_row_place");
  return place == MAXDOT_ROWS_ON_DISK ? RowPlace::disk : RowPlace::memory;
}

Load load_of(std::int32_t load) {
  switch (load) {
    case MAXDOT_LOAD_MAP:
      return Load::map;
    case MAXDOT_LOAD_MEMORY:
      return Load::memory;
    case MAXDOT_LOAD_LOCKED:
      return Load::locked;
    default:
      refuse("load: " + std::to_string(load) + " is no value of maxdot_load");
  }
}

int threads_of(std::int32_t threads) {
  if (threads == MAXDOT_ALL_THREADS) return 0;
  if (threads < 0) {
    refuse("threads: " + std::to_string(threads) +
           " is negative; 0 is one thread, MAXDOT_ALL_THREADS every core");
  }
  return threads == 0 ? 1 : threads;
}

StopOptions stop_of(const maxdot_cancellation* cancellation, double timeout) {
  StopOptions stop;
  if (cancellation != nullptr) stop.cancellation = &cancellation->cancellation;
  stop.timeout = timeout;
  return stop;
}

IdLists lists_of(const maxdot_id_lists& lists, std::size_t count, const char* name) {
  if (lists.offsets == nullptr) {
    if (lists.ids != nullptr) refuse(std::string(name) + ": has ids but no offsets");
    return {};
  }
  const std::int64_t ids = lists.offsets[count];
  if (ids < 0 || (ids > 0 && lists.ids == nullptr)) {
    refuse(std::string(name) + ": the last offset is " + std::to_string(ids) +
           (ids < 0 ? ", which is negative" : " but ids is a null pointer"));
  }
  return {{lists.offsets, count + 1}, {lists.ids, static_cast<std::size_t>(ids)}};
}

SearchArguments::SearchArguments(const maxdot_search_options* given, std::size_t owners,
                                 std::size_t items) {
  const maxdot_search_options c = options_of(given, "options");
  SearchOptions& options = options_;
  options.threads = threads_of(c.threads);
  options.metric = metric_of(c.metric);
  options.score_kind = score_kind_of(c.score_kind);
  options.filters.exclude = lists_of(c.exclude, owners, "exclude");
  options.filters.allow = lists_of(c.allow, owners, "allow");
  if (c.item_mask != nullptr) options.filters.item_mask = {c.item_mask, items};
  options.stop = stop_of(c.cancellation, c.timeout);
  if (c.workspace != nullptr) options.workspace = &c.workspace->workspace;
  options.most_result_bytes = c.most_result_bytes;
  if (c.stats != nullptr) {
    check_told(*c.stats, "stats");
    told_ = c.stats;
    options.stats = &stats_;
  }
}

void SearchArguments::tell_stats() const {
  if (told_ == nullptr) return;
  maxdot_search_stats told = {};
  told.queries = stats_.queries;
  told.queries_by_f32 = stats_.queries_by_f32;
  told.queries_by_list = stats_.queries_by_list;
  told.queries_repeated = stats_.queries_repeated;
  told.tiles_4bit = stats_.tiles_4bit;
  told.tiles_8bit = stats_.tiles_8bit;
  told.tiles_f32 = stats_.tiles_f32;
  told.candidates = stats_.candidates;
  told.refined = stats_.refined;
  told.rescored = stats_.rescored;
  told.bytes_read = stats_.bytes_read;
  tell(told, told_, "stats");
}

void tell_info(const IndexInfo& known, maxdot_index_info* info) {
  maxdot_index_info told = {};
  told.dtype = dtype_value(known.dtype);
  told.metric = metric_value(known.metric);
  told.normalized = known.normalized ? 1 : 0;
  told.has_ids = known.has_ids ? 1 : 0;
  told.items = static_cast<std::int64_t>(known.items);
  told.dimension = static_cast<std::int64_t>(known.dimension);
  told.bytes = static_cast<std::int64_t>(known.bytes);
  told.checksum = known.checksum;
  tell(told, info, "info");
}

}  // namespace maxdot::c
