// What C callers give, checked and in the types of the C++ API. All throw Error (invalid_argument;
// unsupported for options of a later version).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include "maxdot/index.hpp"
#include "maxdot/live_index.hpp"
#include "maxdot/maxdot.h"
#include "maxdot/stop.hpp"

struct maxdot_cancellation {
  maxdot::Cancellation cancellation;
};

struct maxdot_workspace {
  maxdot::Workspace workspace;
};

struct maxdot_index {
  maxdot::Index index;
};

struct maxdot_live {
  maxdot::LiveIndex index;
};

namespace maxdot::c {

/// Throws Error (invalid_argument): `name` is null.
[[noreturn]] void refuse_null(const char* name);
[[noreturn]] void refuse_struct_size(const char* name, std::uint32_t size);
[[noreturn]] void refuse_later_options(const char* name);

template <typename T>
T& required(T* pointer, const char* name) {
  if (pointer == nullptr) refuse_null(name);
  return *pointer;
}

/// The options that a caller gave, which may be of an earlier version (its struct is shorter: the
/// rest is zeros) or a later one (longer: the rest must be zeros), or null.
template <typename Options>
Options options_of(const Options* given, const char* name) {
  Options options = {};
  if (given == nullptr) return options;
  const std::uint32_t size = given->struct_size;
  if (size < sizeof(std::uint32_t) || size > 65536) refuse_struct_size(name, size);
  std::memcpy(&options, given, std::min<std::size_t>(size, sizeof options));
  const auto* bytes = reinterpret_cast<const unsigned char*>(given);
  for (std::size_t i = sizeof options; i < size; ++i) {
    if (bytes[i] != 0) refuse_later_options(name);
  }
  return options;
}

/// Throws unless struct_size can be one.
template <typename Told>
void check_told(const Told& out, const char* name) {
  if (out.struct_size < sizeof(std::uint32_t) || out.struct_size > 65536)
    refuse_struct_size(name, out.struct_size);
}

/// Writes what a caller asked to be told, as far as its struct goes: it may be of an earlier
/// version, and shorter.
template <typename Told>
void tell(Told told, Told* out, const char* name) {
  check_told(required(out, name), name);
  told.struct_size = out->struct_size;
  std::memcpy(out, &told, std::min<std::size_t>(told.struct_size, sizeof told));
}

/// A number of elements. Throws for a negative one.
std::size_t size_of_argument(std::int64_t value, const char* name);

DType dtype_of(std::int32_t dtype, const char* name);
MatrixView matrix_of(const maxdot_matrix* matrix, const char* name);
/// Nothing for MAXDOT_DEFAULT_METRIC.
std::optional<Metric> metric_of(std::int32_t metric);
ScoreKind score_kind_of(std::int32_t kind);
RowPlace row_place_of(std::int32_t place);
Load load_of(std::int32_t load);
/// The C API's number of threads (0: one) as the C++ API's (0: all).
int threads_of(std::int32_t threads);
StopOptions stop_of(const maxdot_cancellation* cancellation, double timeout);
/// `count` lists. Their memory must be as the offsets say.
IdLists lists_of(const maxdot_id_lists& lists, std::size_t count, const char* name);

/// The options of a search, with filters of a list for each of `owners` owners.
class SearchArguments {
 public:
  SearchArguments(const maxdot_search_options* given, std::size_t owners, std::size_t items);
  SearchArguments(const SearchArguments&) = delete;
  SearchArguments& operator=(const SearchArguments&) = delete;

  const SearchOptions& options() const noexcept { return options_; }
  /// After the search: what it did, if the caller wants to know.
  void tell_stats() const;

 private:
  SearchOptions options_;
  SearchStats stats_;
  maxdot_search_stats* told_ = nullptr;
};

/// Writes what an index or a snapshot is, as far as the caller's struct goes.
void tell_info(const IndexInfo& known, maxdot_index_info* info);

}  // namespace maxdot::c
