// What a Workspace holds.
#pragma once

#include "maxdot/workspace.hpp"
#include "search/call_memory.hpp"

namespace maxdot {

struct Workspace::Impl {
  search::KeptMemory kept;

  /// Null for null.
  static search::KeptMemory* of(Workspace* workspace) noexcept {
    return workspace == nullptr ? nullptr : &workspace->impl_->kept;
  }
};

}  // namespace maxdot
