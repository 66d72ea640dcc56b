// State: a catalogue as its writer sees it. It is changed step by step, and published to readers as
// a Version.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "live/fresh.hpp"
#include "live/part.hpp"
#include "live/segment.hpp"
#include "live/shape.hpp"
#include "live/version.hpp"

namespace maxdot::live {

/// The file of a segment that the catalogue has no longer.
struct Retired {
  std::uint64_t number;
  std::uint64_t log;  ///< that has a record of it; 0: none
};

/// Changes come in two steps: what may fail, and then, once the log has the change, what may not.
/// Only one thread at a time may use it.
class State {
 public:
  /// Parts without codes hold up to `fresh_items` items each.
  State(const Shape& shape, std::uint64_t version, std::size_t fresh_items)
      : shape_(shape), version_(version), fresh_items_(fresh_items) {}

  const Shape& shape() const noexcept { return shape_; }
  std::uint64_t version() const noexcept { return version_; }
  /// Of the last replace; 0: none.
  std::uint64_t replaced() const noexcept { return replaced_; }
  void set_replaced(std::uint64_t version) noexcept { replaced_ = version; }
  std::span<const std::shared_ptr<Part>> parts() const noexcept { return parts_; }
  /// Rows in parts without codes.
  std::size_t fresh_rows() const noexcept;

  /// Each `prepare_` throws Error, std::bad_alloc, and changes nothing that readers see. The change
  /// that it belongs to must be the next one.
  void prepare_upsert(std::size_t count);
  /// `rows`: [ids], of the shape, packed.
  void upsert(std::span<const std::int64_t> ids, const unsigned char* rows) noexcept;

  void prepare_remove(std::size_t count);
  /// Returns how many of them there were.
  std::size_t remove(std::span<const std::int64_t> ids) noexcept;

  /// A segment as if all its items were put in.
  void prepare_attach(const std::shared_ptr<Segment>& segment);
  void attach(std::shared_ptr<Segment> segment) noexcept;

  /// A segment instead of everything.
  void prepare_replace(const std::shared_ptr<Segment>& segment);
  void replace(std::shared_ptr<Segment> segment) noexcept;

  /// From here on new items go to another part.
  void seal() noexcept { fresh_ = nullptr; }

  /// A segment that was there when the catalogue was opened.
  void restore(std::shared_ptr<Segment> segment, std::span<const std::uint32_t> dead_rows);
  /// The next change, which a log that is older than the manifest repeats, puts the segment of this
  /// file in: it is not there, and not retired.
  void forget(std::uint64_t number) noexcept;

  /// `sources` out, `merged` (null: none) in, which has the same live items. Requires room: prepare
  /// first.
  void prepare_swap();
  void swap(std::span<const std::shared_ptr<Part>> sources, std::shared_ptr<Part> merged) noexcept;

  /// Those that nobody has taken yet.
  std::vector<Retired>& retired() noexcept { return retired_; }

  void set_version(std::uint64_t version) noexcept { version_ = version; }

  /// Room for make_version() after the next change. Throws std::bad_alloc.
  void prepare_version();
  /// Requires prepare_version() before each change since the last one was made.
  std::shared_ptr<const Version> make_version() noexcept;

 private:
  void prepare_deaths(std::size_t count);
  std::size_t fresh_capacity(std::size_t count) const noexcept;
  void retire(const Part& part) noexcept;
  void kill(std::int64_t id) noexcept;

  Shape shape_;
  std::uint64_t version_;
  std::uint64_t replaced_ = 0;
  std::size_t fresh_items_;
  std::size_t items_ = 0;
  std::vector<std::shared_ptr<Part>> parts_;
  Fresh* fresh_ = nullptr;             // the one that grows, of parts_
  std::shared_ptr<Fresh> next_fresh_;  // for an upsert that does not fit
  std::shared_ptr<Version> next_version_;
  std::vector<Retired> retired_;
};

}  // namespace maxdot::live
