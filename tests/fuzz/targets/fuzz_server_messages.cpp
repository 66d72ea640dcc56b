// Messages of any bytes to what decodes them in maxdot-server, without sockets: a request is
// refused for what it holds, or it is answered as Index::search answers it, within the limits, and
// the answer can be written and read.

#include <google/protobuf/stubs/logging.h>

#include <nlohmann/json.hpp>
#include <numeric>

#include "../../server/fuzz/case.hpp"
#include "mutator.hpp"
#include "property.hpp"
#include "server/base/request_error.hpp"
#include "server/grpc/convert.hpp"
#include "server/http/convert.hpp"
#include "server_input.hpp"

namespace fuzz {
namespace {

using namespace maxdot::server;
using maxdot::server::fuzz::answer;
using maxdot::server::fuzz::Subject;

const Subject& subject() {
  static const Subject made = maxdot::server::fuzz::make_subject();
  return made;
}

void check_whole(const HttpResponse& response, const InferAnswer& made) {
  const std::size_t json_bytes = response.json_bytes.value_or(response.body.size());
  require(json_bytes <= response.body.size(), "the JSON is within the body");
  const nlohmann::json document = nlohmann::json::parse(response.body.substr(0, json_bytes));
  require(document["outputs"].size() == made.outputs.size(), "each output is written");
}

void infer_by_http(const HttpRequest& request) {
  InferRequest decoded = request_of({Action::infer, "m", ""}, request, subject().limits);
  const std::optional<InferAnswer> made = answer(subject(), decoded);
  if (made) check_whole(response_of(*made), *made);
}

void infer_by_grpc(const std::string& bytes) {
  inference::ModelInferRequest message;
  if (!message.ParseFromString(bytes)) return;  // gRPC refuses it
  InferRequest decoded = request_of(message);
  const std::optional<InferAnswer> made = answer(subject(), decoded);
  if (!made) return;
  for (const bool typed : {false, true}) {
    inference::ModelInferResponse response;
    write(*made, typed, response);
    inference::ModelInferResponse read;
    require(read.ParseFromString(response.SerializeAsString()), "the answer is a message");
  }
}

// Reads every byte that the views reach, so that sanitizers see them.
void check_write(WriteKind kind, const WriteRequest& request) {
  const Limits& limits = subject().limits;
  const Write write = write_of(kind, request, limits);
  require(write.ids.size() <= limits.items, "no more items than allowed");
  std::uint64_t sum = 0;
  for (const std::int64_t id : write.ids) sum += static_cast<std::uint64_t>(id);
  const std::size_t bytes = write.rows.rows * write.rows.cols * maxdot::size_of(write.rows.dtype);
  require(bytes <= limits.message_bytes * 2, "the rows are those of the message");
  const auto* rows = static_cast<const unsigned char*>(write.rows.data);
  sum = std::accumulate(rows, rows + bytes, sum);
  static_cast<void>(sum);
}

template <typename Message>
void write_by_grpc(WriteKind kind, const std::string& bytes) {
  Message message;
  if (message.ParseFromString(bytes)) check_write(kind, request_of(message));
}

void find_path(const std::string& target) {
  const std::optional<Path> path = path_of(target);
  if (!path) return;
  require(path->model.size() <= target.size(), "a model's name stands in the path");
  require(method_of(path->action)[0] != '\0', "every action has a method");
}

void send(const ServerInput& input) {
  const HttpRequest request = input.http();
  switch (input.kind) {
    case MessageKind::http_infer:
      return infer_by_http(request);
    case MessageKind::http_upsert:
      return check_write(WriteKind::upsert,
                         write_request_of({Action::upsert, "m", ""}, request, subject().limits));
    case MessageKind::http_remove:
      return check_write(WriteKind::remove,
                         write_request_of({Action::remove, "m", ""}, request, subject().limits));
    case MessageKind::grpc_infer:
      return infer_by_grpc(input.body);
    case MessageKind::grpc_upsert:
      return write_by_grpc<maxdot::v1::UpsertRequest>(WriteKind::upsert, input.body);
    case MessageKind::grpc_remove:
      return write_by_grpc<maxdot::v1::RemoveRequest>(WriteKind::remove, input.body);
    case MessageKind::path:
      return find_path(input.body);
  }
}

}  // namespace
}  // namespace fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fuzz;
  // It would report each damaged message.
  static const auto silenced = google::protobuf::SetLogHandler(nullptr);
  static_cast<void>(silenced);
  // The front refuses what is longer before it is decoded.
  if (size > subject().limits.message_bytes) return 0;
  try {
    send(ServerInput({data, size}));
  } catch (const maxdot::server::RequestError& error) {
    require(error.code() != maxdot::server::Code::internal,
            "a request is refused for what it holds");
  } catch (const maxdot::server::fuzz::Broken& rule) {
    broken(rule.what());
  }
  return 0;
}
