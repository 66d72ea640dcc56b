#include "subject.hpp"

#include <cstring>

#include "api/index_parts.hpp"

namespace fuzz {
namespace {

using maxdot::search::Method;

maxdot::Index build(const Case& drawn, Random& random) {
  std::optional<maxdot::Index> index;
  const maxdot::BuildOptions options = {drawn.index_metric, drawn.normalized, drawn.ids,
                                        draw_threads(random)};
  call_anywhere(random, "build",
                [&] { index = maxdot::Index::build(drawn.items.view(), options); });
  return *index;
}

}  // namespace

std::string Way::describe() const {
  constexpr const char* kNames[] = {"f32", "coarse", "five", "six", "fine", "listed"};
  return std::string("kernels ") + table->name + ", method " +
         (method ? kNames[static_cast<std::size_t>(*method)] : "planned") + ", threads " +
         std::to_string(threads);
}

int draw_threads(Random& random) { return random.pick({1, 1, 1, 2, 2, 3, 8}); }

Way draw_way(Random& random, bool may_be_listed) {
  static const std::vector<const maxdot::kernels::KernelTable*> tables =
      maxdot::kernels::runnable_tables();
  Way way = {tables[random.below(tables.size())], std::nullopt, draw_threads(random)};
  switch (random.below(may_be_listed ? 9 : 8)) {
    case 0:
    case 1:
      way.method = Method::coarse;
      break;
    case 2:
      way.method = Method::fine;
      break;
    case 3:
      way.method = random.pick({Method::five, Method::six});
      break;
    case 4:
      way.method = Method::f32;
      break;
    case 8:
      way.method = Method::listed;
      break;
    default:
      break;
  }
  return way;
}

std::size_t draw_ways(const Case& drawn, Random& random) {
  const std::size_t pairs = drawn.items.rows * drawn.queries.rows * drawn.items.cols;
  return pairs > 2'000'000 ? random.between(1, 2) : random.between(1, 4);
}

PlacedRows::PlacedRows(const Rows& rows, Random& random) {
  view_ = rows.view();
  const std::size_t element = maxdot::size_of(rows.dtype);
  const std::size_t row_bytes = rows.cols * element;
  const std::size_t stride = row_bytes + element * random.pick<std::size_t>({0, 0, 1, 3, 16});
  // Not a byte more than the last row needs; the gaps are NaN.
  if (rows.rows != 0) bytes_.resize((rows.rows - 1) * stride + row_bytes, 0xFF);
  for (std::size_t r = 0; r < rows.rows; ++r)
    std::memcpy(bytes_.data() + r * stride, view_.row(r), row_bytes);
  view_.data = bytes_.data();
  view_.stride_bytes = stride;
}

Subject::Subject(const Case& drawn, Random& random)
    : drawn_(drawn),
      index_(build(drawn, random)),
      placed_(drawn.queries, random),
      filters_(drawn.filters()) {
  if (!filters_.empty()) {
    request_.emplace(maxdot::api::checked_filters(maxdot::api::IndexParts::of(index_), filters_,
                                                  drawn.users(), "queries"));
  }
}

const maxdot::store::ItemStore& Subject::items() const noexcept {
  return maxdot::api::IndexParts::items_of(index_);
}

maxdot::SearchOptions Subject::options(Random& random) const {
  maxdot::SearchOptions options;
  options.threads = draw_threads(random);
  if (drawn_.metric != drawn_.index_metric) options.metric = drawn_.metric;
  options.filters = filters_;
  options.score_kind = drawn_.score_kind;
  return options;
}

maxdot::search::Request Subject::request(std::size_t k, const Way& way) const {
  maxdot::search::Request request = {placed_.view(), k,       drawn_.metric,
                                     way.threads,    nullptr, way.method};
  request.filters = filters();
  request.keys = drawn_.score_kind == maxdot::ScoreKind::keys;
  return request;
}

}  // namespace fuzz
