// The answers to what one event loop has asked a Batcher, on their way from the thread that has
// searched to the thread of the loop. The former never runs Python: it does not wait for the GIL,
// which another may hold who waits for it, and it needs no interpreter that still lives.
#pragma once

#include <cstdint>
#include <list>
#include <mutex>
#include <optional>

#include "filter_arguments.hpp"
#include "maxdot/error.hpp"
#include "maxdot/index.hpp"
#include "results.hpp"

namespace maxdot::python {

struct Answer {
  /// What the loop calls the request.
  std::int64_t ticket = 0;
  bool one_dimensional = false;
  ScoreType scores = ScoreType::f32;
  /// The request's filters view them until it is answered.
  FilterArguments filters;
  SearchResult result;
  std::optional<Error> error;
};

/// A loop watches the descriptor: it is readable when answers have come that were not taken.
class Answers {
 public:
  /// Throws Error (io) if the system refuses a descriptor.
  Answers();
  Answers(const Answers&) = delete;
  Answers& operator=(const Answers&) = delete;
  ~Answers();

  int descriptor() const noexcept { return descriptor_; }

  /// Takes the one answer of this list over, which allocates nothing. From any thread.
  void put(std::list<Answer>& answer) noexcept;

  std::list<Answer> take() noexcept;

 private:
  const int descriptor_;
  std::mutex mutex_;
  std::list<Answer> waiting_;
};

}  // namespace maxdot::python
