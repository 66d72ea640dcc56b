// A question about an index, in the words of the differential fuzzer.
#pragma once

#include <cstddef>
#include <span>

#include "../cases.hpp"
#include "index_input.hpp"
#include "maxdot/index.hpp"

namespace fuzz {

/// Draws queries, k, metric and filters. `items` are the rows of the file if it was verified; else
/// none: they need not be what the index is asked about.
class DrawnCase {
 public:
  DrawnCase(const maxdot::Index& index, const IndexInput& input, bool verified);

 protected:
  enum class Kind : std::uint8_t { search, multi, range, ranks, softmax, items };
  Kind kind() const;
  maxdot::OwnedIdLists draw_lists(std::size_t most);

  const maxdot::Index& index_;
  const Question question_;
  const maxdot::IndexInfo info_;
  const bool verified_;
  const bool on_disk_;
  Random random_;
  Case drawn_;

 private:
  std::size_t k() const;
  std::size_t query_count() const;
  void read_items(std::span<const std::uint8_t> file);
  void draw_queries();
  void draw_filters();
};

}  // namespace fuzz
