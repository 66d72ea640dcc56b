// Requests to change items, by both protocols.
#include "refused.hpp"
#include "server/grpc/convert.hpp"
#include "server/http/convert.hpp"

namespace maxdot::server {
namespace {

using test::check_refused;

const Limits kLimits = {.message_bytes = 1'000, .items = 3};

std::string bytes_of(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

v1::UpsertRequest message() {
  v1::UpsertRequest made;
  made.set_model("m");
  made.add_ids(7);
  made.add_ids(8);
  for (const float value : {1.0F, 2.0F, 3.0F, 4.0F}) made.add_rows(value);
  return made;
}

HttpRequest body(const std::string& text) {
  HttpRequest request;
  request.body = text;
  return request;
}

WriteRequest read(const HttpRequest& request) {
  return write_request_of({Action::upsert, "m", ""}, request, kLimits);
}

void check_rows(const WriteRequest& request) {
  CHECK(request.model == "m");
  const Write write = write_of(WriteKind::upsert, request, kLimits);
  CHECK(std::vector<std::int64_t>(write.ids.begin(), write.ids.end()) ==
        std::vector<std::int64_t>{7, 8});
  CHECK(write.rows.rows == 2);
  CHECK(write.rows.cols == 2);
  REQUIRE(write.rows.dtype == DType::f32);
  CHECK(static_cast<const float*>(write.rows.data)[3] == 4.0F);
}

TEST_CASE("an upsert is the same in every form") {
  check_rows(request_of(message()));
  v1::UpsertRequest raw = message();
  raw.clear_rows();
  raw.set_rows_fp32(bytes_of({1.0F, 2.0F, 3.0F, 4.0F}));
  check_rows(request_of(raw));
  check_rows(read(body(R"({"inputs": [
      {"name": "ids", "datatype": "INT64", "shape": [2], "data": [7, 8]},
      {"name": "rows", "datatype": "FP32", "shape": [2, 2], "data": [[1, 2], [3, 4]]}]})")));
  HttpRequest binary = body(R"({"inputs": [
      {"name": "rows", "datatype": "FP32", "shape": [2, 2], "parameters": {"binary_data_size": 16}},
      {"name": "ids", "datatype": "INT64", "shape": [2], "data": [7, 8]}]})");
  binary.json_bytes = std::to_string(binary.body.size());
  binary.body += bytes_of({1.0F, 2.0F, 3.0F, 4.0F});
  check_rows(read(binary));
}

TEST_CASE("rows of f16 come raw") {
  v1::UpsertRequest sent = message();
  sent.clear_rows();
  sent.set_rows_fp16(std::string(12, '\0'));
  const WriteRequest request = request_of(sent);
  const Write write = write_of(WriteKind::upsert, request, kLimits);
  CHECK(write.rows.dtype == DType::f16);
  CHECK(write.rows.cols == 3);
}

TEST_CASE("an upsert of gRPC that does not fit") {
  const auto refused = [](const v1::UpsertRequest& sent, const char* part) {
    check_refused([&] { write_of(WriteKind::upsert, request_of(sent), kLimits); },
                  Code::invalid_argument, part);
  };
  v1::UpsertRequest sent = message();
  sent.set_rows_fp32("1234");
  refused(sent, "2 of them hold any");
  sent.clear_rows();
  refused(sent, "has 4 bytes, which do not fill [2, 0] of FP32");
  sent.set_rows_fp32("12345");
  refused(sent, "has 5 bytes");
  sent.clear_rows_fp32();
  refused(sent, "0 of them hold any");
  sent = message();
  sent.add_ids(9);
  refused(sent, "has 16 bytes, which do not fill [3, 1]");
  sent.add_ids(10);
  refused(sent, "4 items, at most 3");
  sent.clear_ids();
  refused(sent, "holds no id");
}

TEST_CASE("a remove has ids alone") {
  v1::RemoveRequest sent;
  sent.set_model("m");
  check_refused([&] { write_of(WriteKind::remove, request_of(sent), kLimits); },
                Code::invalid_argument, "holds no id");
  sent.add_ids(5);
  const WriteRequest request = request_of(sent);
  CHECK(write_of(WriteKind::remove, request, kLimits).ids[0] == 5);
  check_refused([&] { write_of(WriteKind::remove, request_of(message()), kLimits); },
                Code::invalid_argument, "unknown input 'rows'; there is 'ids' alone");
}

TEST_CASE("an upsert of HTTP that does not fit") {
  const auto refused = [](const std::string& text, const char* part) {
    check_refused([&] { write_of(WriteKind::upsert, read(body(text)), kLimits); },
                  Code::invalid_argument, part);
  };
  const std::string ids = R"({"name": "ids", "datatype": "INT64", "shape": [1], "data": [7]})";
  const std::string rows =
      R"({"name": "rows", "datatype": "FP32", "shape": [1, 2], "data": [1, 2]})";
  refused("", "no JSON");
  refused("[]", "no JSON object");
  refused("{}", "there is no input 'ids'");
  refused(R"({"inputs": [)" + ids + R"(], "outputs": []})", "unknown member 'outputs'");
  refused(R"({"inputs": [)" + ids + "]}", "there is no input 'rows'");
  refused(R"({"inputs": [)" + rows + "]}", "there is no input 'ids'");
  refused(R"({"inputs": [)" + rows + "," + rows + "," + ids + "]}", "given twice");
  refused(R"({"inputs": [{"name": "x", "datatype": "INT64", "shape": [0], "data": []}]})",
          "unknown input 'x'; there is 'ids' and 'rows'");
  refused(R"({"inputs": [{"name": "ids", "datatype": "INT64", "shape": [1, 1], "data": [7]}]})",
          "has 2 dimensions");
  refused(R"({"inputs": [{"name": "ids", "datatype": "INT64", "shape": [9223372036854775807],)"
          R"( "data": [7]}]})",
          "do not fill");
  refused(R"({"inputs": [{"name": "ids", "datatype": "INT64", "shape": [1], "data": [0.5]}]})",
          "no INT64");
  refused(R"({"inputs": [)" + ids +
              R"(, {"name": "rows", "datatype": "FP32", "shape": [2], "data": [1, 2]}]})",
          "send [n, d]");
}

}  // namespace
}  // namespace maxdot::server
