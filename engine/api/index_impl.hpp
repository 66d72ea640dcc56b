// What an Index holds, for the files of this folder that reach inside one, and the checks that they share.
#pragma once

#include <memory>

#include "maxdot/index.hpp"
#include "store/item_store.hpp"

namespace maxdot {

struct Index::Impl {
  std::shared_ptr<const store::ItemStore> items;

  static const store::ItemStore& items_of(const Index& index) noexcept { return *index.impl_->items; }
};

namespace api {

/// `threads`, or for 0 every core that this process may use. Throws Error (invalid_argument).
int checked_threads(int threads);

/// Throws Error (invalid_argument) for a value that is none of the enumeration's.
Metric checked_metric(Metric metric);

/// Throws Error unless `queries` are finite rows of the items' dimension. The message calls them `name`.
void check_queries(const store::ItemStore& items, const MatrixView& queries, const char* name, int threads);

}  // namespace api
}  // namespace maxdot
