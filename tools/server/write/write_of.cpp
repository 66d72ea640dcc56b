// From a request to the change that it asks for: every name, datatype, shape and limit is checked.
#include <string_view>

#include "server/base/request_error.hpp"
#include "server/write/write_request.hpp"

namespace maxdot::server {
namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw RequestError(Code::invalid_argument, message);
}

// Null: it is not there.
const Tensor* find(const WriteRequest& request, std::string_view name) {
  const Tensor* found = nullptr;
  for (const Tensor& tensor : request.inputs) {
    if (tensor.name != name) continue;
    if (found != nullptr) refuse("input " + in_quotes(tensor.name) + ": is given twice");
    found = &tensor;
  }
  return found;
}

}  // namespace

const char* to_string(WriteKind kind) noexcept {
  return kind == WriteKind::upsert ? "upsert" : "remove";
}

Write write_of(WriteKind kind, const WriteRequest& request, const Limits& limits) {
  const bool has_rows = kind == WriteKind::upsert;
  for (const Tensor& tensor : request.inputs) {
    if (tensor.name == "ids" || (has_rows && tensor.name == "rows")) continue;
    refuse("unknown input " + in_quotes(tensor.name) + "; there is 'ids'" +
           (has_rows ? " and 'rows'" : " alone"));
  }
  const Tensor* ids = find(request, "ids");
  if (ids == nullptr) refuse("there is no input 'ids'; send INT64 [n]");
  check_size(*ids);
  Write write;
  write.ids = integers_of(*ids);
  if (write.ids.empty()) refuse("input 'ids': holds no id");
  if (write.ids.size() > limits.items) {
    refuse("input 'ids': " + std::to_string(write.ids.size()) + " items, at most " +
           std::to_string(limits.items) +
           " may be in a request (--max-items of the server); send several");
  }
  if (!has_rows) return write;
  const Tensor* rows = find(request, "rows");
  if (rows == nullptr) refuse("there is no input 'rows'; send FP32 or FP16 [n, d]");
  check_size(*rows);
  write.rows = matrix_of(*rows);
  return write;
}

}  // namespace maxdot::server
