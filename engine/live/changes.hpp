// The changes that users make, as operations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "live/operation.hpp"
#include "live/segment.hpp"
#include "live/shape.hpp"

namespace maxdot::live {

class Upsert final : public Operation {
 public:
  /// `record`: upsert_record of rows of this shape. Throws Error if it is not that.
  Upsert(RecordBytes record, const Shape& shape);
  void prepare(State& state, LogWriter& log) override;
  RecordBytes* record() noexcept override { return &record_; }
  void apply(State& state, LogWriter& log) noexcept override;

  std::uint64_t version = 0;

 private:
  RecordBytes record_;
  Shape shape_;
  UpsertPayload payload_;
};

class Remove final : public Operation {
 public:
  explicit Remove(RecordBytes record);
  void prepare(State& state, LogWriter& log) override;
  RecordBytes* record() noexcept override { return &record_; }
  void apply(State& state, LogWriter& log) noexcept override;

  std::uint64_t version = 0;
  std::size_t removed = 0;

 private:
  RecordBytes record_;
  std::span<const std::int64_t> ids_;
};

/// A segment is put in, with or instead of what is there.
class Attach final : public Operation {
 public:
  /// `kind`: attach or replace.
  Attach(RecordKind kind, std::shared_ptr<Segment> segment);
  void prepare(State& state, LogWriter& log) override;
  RecordBytes* record() noexcept override { return &record_; }
  void apply(State& state, LogWriter& log) noexcept override;

  std::uint64_t version = 0;

 private:
  RecordKind kind_;
  std::shared_ptr<Segment> segment_;
  RecordBytes record_;
};

}  // namespace maxdot::live
