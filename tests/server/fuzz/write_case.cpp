#include "write_case.hpp"

#include <cstring>
#include <nlohmann/json.hpp>
#include <numeric>

#include "mutate.hpp"
#include "server/base/request_error.hpp"
#include "server/grpc/convert.hpp"
#include "server/http/convert.hpp"

namespace maxdot::server::fuzz {
namespace {

using nlohmann::json;

struct Upsert {
  std::vector<std::int64_t> ids;
  std::vector<float> rows;
};

Upsert upsert_of(Random& random, const Subject& subject, const Case& asked) {
  Upsert made;
  // At least one: an upsert of nothing is refused.
  made.rows = asked.queries.empty() ? std::vector<float>(subject.index.dimension()) : asked.queries;
  made.ids.resize(made.rows.size() / subject.index.dimension());
  std::iota(made.ids.begin(), made.ids.end(), static_cast<std::int64_t>(below(random, 1'000)));
  return made;
}

std::string bytes_of(const void* data, std::size_t bytes) {
  return {static_cast<const char*>(data), bytes};
}

v1::UpsertRequest message_of(Random& random, const Upsert& upsert) {
  v1::UpsertRequest message;
  message.set_model("m");
  message.mutable_ids()->Add(upsert.ids.begin(), upsert.ids.end());
  if (one_in(random, 2)) {
    message.mutable_rows()->Add(upsert.rows.begin(), upsert.rows.end());
  } else {
    message.set_rows_fp32(bytes_of(upsert.rows.data(), upsert.rows.size() * sizeof(float)));
  }
  return message;
}

HttpRequest body_of(Random& random, const Upsert& upsert) {
  json ids = {{"name", "ids"}, {"datatype", "INT64"}, {"shape", {upsert.ids.size()}}};
  json rows = {{"name", "rows"},
               {"datatype", "FP32"},
               {"shape", {upsert.ids.size(), upsert.rows.size() / upsert.ids.size()}}};
  std::string raw;
  const auto add = [&](json& input, const auto& values) {
    const std::size_t bytes = values.size() * sizeof(values[0]);
    if (one_in(random, 2)) {
      input["data"] = values;
    } else {
      input["parameters"] = {{"binary_data_size", bytes}};
      raw += bytes_of(values.data(), bytes);
    }
  };
  add(ids, upsert.ids);
  add(rows, upsert.rows);
  HttpRequest request;
  request.body = json({{"inputs", {ids, rows}}}).dump();
  request.json_bytes = std::to_string(request.body.size());
  request.body += raw;
  return request;
}

// Reads every byte that the views reach, so that sanitizers see them.
std::size_t sum_of(const void* data, std::size_t bytes) {
  const auto* begin = static_cast<const unsigned char*>(data);
  return std::accumulate(begin, begin + bytes, std::size_t{0});
}

// Whether `decode` makes an upsert, which is then within the limits. `expected` may be null.
template <typename Decode>
bool send(const Subject& subject, const Decode& decode, const Upsert* expected) {
  WriteRequest request;
  Write write;
  try {
    request = decode();
    write = write_of(WriteKind::upsert, request, subject.limits);
  } catch (const RequestError& error) {
    require(error.code() != Code::internal, "a request is refused for what it holds");
    return false;
  }
  require(!write.ids.empty() && write.ids.size() <= subject.limits.items,
          "no more items than allowed, and no fewer than one");
  const std::size_t size = write.rows.dtype == DType::f32 ? 4 : 2;
  const std::size_t bytes = write.rows.rows * write.rows.cols * size;
  require(bytes <= subject.limits.message_bytes * 2, "the rows are those of the message");
  const std::size_t sum =
      sum_of(write.ids.data(), write.ids.size_bytes()) + sum_of(write.rows.data, bytes);
  if (expected == nullptr) return true;
  require(sum == sum_of(expected->ids.data(), expected->ids.size() * sizeof(std::int64_t)) +
                     sum_of(expected->rows.data(), expected->rows.size() * sizeof(float)),
          "the upsert has the bytes that were sent");
  require(write.ids.size() == expected->ids.size() && bytes == expected->rows.size() * size &&
              std::memcmp(write.ids.data(), expected->ids.data(), write.ids.size_bytes()) == 0 &&
              std::memcmp(write.rows.data, expected->rows.data(), bytes) == 0,
          "the upsert is the one that was sent");
  return true;
}

bool send(const Subject& subject, const HttpRequest& request, const Upsert* expected) {
  const auto decode = [&] {
    return write_request_of({Action::upsert, "m", ""}, request, subject.limits);
  };
  return send(subject, decode, expected);
}

bool send(const Subject& subject, const v1::UpsertRequest& message, const Upsert* expected) {
  return send(
      subject, [&] { return request_of(message); }, expected);
}

}  // namespace

int run_write(Random& random, const Subject& subject, const Case& asked) {
  const Upsert upsert = upsert_of(random, subject, asked);
  const bool http = one_in(random, 2);
  const HttpRequest body = body_of(random, upsert);
  const v1::UpsertRequest message = message_of(random, upsert);
  require(http ? send(subject, body, &upsert) : send(subject, message, &upsert),
          "a request that is right is accepted");
  int accepted = 1;
  for (int turn = 0; turn < 4; ++turn) {
    if (http) {
      HttpRequest damaged = body;
      if (one_in(random, 8)) damaged.json_bytes = std::to_string(nasty(random));
      mutate(random, damaged.body);
      if (send(subject, damaged, nullptr)) ++accepted;
    } else {
      std::string bytes = message.SerializeAsString();
      mutate(random, bytes);
      v1::UpsertRequest damaged;
      if (!damaged.ParseFromString(bytes)) continue;  // gRPC refuses it
      if (send(subject, damaged, nullptr)) ++accepted;
    }
  }
  return accepted;
}

}  // namespace maxdot::server::fuzz
