#include "live/changes.hpp"

#include <string>
#include <utility>

#include "maxdot/error.hpp"

namespace maxdot::live {
namespace {

std::span<const unsigned char> payload_of(const RecordBytes& record) noexcept {
  return std::span(record).subspan(sizeof(RecordHeader));
}

}  // namespace

Upsert::Upsert(RecordBytes record, const Shape& shape)
    : record_(std::move(record)),
      shape_(shape),
      payload_(read_upsert(payload_of(record_), "the log")) {}

void Upsert::prepare(State& state, LogWriter&) {
  if (shape_ != state.shape()) {
    throw Error(
        ErrorCode::invalid_argument,
        "the catalogue was replaced by one of another dimension, dtype or metric meanwhile; "
        "put the items in again");
  }
  state.prepare_upsert(payload_.ids.size());
}

void Upsert::apply(State& state, LogWriter&) noexcept {
  state.upsert(payload_.ids, payload_.rows.data());
  version = state.version();
}

Remove::Remove(RecordBytes record)
    : record_(std::move(record)), ids_(read_remove(payload_of(record_), "the log")) {}

void Remove::prepare(State& state, LogWriter&) { state.prepare_remove(ids_.size()); }

void Remove::apply(State& state, LogWriter&) noexcept {
  removed = state.remove(ids_);
  version = state.version();
}

Attach::Attach(RecordKind kind, std::shared_ptr<Segment> segment)
    : kind_(kind),
      segment_(std::move(segment)),
      record_(segment_record(kind, segment_->number(), segment_->index().info().checksum)) {}

void Attach::prepare(State& state, LogWriter& log) {
  segment_->set_log(log.number());
  if (kind_ == RecordKind::replace) {
    state.prepare_replace(segment_);
  } else {
    state.prepare_attach(segment_);
  }
}

void Attach::apply(State& state, LogWriter&) noexcept {
  if (kind_ == RecordKind::replace) {
    state.replace(std::move(segment_));
  } else {
    state.attach(std::move(segment_));
  }
  version = state.version();
}

}  // namespace maxdot::live
