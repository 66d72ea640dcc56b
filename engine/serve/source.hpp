// Source: what requests are asked of: an Index, or the newest version of a LiveIndex.
#pragma once

#include <cstddef>
#include <memory>
#include <variant>

#include "live/catalogue.hpp"
#include "maxdot/batcher.hpp"
#include "maxdot/index.hpp"

namespace maxdot::serve {

class Source {
 public:
  /// Throws Error (invalid_argument) for an empty Index.
  explicit Source(const Index& index);
  explicit Source(std::shared_ptr<const live::Catalogue> catalogue) noexcept
      : asked_(std::move(catalogue)) {}

  /// Of its items now.
  Metric metric() const noexcept;
  /// Throws Error for queries and filters that a search would refuse.
  void check(const MatrixView& queries, const Filters& filters) const;
  void search_into(const MatrixView& queries, std::size_t k, const ResultView& out,
                   const SearchOptions& options) const;
  /// Empty for a LiveIndex.
  Index index() const;

 private:
  std::variant<Index, std::shared_ptr<const live::Catalogue>> asked_;
};

}  // namespace maxdot::serve
