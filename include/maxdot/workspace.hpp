// The memory that searches work in, for callers that want to own it.
#pragma once

#include <cstddef>
#include <memory>

namespace maxdot::api {
struct WorkspaceParts;  // hidden: what it holds
}

#pragma GCC visibility push(default)
namespace maxdot {
inline namespace v0_1 {

/// What a search needs beside its results, kept from call to call: once it is large enough, a
/// search that names it (SearchOptions::workspace) allocates nothing. For one call at a time; each
/// thread of a server may have one. Searches that name none use memory that their thread keeps.
class Workspace {
 public:
  /// Empty. Throws Error (out_of_memory).
  Workspace();
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  /// Requires that no call uses it.
  ~Workspace();

  /// What it holds. Requires that no call uses it.
  std::size_t bytes() const noexcept;
  /// Gives everything back. Requires that no call uses it.
  void release() noexcept;

 private:
  friend struct api::WorkspaceParts;
  std::unique_ptr<api::WorkspaceParts> parts_;
};

/// A thread that searches without a workspace keeps at most so many bytes after a call, 64 MiB by
/// default; 0: nothing. For all threads, from their next call on.
void limit_thread_memory(std::size_t bytes) noexcept;
/// Gives back what the calling thread keeps.
void release_thread_memory() noexcept;
/// What the calling thread keeps.
std::size_t thread_memory_bytes() noexcept;

}  // namespace v0_1
}  // namespace maxdot
#pragma GCC visibility pop
