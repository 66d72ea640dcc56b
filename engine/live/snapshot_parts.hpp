// What a Snapshot holds, for the files that reach inside one.
#pragma once

#include <memory>

#include "live/catalogue.hpp"
#include "live/version.hpp"
#include "maxdot/live_index.hpp"

namespace maxdot::live {

struct SnapshotParts {
  /// Throws Error (invalid_argument) for an empty Snapshot.
  static const Version& of(const Snapshot& snapshot);
  static Snapshot make(std::shared_ptr<const Version> version) noexcept;
  /// Throws Error (invalid_argument) for a LiveIndex that was moved from.
  static std::shared_ptr<Catalogue> of(const LiveIndex& index);
};

}  // namespace maxdot::live
