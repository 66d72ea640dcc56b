#include "case.hpp"

#include <cstring>
#include <numeric>

#include "server/base/request_error.hpp"

namespace maxdot::server::fuzz {
namespace {

constexpr std::size_t kItems = 200;
constexpr std::size_t kDimension = 8;

float value(Random& random) {
  return static_cast<float>(static_cast<double>(random() % 2001) / 1000.0 - 1.0);
}

OwnedIdLists lists(Random& random, std::size_t n) {
  OwnedIdLists made;
  made.offsets.push_back(0);
  for (std::size_t query = 0; query < n; ++query) {
    for (std::size_t i = below(random, 6); i > 0; --i)
      made.ids.push_back(static_cast<std::int64_t>(below(random, kItems + 20)) - 10);
    made.offsets.push_back(static_cast<std::int64_t>(made.ids.size()));
  }
  return made;
}

SearchOptions options(const std::optional<Metric>& metric, const Filters& filters) {
  SearchOptions made;
  made.threads = 1;
  made.metric = metric;
  made.filters = filters;
  return made;
}

template <typename T>
bool same(const Elements& elements, const std::vector<T>& expected) {
  return elements.bytes() == expected.size() * sizeof(T) &&
         (expected.empty() || std::memcmp(elements.data(), expected.data(), elements.bytes()) == 0);
}

}  // namespace

Subject make_subject() {
  Random random(1);
  std::vector<float> rows(kItems * kDimension);
  for (float& element : rows) element = value(random);
  return {Index::build(MatrixView::f32(rows.data(), kItems, kDimension)),
          {.message_bytes = 20'000, .k = 50, .queries = 8, .items = 8}};
}

Case make_case(Random& random, const Subject& subject) {
  Case made;
  made.n = below(random, subject.limits.queries + 1);
  made.k = 1 + below(random, subject.limits.k);
  if (one_in(random, 2)) made.metric = static_cast<Metric>(below(random, 3));
  made.queries.resize(made.n * subject.index.dimension());
  for (float& element : made.queries) element = value(random);
  if (one_in(random, 3)) made.exclude = lists(random, made.n);
  if (one_in(random, 3)) made.allow = lists(random, made.n);
  for (const TensorSpec& spec : output_specs()) {
    if (one_in(random, 2)) made.outputs.push_back(spec.name);
  }
  return made;
}

std::optional<InferAnswer> answer(const Subject& subject, InferRequest& request) {
  Search search;
  SearchResult result;
  try {
    search = search_of(request, subject.limits);
    result = subject.index.search(search.queries, search.k,
                                  options(search.options.metric, search.options.filters));
  } catch (const RequestError&) {
    return std::nullopt;
  } catch (const Error& error) {
    require(error.code() == ErrorCode::invalid_argument || error.code() == ErrorCode::invalid_data,
            "a request is refused for what it holds");
    return std::nullopt;
  }
  require(search.queries.rows <= subject.limits.queries, "no more queries than allowed");
  require(search.k <= subject.limits.k, "no more results than allowed");
  const std::size_t n = search.queries.rows;
  const std::size_t outputs = request.outputs.empty() ? 3 : request.outputs.size();
  InferAnswer made = answer_of(request, "version", std::move(result));
  require(made.outputs.size() == outputs, "each output is there");
  for (const OutputTensor& output : made.outputs) {
    const std::size_t values = output.tensor.name == "counts" ? n : n * search.k;
    require(output.tensor.elements.bytes() == values * size_of(output.tensor.type),
            "an output fills its shape");
  }
  return made;
}

void require_right(const Subject& subject, const Case& asked, const InferAnswer& answer) {
  Filters filters;
  if (asked.exclude) filters.exclude = *asked.exclude;
  if (asked.allow) filters.allow = *asked.allow;
  const SearchResult expected = subject.index.search(
      MatrixView::f32(asked.queries.data(), asked.n, subject.index.dimension()), asked.k,
      options(asked.metric, filters));
  std::vector<float> scores(expected.scores.size());
  round_to_f32(expected.scores, scores.data());
  for (const OutputTensor& output : answer.outputs) {
    const Tensor& tensor = output.tensor;
    const bool right = tensor.name == "ids"        ? same(tensor.elements, expected.ids)
                       : tensor.name == "counts"   ? same(tensor.elements, expected.counts)
                       : tensor.name == "scores64" ? same(tensor.elements, expected.scores)
                                                   : same(tensor.elements, scores);
    require(right, "the answer is that of Index::search");
  }
}

}  // namespace maxdot::server::fuzz
