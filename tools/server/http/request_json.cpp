#include "server/http/request_json.hpp"

#include <limits>
#include <string>

#include "server/base/request_error.hpp"

namespace maxdot::server {
namespace {

using nlohmann::json;

// Depths as the parser counts them: 1 for keys of the document, 3 for those of an input.
constexpr int kKeyOfDocument = 1;
constexpr int kInput = 2;
constexpr int kKeyOfInput = 3;

// A bracket is a byte to send and a hundred to keep, so what is kept is bounded.
constexpr int kMostDepth = 32;
constexpr std::size_t kMostValues = 10'000;

class Bounds {
 public:
  static void check_depth(int depth) {
    if (depth <= kMostDepth) return;
    throw RequestError(Code::invalid_argument, "the request is nested deeper than " +
                                                   std::to_string(kMostDepth) + " levels");
  }

  void check(int depth, json::parse_event_t event) {
    check_depth(depth);
    const bool ends =
        event == json::parse_event_t::array_end || event == json::parse_event_t::object_end;
    if (!ends && values_++ == kMostValues) {
      throw RequestError(Code::invalid_argument,
                         "the request holds more than " + std::to_string(kMostValues) +
                             " names and values beside the data of tensors");
    }
  }

 private:
  std::size_t values_ = 0;
};

class DataReader {
 public:
  DataReader(std::map<std::size_t, Numbers>& data, std::size_t most) : data_(data), most_(most) {}

  // Returns whether the document keeps the value.
  bool operator()(int depth, json::parse_event_t event, json& value) {
    if (current_ != nullptr) return read(depth, event, value);
    bounds_.check(depth, event);
    if (event == json::parse_event_t::key && depth == kKeyOfDocument) {
      in_inputs_ = value == "inputs";
      // Of a key that is given twice the parser keeps the last.
      if (in_inputs_) data_.clear();
      if (in_inputs_) inputs_ = 0;
    } else if (event == json::parse_event_t::object_start && depth == kInput && in_inputs_) {
      ++inputs_;
    } else if (event == json::parse_event_t::key && depth == kKeyOfInput && in_inputs_) {
      is_data_ = value == "data";
    } else if (event == json::parse_event_t::array_start && depth == kKeyOfInput && in_inputs_ &&
               is_data_ && inputs_ > 0) {
      current_ = &(data_[inputs_ - 1] = {});
    }
    return true;
  }

 private:
  bool read(int depth, json::parse_event_t event, const json& value) {
    if (event == json::parse_event_t::array_start) {
      Bounds::check_depth(depth);
      return true;  // else its numbers were skipped
    }
    if (event == json::parse_event_t::array_end) {
      if (depth == kKeyOfInput) current_ = nullptr;
      return false;
    }
    if (event != json::parse_event_t::value || !value.is_number())
      throw RequestError(Code::invalid_argument, "data of a tensor: may hold numbers only");
    if (count_++ == most_) {
      throw RequestError(Code::too_large,
                         "data of tensors: more than " + std::to_string(most_) +
                             " numbers, which --max-message-bytes of the server sets");
    }
    current_->reals.push_back(value.get<double>());
    constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
    const bool fits = value.is_number_unsigned() ? value.get<std::uint64_t>() <= kMost
                                                 : value.is_number_integer();
    if (fits) current_->integers.push_back(value.get<std::int64_t>());
    return false;
  }

  Bounds bounds_;
  std::map<std::size_t, Numbers>& data_;
  std::size_t most_;
  std::size_t count_ = 0;
  Numbers* current_ = nullptr;  // of the data that is being read
  std::size_t inputs_ = 0;      // that have begun
  bool in_inputs_ = false;
  bool is_data_ = false;
};

[[noreturn]] void refuse(const json::exception& error) {
  // The message may repeat what the client sent.
  std::string message = error.what();
  constexpr std::size_t kMost = 200;
  if (message.size() > kMost) message.resize(kMost);
  for (char& c : message) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) c = '?';
  }
  throw RequestError(Code::invalid_argument, "the request is no JSON: " + message);
}

}  // namespace

RequestJson parse_request(std::string_view text, std::size_t most_numbers) {
  RequestJson request;
  DataReader reader(request.data, most_numbers);
  try {
    request.document = json::parse(text, std::ref(reader));
  } catch (const json::exception& error) {
    refuse(error);
  }
  return request;
}

json parse_document(std::string_view text) {
  try {
    Bounds bounds;
    return json::parse(text, [&](int depth, json::parse_event_t event, json&) {
      bounds.check(depth, event);
      return true;
    });
  } catch (const json::exception& error) {
    refuse(error);
  }
}

}  // namespace maxdot::server
