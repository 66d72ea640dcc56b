// Making and describing an index from C.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "c/c_arguments.hpp"
#include "c/c_status.hpp"
#include "maxdot/error.hpp"
#include "maxdot/index.hpp"
#include "maxdot/machine.hpp"
#include "maxdot/maxdot.h"

using namespace maxdot;

namespace {

std::size_t checked_row(const Index& index, std::int64_t row) {
  if (row < 0 || static_cast<std::uint64_t>(row) >= index.size()) {
    throw Error(ErrorCode::invalid_argument, "row: " + std::to_string(row) + " is not within the " +
                                                 std::to_string(index.size()) + " items");
  }
  return static_cast<std::size_t>(row);
}

}  // namespace

extern "C" {

maxdot_status maxdot_cancellation_create(maxdot_cancellation** made) {
  return c::guarded([&] {
    c::required(made, "made") = nullptr;
    *made = new maxdot_cancellation;
  });
}

void maxdot_cancellation_cancel(maxdot_cancellation* cancellation) {
  if (cancellation != nullptr) cancellation->cancellation.cancel();
}

void maxdot_cancellation_free(maxdot_cancellation* cancellation) { delete cancellation; }

maxdot_status maxdot_build(const maxdot_matrix* items, const maxdot_build_options* options,
                           maxdot_index** made) {
  return c::guarded([&] {
    c::required(made, "made") = nullptr;
    const maxdot_build_options given = c::options_of(options, "options");
    const MatrixView rows = c::matrix_of(items, "items");
    BuildOptions build;
    build.metric = c::metric_of(given.metric).value_or(Metric::cosine);
    build.normalize = given.normalize != 0;
    build.threads = c::threads_of(given.threads);
    if (given.ids != nullptr) build.ids = {given.ids, rows.rows};
    build.stop = c::stop_of(given.cancellation, given.timeout);
    auto handle = std::make_unique<maxdot_index>();
    handle->index = Index::build(rows, build);
    *made = handle.release();
  });
}

maxdot_status maxdot_open(const char* path, const maxdot_open_options* options,
                          maxdot_index** made) {
  return c::guarded([&] {
    c::required(made, "made") = nullptr;
    c::required(path, "path");
    const maxdot_open_options given = c::options_of(options, "options");
    OpenOptions open;
    open.verify_payload = given.verify_payload != 0;
    open.verify_codes = given.verify_codes != 0;
    open.threads = c::threads_of(given.threads);
    open.stop = c::stop_of(given.cancellation, given.timeout);
    open.rows = c::row_place_of(given.rows);
    open.load = c::load_of(given.load);
    auto handle = std::make_unique<maxdot_index>();
    handle->index = Index::open(path, open);
    *made = handle.release();
  });
}

maxdot_status maxdot_save(const maxdot_index* index, const char* path) {
  return c::guarded([&] {
    c::required(path, "path");
    c::required(index, "index").index.save(path);
  });
}

void maxdot_close(maxdot_index* index) { delete index; }

maxdot_status maxdot_info(const maxdot_index* index, maxdot_index_info* info) {
  return c::guarded([&] { c::tell_info(c::required(index, "index").index.info(), info); });
}

maxdot_status maxdot_item_id(const maxdot_index* index, int64_t row, int64_t* id) {
  return c::guarded([&] {
    const Index& known = c::required(index, "index").index;
    c::required(id, "id") = known.item_id(checked_row(known, row));
  });
}

maxdot_status maxdot_item_row(const maxdot_index* index, int64_t row, float* values) {
  return c::guarded([&] {
    const Index& known = c::required(index, "index").index;
    known.item_row(checked_row(known, row), &c::required(values, "values"));
  });
}

int32_t maxdot_available_threads(void) { return available_threads(); }

maxdot_status maxdot_kernel(const char** name) {
  return c::guarded([&] {
    c::required(name, "name") = nullptr;
    *name = kernel_name();
  });
}

maxdot_status maxdot_kernel_at(int32_t i, const char** name) {
  return c::guarded([&] {
    c::required(name, "name") = nullptr;
    const std::vector<const char*> names = kernel_names();
    if (i >= 0 && static_cast<std::size_t>(i) < names.size())
      *name = names[static_cast<std::size_t>(i)];
  });
}

maxdot_status maxdot_use_kernels(const char* name) {
  return c::guarded([&] { use_kernels(&c::required(name, "name")); });
}

}  // extern "C"
