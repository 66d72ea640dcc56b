#include "serve/source.hpp"

#include "api/id_lists.hpp"
#include "api/index_parts.hpp"
#include "live/snapshot_parts.hpp"
#include "live/version.hpp"
#include "maxdot/error.hpp"
#include "store/encode.hpp"

namespace maxdot::serve {

Source::Source(const Index& index) : asked_(index) { (void)api::IndexParts::of(index); }

Metric Source::metric() const noexcept {
  if (const Index* index = std::get_if<Index>(&asked_)) return index->info().metric;
  return std::get<1>(asked_)->version()->shape.metric;
}

void Source::check(const MatrixView& queries, const Filters& filters) const {
  if (const Index* index = std::get_if<Index>(&asked_)) {
    const api::IndexParts& parts = api::IndexParts::of(*index);
    api::check_queries(*parts.items, queries, "queries", 1);
    (void)api::checked_filters(parts, filters, queries.rows, "queries");
    return;
  }
  api::check_dimension(queries, "queries", std::get<1>(asked_)->version()->shape.dimension);
  store::check_matrix(queries, "queries", 1);
  if (!filters.exclude.absent())
    api::check_lists(filters.exclude, "exclude", queries.rows, "queries");
  if (!filters.allow.absent()) api::check_lists(filters.allow, "allow", queries.rows, "queries");
  if (!filters.item_mask.empty()) {
    throw Error(ErrorCode::invalid_argument,
                "item_mask: has a value for each item of one version, and a Batcher of a LiveIndex "
                "asks the newest; use allow or exclude");
  }
}

void Source::search_into(const MatrixView& queries, std::size_t k, const ResultView& out,
                         const SearchOptions& options) const {
  if (const Index* index = std::get_if<Index>(&asked_))
    return index->search_into(queries, k, out, options);
  live::SnapshotParts::make(std::get<1>(asked_)->version()).search_into(queries, k, out, options);
}

Index Source::index() const {
  const Index* index = std::get_if<Index>(&asked_);
  return index == nullptr ? Index() : *index;
}

}  // namespace maxdot::serve
