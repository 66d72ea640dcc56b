// What a Workspace holds.
#pragma once

#include "maxdot/workspace.hpp"
#include "search/call_memory.hpp"

namespace maxdot::api {

struct WorkspaceParts {
  search::KeptMemory kept;

  /// Null for null.
  static search::KeptMemory* of(Workspace* workspace) noexcept {
    return workspace == nullptr ? nullptr : &workspace->parts_->kept;
  }
};

}  // namespace maxdot::api
