// Part: some of a catalogue's items, in rows that never move, and which of them have died.
//
// An item lives in one row of one part at most. Whoever writes kills the row that an item had
// before it gets another. Readers of older versions do not see that (store/deaths.hpp).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "store/deaths.hpp"
#include "store/item_store.hpp"
#include "store/row_lookup.hpp"

namespace maxdot::live {

class Part {
 public:
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;
  virtual ~Part() = default;

  /// Rows that it has, live or dead. Of a part that grows, more than a reader may look at.
  virtual std::size_t rows() const noexcept = 0;
  /// Its first `rows` rows, for a search. Requires that they are published.
  virtual store::ItemStore items(std::size_t rows) const noexcept = 0;
  /// Without codes a search must scan the rows.
  virtual bool has_codes() const noexcept = 0;
  virtual std::int64_t id(std::size_t row) const noexcept = 0;
  /// Makes what `find` needs. Throws Error (out_of_memory). From any thread.
  virtual void prepare_to_find() const = 0;
  /// The last of the first `rows` rows that was given to the item, or store::kNoRow. Requires
  /// prepare_to_find().
  virtual std::uint32_t find(std::int64_t id, std::size_t rows) const noexcept = 0;

  const store::Deaths& deaths() const noexcept { return deaths_; }
  /// So many have died: in some version, for a reader.
  std::size_t dead() const noexcept { return dead_.load(std::memory_order_relaxed); }

  // For the writer alone:

  /// Room for `more` deaths than there are. Throws std::bad_alloc.
  void reserve_deaths(std::size_t more);
  /// Requires a row that lives, and room.
  void kill(std::size_t row, std::uint64_t version) noexcept;
  bool lives(std::size_t row) const noexcept { return deaths_.version_of(row) == 0; }
  /// In the order in which they died.
  std::span<const std::uint32_t> dead_rows() const noexcept { return dead_rows_; }

 protected:
  /// Throws std::bad_alloc.
  explicit Part(std::size_t rows) : deaths_(rows) {}

 private:
  store::Deaths deaths_;
  std::atomic<std::size_t> dead_ = 0;
  std::vector<std::uint32_t> dead_rows_;
};

}  // namespace maxdot::live
