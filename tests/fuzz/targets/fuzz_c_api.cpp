// Sequences of calls of the C API, decoded from the bytes: handles made, used and given back in any
// order that maxdot.h allows, and arguments that it says are refused.

#include <algorithm>

#include "c_session.hpp"
#include "mutator.hpp"
#include "property.hpp"

namespace fuzz {

CSession::CSession(Input input) : input_(input), random_(0) {
  std::uint64_t seed = 0;
  for (int i = 0; i < 4; ++i) seed = seed << 8 | input_.byte();
  random_ = Random(seed);
  // Those of the input before this one may be others.
  const char* best = nullptr;
  checked(maxdot_kernel_at(0, &best));
  checked(maxdot_use_kernels(best));
  for (std::size_t i = 0; i < mask_.size(); i += 3) mask_[i] = 0;
}

CSession::~CSession() {
  maxdot_batcher_free(batcher_);
  maxdot_snapshot_free(snapshot_);
  maxdot_live_close(live_);
  for (maxdot_index* handle : indexes_) maxdot_close(handle);
  maxdot_workspace_free(workspace_);
  maxdot_cancellation_free(cancellation_);
}

void CSession::run() {
  constexpr std::size_t kMostCalls = 40;
  for (std::size_t calls = 0; calls < kMostCalls && !input_.empty(); ++calls) call();
}

void CSession::call() {
  switch (input_.below(16)) {
    case 0:
    case 1:
    case 2:
      return build();
    case 3:
    case 4:
      return open();
    case 5:
      return range();
    case 6:
      return merge();
    case 7:
      return ask_index();
    case 8:
      return workspaces();
    case 9:
      return batchers();
    case 10:
    case 11:
      return lives();
    case 12:
      return snapshots();
    case 13:
      return input_.one_in(4) ? machine() : nulls();
    default:
      return search();
  }
}

// Every pointer that must not be null is refused, and every handle that may be is ignored.
void CSession::nulls() {
  const auto refused = [](maxdot_status status) {
    require(checked(status) == MAXDOT_INVALID_ARGUMENT, "a null pointer is refused");
  };
  maxdot_close(nullptr);
  maxdot_range_free(nullptr);
  maxdot_workspace_free(nullptr);
  maxdot_cancellation_free(nullptr);
  maxdot_batcher_free(nullptr);
  maxdot_live_close(nullptr);
  maxdot_snapshot_free(nullptr);
  maxdot_error_place(nullptr, nullptr);
  maxdot_index* made = nullptr;
  refused(maxdot_build(nullptr, nullptr, &made));
  refused(maxdot_open(nullptr, nullptr, nullptr));
  refused(maxdot_save(nullptr, "x"));
  refused(maxdot_info(nullptr, nullptr));
  refused(maxdot_search(nullptr, nullptr, 1, nullptr, nullptr, nullptr, nullptr));
  refused(maxdot_search_range(nullptr, nullptr, nullptr, 0, nullptr, nullptr));
  refused(maxdot_merge(nullptr, 1, 1, 1, nullptr, nullptr, nullptr, nullptr));
  refused(maxdot_batcher_search(nullptr, nullptr, 1, nullptr, nullptr, nullptr, nullptr));
  refused(maxdot_live_upsert(nullptr, nullptr, nullptr, nullptr));
  refused(maxdot_live_snapshot(nullptr, nullptr));
  refused(maxdot_snapshot_info(nullptr, nullptr));
  refused(maxdot_kernel(nullptr));
  refused(maxdot_use_kernels(nullptr));
}

}  // namespace fuzz

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned int seed) {
  using namespace fuzz;
  constexpr std::size_t kFreshBytes = 200;
  Random random(seed);
  if (size < 8 || random.one_in(30)) {
    Bytes made(kFreshBytes);
    for (std::uint8_t& byte : made) byte = static_cast<std::uint8_t>(random.bits());
    return hand_over(made, data, most);
  }
  Bytes made(data, data + size);
  if (random.one_in(3)) {
    damage(random, made);
  } else {
    mutate_freely(made, std::min<std::size_t>(most, 1000));
  }
  return hand_over(made, data, most);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fuzz;
  clear_memory_folder();
  CSession(Input({data, size})).run();
  return 0;
}
