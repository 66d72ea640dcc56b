// The JSON of an inference request, with the numbers of its tensors apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

namespace maxdot::server {

/// The numbers of a tensor's "data", in their order, however they are nested.
struct Numbers {
  std::vector<double> reals;
  std::vector<std::int64_t> integers;  ///< of those that are whole and fit
};

struct RequestJson {
  nlohmann::json document;
  /// By the tensor's place in "inputs". A tensor without "data" has none.
  std::map<std::size_t, Numbers> data;
};

/// A number in a document takes many times its own bytes: so the data of tensors, which may be
/// millions, goes into vectors as it is read. Throws RequestError (invalid_argument) for what is no
/// JSON, data that are no numbers, and documents that are nested deeper or hold more than a request
/// can; (too_large) for more than `most_numbers`.
RequestJson parse_request(std::string_view text, std::size_t most_numbers);

/// Other documents, which are small. Throws RequestError (invalid_argument).
nlohmann::json parse_document(std::string_view text);

}  // namespace maxdot::server
