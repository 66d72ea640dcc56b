#include "requests.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <span>
#include <string_view>

#include "console/failure.hpp"
#include "maxdot/io.hpp"

namespace maxdot::load {
namespace {

using tools::ExitCode;
using tools::Failure;

constexpr std::string_view kPlace = "QUERY";

struct Body {
  std::string text;
  std::string head;  // lines of its own
};

// [0.5,-1]: the shortest digits that are read back the same.
std::string numbers_of(std::span<const float> query) {
  std::string text = "[";
  for (const float value : query) {
    if (text.size() > 1) text += ',';
    char digits[32];
    const auto [end, failed] = std::to_chars(digits, digits + sizeof(digits), value);
    if (failed == std::errc()) text.append(digits, end);
  }
  return text + ']';
}

// An inference request of one query; `data` is a member of its input.
std::string infer_json(const Options& options, std::size_t d, const std::string& more_parameters,
                       const std::string& data) {
  return "{\"parameters\":{\"k\":" + std::to_string(options.k) + more_parameters +
         "},\"inputs\":[{\"name\":\"queries\",\"datatype\":\"FP32\",\"shape\":[1," +
         std::to_string(d) + "]," + data +
         "}],\"outputs\":[{\"name\":\"ids\"},{\"name\":\"scores\"}]}";
}

Body body_of(const Options& options, std::span<const float> query) {
  if (!options.text.empty()) {
    std::string text = options.text;
    text.replace(text.find(kPlace), kPlace.size(), numbers_of(query));
    return {text, "Content-Type: application/json\r\n"};
  }
  if (options.body == "json") {
    return {infer_json(options, query.size(), "", "\"data\":" + numbers_of(query)),
            "Content-Type: application/json\r\n"};
  }
  // The protocol's tensors are little-endian, as is every machine that maxdot runs on.
  std::string text = infer_json(
      options, query.size(), ",\"binary_data_output\":true",
      "\"parameters\":{\"binary_data_size\":" + std::to_string(query.size_bytes()) + "}");
  const std::string head =
      "Content-Type: application/octet-stream\r\nInference-Header-Content-Length: " +
      std::to_string(text.size()) + "\r\n";
  text.append(reinterpret_cast<const char*>(query.data()), query.size_bytes());
  return {text, head};
}

std::string request_of(const Options& options, const std::string& path,
                       std::span<const float> query) {
  const Body body = body_of(options, query);
  return "POST " + path + " HTTP/1.1\r\nHost: " + options.server + "\r\n" + body.head +
         "Content-Length: " + std::to_string(body.text.size()) + "\r\n\r\n" + body.text;
}

}  // namespace

Address address_of(const std::string& server) {
  const std::size_t colon = server.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == server.size())
    throw Failure(ExitCode::usage, "--server: '" + server + "' is no HOST:PORT");
  return {server.substr(0, colon), server.substr(colon + 1)};
}

std::vector<std::string> requests_of(const Options& options) {
  if (!options.text.empty() && options.text.find(kPlace) == std::string::npos) {
    throw Failure(ExitCode::usage,
                  "--text: has no QUERY, the place of the numbers, as in '{\"query\": QUERY}'");
  }
  const MatrixFile file = MatrixFile::open(options.queries_path);
  if (file.dtype() != DType::f32)
    throw Failure(ExitCode::bad_data, file.path() + ": holds f16; write the queries as f32");
  const std::size_t count =
      static_cast<std::size_t>(std::min<std::uint64_t>(options.queries, file.rows()));
  if (count == 0) throw Failure(ExitCode::bad_data, file.path() + ": holds no query; add one");
  const std::string path =
      options.path.empty() ? "/v2/models/" + options.model + "/infer" : options.path;
  std::vector<float> query(file.cols());
  std::vector<std::string> requests;
  for (std::size_t row = 0; row < count; ++row) {
    file.read(row, 1, query.data());
    for (const float value : query) {
      if (std::isfinite(value)) continue;
      throw Failure(ExitCode::bad_data, file.path() + ": row " + std::to_string(row) +
                                            " holds NaN or infinity; remove the row");
    }
    requests.push_back(request_of(options, path, query));
  }
  return requests;
}

}  // namespace maxdot::load
