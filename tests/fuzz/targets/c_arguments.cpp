// Arguments of the calls of CSession: right ones, and those that the header says are refused.

#include <cstring>
#include <limits>

#include "c_session.hpp"
#include "property.hpp"

namespace fuzz {

maxdot_status checked(maxdot_status status) {
  require(status >= MAXDOT_OK && status <= MAXDOT_OVERLOADED,
          "a status is one that a caller can cause");
  if (status == MAXDOT_OK) return status;
  require(std::strlen(maxdot_error_text()) > 0, "a failure says something");
  require(std::strcmp(maxdot_status_name(status), "unknown") != 0, "a status has a name");
  std::int64_t row = -2;
  std::int64_t column = -2;
  maxdot_error_place(&row, &column);
  require(row >= -1 && column >= -1, "a place is a place or none");
  return status;
}

CMatrix CSession::matrix(std::size_t most_rows) {
  CMatrix made;
  const std::size_t rows = input_.below(most_rows + 1);
  const std::size_t cols = input_.one_in(8) ? 1 + input_.below(9) : 4;
  const std::size_t gap = input_.one_in(6) ? 3 : 0;
  made.floats.resize(rows * (cols + gap));
  for (float& value : made.floats) value = random_.gaussian();
  made.view = {made.floats.data(), MAXDOT_F32, static_cast<std::int64_t>(rows),
               static_cast<std::int64_t>(cols), static_cast<std::int64_t>((cols + gap) * 4)};
  if (gap == 0 && input_.one_in(2)) made.view.stride_bytes = 0;
  switch (input_.below(24)) {
    case 1:
      made.view.rows = -made.view.rows - 1;
      break;
    case 2:
      made.view.cols = input_.one_in(2) ? 0 : -4;
      break;
    case 3:
      made.view.dtype = static_cast<std::int32_t>(input_.byte()) + 3;
      break;
    case 4:
      made.view.data = nullptr;
      break;
    case 5:
      made.view.stride_bytes = -8;
      break;
    case 6:
      made.view.rows = std::numeric_limits<std::int64_t>::max();
      made.view.stride_bytes = 16;
      break;
    case 7:
      if (!made.floats.empty())
        made.floats[random_.below(made.floats.size())] = std::numeric_limits<float>::quiet_NaN();
      break;
    case 8:  // half as many columns of half the size, whatever their values
      made.view.dtype = MAXDOT_F16;
      break;
    default:
      break;
  }
  return made;
}

CLists CSession::lists(std::size_t owners) {
  CLists made;
  if (!input_.one_in(4)) return made;
  made.offsets.push_back(0);
  for (std::size_t i = 0; i < owners; ++i) {
    for (std::size_t count = random_.below(5); count > 0; --count)
      made.ids.push_back(static_cast<std::int64_t>(random_.below(25)) - 2);
    made.offsets.push_back(static_cast<std::int64_t>(made.ids.size()));
  }
  if (input_.one_in(8) && owners > 1)
    made.offsets[random_.below(owners)] = static_cast<std::int64_t>(random_.bits());
  made.view = {made.offsets.data(), made.ids.data()};
  if (input_.one_in(16)) made.view.ids = nullptr;
  return made;
}

maxdot_search_options CSession::search_options(std::size_t owners, bool with_mask) {
  maxdot_search_options options;
  MAXDOT_INIT(options);
  options.metric = input_.one_in(12) ? 9 : static_cast<std::int32_t>(input_.below(4));
  options.score_kind = input_.one_in(12) ? 2 : static_cast<std::int32_t>(input_.below(2));
  options.threads = input_.one_in(12) ? -2 : input_.one_in(16) ? 2 : 0;
  exclude_ = lists(owners);
  allow_ = lists(owners);
  options.exclude = exclude_.view;
  options.allow = allow_.view;
  if (with_mask && input_.one_in(6)) options.item_mask = mask_.data();
  if (input_.one_in(6)) options.cancellation = cancellation_;
  if (input_.one_in(16)) options.timeout = input_.one_in(2) ? -1.0 : 1e-9;
  if (input_.one_in(4)) options.workspace = workspace_;
  MAXDOT_INIT(stats_);
  if (input_.one_in(4)) options.stats = &stats_;
  if (input_.one_in(16)) options.most_result_bytes = 1 + input_.byte();
  // Of none, or of an older caller, whose struct ended behind `threads`.
  if (input_.one_in(12)) options.struct_size = input_.one_in(2) ? 0 : 16;
  return options;
}

maxdot_request_options CSession::request_options(std::size_t owners) {
  maxdot_request_options options;
  MAXDOT_INIT(options);
  options.metric = static_cast<std::int32_t>(input_.below(5));
  options.score_kind = static_cast<std::int32_t>(input_.below(2));
  exclude_ = lists(owners);
  allow_ = lists(owners);
  options.exclude = exclude_.view;
  options.allow = allow_.view;
  if (input_.one_in(6)) {
    options.item_mask = mask_.data();
    options.item_mask_size = static_cast<std::int64_t>(input_.below(40));
  }
  if (input_.one_in(16)) options.timeout = -1.0;
  return options;
}

std::string CSession::path() {
  constexpr const char* kNames[] = {"/a", "/b", "/none/c", ""};
  const char* name = kNames[input_.below(input_.one_in(4) ? 4 : 2)];
  return *name == '\0' ? std::string() : memory_folder() + name;
}

}  // namespace fuzz
