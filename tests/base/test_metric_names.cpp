// Metrics by name: those of other libraries too, and what a wrong one is answered with.
#include <doctest/doctest.h>

#include <string>
#include <utility>

#include "maxdot/error.hpp"
#include "maxdot/types.hpp"

using namespace maxdot;

namespace {

std::string refused(const std::string& name) {
  try {
    (void)metric_named(name);
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::invalid_argument);
    return error.what();
  }
  FAIL_CHECK(name);
  return "";
}

}  // namespace

TEST_CASE("metrics have the names of other libraries, in small letters or capitals") {
  for (const Metric metric : {Metric::dot, Metric::cosine, Metric::euclidean})
    CHECK(metric_named(to_string(metric)) == metric);
  for (const auto& pair : {std::pair{"ip", Metric::dot},
                           {"IP", Metric::dot},
                           {"Inner_Product", Metric::dot},
                           {"cos", Metric::cosine},
                           {"COSINE", Metric::cosine},
                           {"l2", Metric::euclidean},
                           {"L2", Metric::euclidean}}) {
    CAPTURE(pair.first);  // Clang 14 cannot capture what was bound by name
    CHECK(metric_named(pair.first) == pair.second);
  }
}

TEST_CASE("a name that is no metric is refused, with the one that may be meant") {
  CHECK(refused("dott").find("did you mean 'dot'?") != std::string::npos);
  CHECK(refused("cosin").find("did you mean 'cosine'?") != std::string::npos);
  CHECK(refused("Euclidian").find("did you mean 'euclidean'?") != std::string::npos);
  CHECK(refused("innerproduct").find("did you mean 'inner_product'?") != std::string::npos);
  CHECK(refused("l1").find("did you mean 'l2'?") != std::string::npos);
  for (const std::string& name : {std::string(), std::string("hamming"), std::string("x"),
                                  std::string("manhattan"), std::string(5000, 'd')}) {
    const std::string message = refused(name);
    CHECK(message.find("did you mean") == std::string::npos);
    CHECK(message.ends_with("there are dot (ip, inner_product), cosine (cos) and euclidean (l2)"));
    CHECK(message.size() < 200);
  }
  for (std::size_t before = 0; before < 4; ++before) {  // no character is cut in two
    std::string accents(before, 'x');
    for (int i = 0; i < 60; ++i) accents += "\xe2\x82\xac";
    const std::string message = refused(accents);
    const std::size_t end = message.find("...'");
    REQUIRE(end != std::string::npos);
    CHECK((end - before - std::string("metric: '").size()) % 3 == 0);
  }
  CHECK(refused(std::string("dot\0", 4)).find('\0') == std::string::npos);
  CHECK(refused("do\nt").find('\n') == std::string::npos);
}
