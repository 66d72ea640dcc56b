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
  /// All live. Memory is taken as rows die, 8 bytes for each in pages, and a bit for each row.
  /// Throws std::bad_alloc.
  explicit Deaths(std::size_t rows) : died_(zeros(rows + 1)), marks_(zeros(rows / kMarks + 1)) {}

  /// Whether the row is dead in `version`. The reader must have got the version after the writer
  /// published it.
  bool dead(std::size_t row, std::uint64_t version) const noexcept {
    // Most rows live, and the marks of all fit into a cache, as the versions do not.
    if ((word_of(row).load(std::memory_order_relaxed) >> (row % kMarks) & 1U) == 0) return false;
    return of(row).load(std::memory_order_relaxed) - 1 < version;  // 0, live, is the largest then
  }
  /// For the writer: whether it has died at all, and from which version on (0: it lives).
  std::uint64_t version_of(std::size_t row) const noexcept {
    return of(row).load(std::memory_order_relaxed);
  }
  /// Requires a row that lives, and a version >= 1 that no reader has yet.
  void add(std::size_t row, std::uint64_t version) noexcept {
    of(row).store(version, std::memory_order_relaxed);
    word_of(row).fetch_or(std::uint64_t{1} << (row % kMarks), std::memory_order_relaxed);
  }

 private:
  static constexpr std::size_t kMarks = 64;  // of a word

  struct Free {
    void operator()(std::uint64_t* memory) const noexcept { std::free(memory); }
  };
  using Words = std::unique_ptr<std::uint64_t, Free>;

  static Words zeros(std::size_t count) {
    Words made(static_cast<std::uint64_t*>(std::calloc(count, sizeof(std::uint64_t))));
    if (made == nullptr) throw std::bad_alloc();
    return made;
  }

  std::atomic_ref<std::uint64_t> of(std::size_t row) const noexcept {
    return std::atomic_ref<std::uint64_t>(died_.get()[row]);
  }
  std::atomic_ref<std::uint64_t> word_of(std::size_t row) const noexcept {
    return std::atomic_ref<std::uint64_t>(marks_.get()[row / kMarks]);
  }

  Words died_;   // from which version on; 0: it lives
  Words marks_;  // a bit for each row: whether it has died at all
};

}  // namespace maxdot::store
