// From a request to the search that it asks for.
#include "refused.hpp"
#include "server/infer/infer_request.hpp"

namespace maxdot::server {
namespace {

using test::check_refused;

template <typename T>
Tensor tensor(const char* name, DataType type, std::vector<std::int64_t> shape,
              std::vector<T> values) {
  return {name, type, std::move(shape), Elements::own(std::move(values))};
}

InferRequest request(std::int64_t n = 2) {
  InferRequest made;
  made.model = "m";
  const auto values = static_cast<std::size_t>(n * 3);
  made.inputs.push_back(
      tensor("queries", DataType::fp32, {n, 3}, std::vector<float>(values, 0.5F)));
  return made;
}

Tensor integers(const char* name, std::vector<std::int64_t> values) {
  const auto count = static_cast<std::int64_t>(values.size());
  return tensor(name, DataType::int64, {count}, std::move(values));
}

const Limits kLimits = {.message_bytes = 1'000'000, .k = 100, .queries = 1'000};

TEST_CASE("a request that names nothing asks for 10 results by the metric of the index") {
  InferRequest asked = request();
  const Search search = search_of(asked, kLimits);
  CHECK(search.k == 10);
  CHECK_FALSE(search.options.metric.has_value());
  CHECK(search.options.timeout == 0.0);
  CHECK(search.options.filters.empty());
  CHECK(search.queries.rows == 2);
  CHECK(search.queries.cols == 3);
  CHECK(search_of(asked, {.message_bytes = 1'000'000, .k = 4, .queries = 10}).k == 4);
}

TEST_CASE("parameters are taken over") {
  InferRequest asked = request();
  asked.parameters = {{"k", std::int64_t{100}},
                      {"metric", std::string("euclidean")},
                      {"timeout", std::int64_t{1'500'000}},
                      {"priority", std::int64_t{3}}};
  Search search = search_of(asked, kLimits);
  CHECK(search.k == 100);
  CHECK(search.options.metric == Metric::euclidean);
  CHECK(search.options.timeout == 1.5);
  asked.deadline = 0.25;
  CHECK(search_of(asked, kLimits).options.timeout == 0.25);
  asked.deadline = 7.0;
  CHECK(search_of(asked, kLimits).options.timeout == 1.5);
  asked.parameters.erase("timeout");
  CHECK(search_of(asked, kLimits).options.timeout == 7.0);
  asked.parameters = {{"k", std::int64_t{0}}, {"metric", std::string("IP")}};
  CHECK(search_of(asked, kLimits).k == 0);
  CHECK(search_of(asked, kLimits).options.metric == Metric::dot);
}

TEST_CASE("parameters that are none") {
  const std::vector<std::pair<const char*, Parameter>> wrong = {{"k", std::int64_t{-1}},
                                                                {"k", std::int64_t{101}},
                                                                {"k", 3.0},
                                                                {"k", true},
                                                                {"k", std::string("3")},
                                                                {"metric", std::string("l")},
                                                                {"metric", 1.0},
                                                                {"timeout", std::int64_t{-1}},
                                                                {"timeout", 0.5},
                                                                {"K", std::int64_t{3}},
                                                                {"sequence_id", std::int64_t{3}}};
  for (const auto& [name, value] : wrong) {
    InferRequest asked = request();
    asked.parameters.emplace(name, value);
    check_refused([&] { search_of(asked, kLimits); }, Code::invalid_argument,
                  std::string("parameter '") + name + "'");
  }
}

TEST_CASE("lists have offsets, which one query may leave out") {
  InferRequest asked = request();
  asked.inputs.push_back(integers("exclude_ids", {7, 8, 9}));
  check_refused([&] { search_of(asked, kLimits); }, Code::invalid_argument, "exclude_offsets");
  asked.inputs.push_back(integers("exclude_offsets", {0, 1, 3}));
  const Filters filters = search_of(asked, kLimits).options.filters;
  CHECK(filters.allow.absent());
  CHECK(filters.exclude.size() == 2);
  CHECK(filters.exclude.of(1)[0] == 8);

  InferRequest one = request(1);
  one.inputs.push_back(integers("allow_ids", {5, 6}));
  const Filters own = search_of(one, kLimits).options.filters;
  CHECK(own.exclude.absent());
  CHECK(own.allow.size() == 1);
  CHECK(own.allow.of(0).size() == 2);
  InferRequest none = request(1);
  none.inputs.push_back(integers("allow_ids", {}));
  const Filters nothing = search_of(none, kLimits).options.filters;
  CHECK_FALSE(nothing.allow.absent());
  CHECK(nothing.allow.of(0).empty());
}

TEST_CASE("inputs that are none") {
  const auto refuse = [](Tensor extra, const char* words) {
    InferRequest asked = request();
    asked.inputs.push_back(std::move(extra));
    check_refused([&] { search_of(asked, kLimits); }, Code::invalid_argument, words);
  };
  refuse(integers("allow_offsets", {0, 0, 0}), "without 'allow_ids'");
  refuse(integers("queries", {0}), "twice");
  refuse(integers("labels", {0}), "unknown input 'labels'");
  refuse(tensor<double>("allow_ids", DataType::fp64, {1}, {1.0}), "send INT64");
  refuse(tensor<std::int64_t>("allow_ids", DataType::int64, {1, 1}, {1}), "send one");
  InferRequest empty;
  check_refused([&] { search_of(empty, kLimits); }, Code::invalid_argument, "no input 'queries'");
}

TEST_CASE("sizes are compared in 64 bits") {
  constexpr std::int64_t kHuge = std::int64_t{1} << 62;
  for (const std::vector<std::int64_t>& shape : std::vector<std::vector<std::int64_t>>{
           {2, 4}, {-2, -3}, {kHuge, 4}, {kHuge, kHuge}, {4, kHuge, kHuge}, {kHuge, 2}, {}}) {
    InferRequest asked = request();
    asked.inputs[0].shape = shape;
    check_refused([&] { search_of(asked, kLimits); }, Code::invalid_argument, "'queries'");
  }
  InferRequest asked = request(0);
  asked.inputs[0].shape = {kHuge, 0};
  check_refused([&] { search_of(asked, kLimits); }, Code::invalid_argument, "--max-queries");
  asked.inputs[0].shape = {0, kHuge};
  CHECK(search_of(asked, kLimits).queries.rows == 0);  // the model refuses the dimension
}

TEST_CASE("an answer is bounded by what is asked for") {
  const Limits narrow = {.message_bytes = 2'000, .k = 1'000, .queries = 1'000};
  InferRequest asked = request();
  asked.parameters = {{"k", std::int64_t{84}}};  // 2 * 84 * (8 + 4) = 2,016
  check_refused([&] { search_of(asked, narrow); }, Code::too_large, "2 x 84");
  asked.outputs = {{"ids"}};
  CHECK(search_of(asked, narrow).k == 84);
  asked.outputs = {{"counts"}};
  asked.parameters = {{"k", std::int64_t{1'000}}};
  CHECK(search_of(asked, narrow).k == 1'000);
  asked.outputs = {{"ids"}, {"scores"}, {"scores64"}, {"counts"}};
  check_refused([&] { search_of(asked, narrow); }, Code::too_large, "2 x 1000");
}

TEST_CASE("outputs that are none") {
  InferRequest asked = request();
  asked.outputs = {{"ids"}, {"label\n"}};
  check_refused([&] { search_of(asked, kLimits); }, Code::invalid_argument, "'label?'");
  asked.outputs = {{"ids"}, {"scores"}, {"ids"}};
  check_refused([&] { search_of(asked, kLimits); }, Code::invalid_argument, "twice");
}

TEST_CASE("answers hold the requested outputs in their order") {
  InferRequest asked = request(1);
  asked.id = "7";
  asked.outputs = {{"scores64"}, {"counts"}, {"scores"}, {"ids"}};
  const InferAnswer answer = answer_of(asked, "v", {1, 2, {4, -1}, {0.1, -2.5}, {1}});
  CHECK(answer.model == "m");
  CHECK(answer.version == "v");
  CHECK(answer.id == "7");
  REQUIRE(answer.outputs.size() == 4);
  CHECK(answer.outputs[0].tensor.elements.as<double>()[0] == 0.1);
  CHECK(answer.outputs[1].tensor.shape == std::vector<std::int64_t>{1});
  CHECK(answer.outputs[1].tensor.elements.as<std::int64_t>()[0] == 1);
  CHECK(answer.outputs[2].tensor.elements.as<float>()[0] == 0.1F);
  CHECK(answer.outputs[3].tensor.shape == std::vector<std::int64_t>{1, 2});
  CHECK(answer.outputs[3].tensor.elements.as<std::int64_t>()[1] == -1);
  asked.outputs.clear();
  CHECK(answer_of(asked, "v", {1, 1, {4}, {0.1}, {1}}).outputs.size() == 3);
}

TEST_CASE("bytes that are not aligned are copied") {
  const std::vector<std::int64_t> numbers = {1, 2, 3};
  for (std::size_t shift = 0; shift < 8; ++shift) {
    std::string text(shift, 'x');
    text.reserve(64);
    text.append(reinterpret_cast<const char*>(numbers.data()), 24);
    const Elements elements = Elements::of_bytes(std::string_view(text).substr(shift));
    CHECK(reinterpret_cast<std::uintptr_t>(elements.data()) % 8 == 0);
    CHECK(elements.bytes() == 24);
    CHECK(elements.as<std::int64_t>()[2] == 3);
  }
  CHECK(Elements::of_bytes(std::string_view("abc").substr(1)).text() == "bc");
}

}  // namespace
}  // namespace maxdot::server
