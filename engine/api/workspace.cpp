// The public Workspace, and the memory that threads keep.

#include "maxdot/workspace.hpp"

#include <string>

#include "api/workspace_parts.hpp"
#include "base/entry.hpp"

namespace maxdot {
inline namespace v0_1 {

Workspace::Workspace() {
  base::entry([] { return std::string("no memory for a workspace"); },
              [this] { parts_ = std::make_unique<api::WorkspaceParts>(); });
}

Workspace::~Workspace() = default;

std::size_t Workspace::bytes() const noexcept {
  return parts_->kept.memory == nullptr ? 0 : parts_->kept.memory->bytes();
}

void Workspace::release() noexcept { parts_->kept.memory.reset(); }

void limit_thread_memory(std::size_t bytes) noexcept { search::limit_thread_memory(bytes); }

void release_thread_memory() noexcept { search::release_thread_memory(); }

std::size_t thread_memory_bytes() noexcept { return search::thread_memory_bytes(); }

}  // namespace v0_1
}  // namespace maxdot
