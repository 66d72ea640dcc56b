// Deaths: which rows of a set of items have died (were removed, or replaced by a row elsewhere),
// and from which version of the catalogue on. So one array serves the readers of every version,
// while a writer adds to it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

namespace maxdot::store {

class Deaths {
 public:
  /// All live. Memory is taken as rows die, 8 bytes for each in pages. Throws std::bad_alloc.
  explicit Deaths(std::size_t rows)
      : died_(static_cast<std::uint64_t*>(std::calloc(rows + 1, sizeof(std::uint64_t)))) {
    if (died_ == nullptr) throw std::bad_alloc();
  }

  /// Whether the row is dead in `version`. The reader must have got the version after the writer
  /// published it.
  bool dead(std::size_t row, std::uint64_t version) const noexcept {
    return of(row).load(std::memory_order_relaxed) - 1 < version;  // 0, live, is the largest then
  }
  /// For the writer: whether it has died at all, and from which version on (0: it lives).
  std::uint64_t version_of(std::size_t row) const noexcept {
    return of(row).load(std::memory_order_relaxed);
  }
  /// Requires a row that lives, and a version >= 1 that no reader has yet.
  void add(std::size_t row, std::uint64_t version) noexcept {
    of(row).store(version, std::memory_order_relaxed);
  }

 private:
  std::atomic_ref<std::uint64_t> of(std::size_t row) const noexcept {
    return std::atomic_ref<std::uint64_t>(died_.get()[row]);
  }

  struct Free {
    void operator()(std::uint64_t* memory) const noexcept { std::free(memory); }
  };
  std::unique_ptr<std::uint64_t, Free> died_;
};

}  // namespace maxdot::store
