// Room for results: how many bytes a call may take for what it returns.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/stop.hpp"

namespace maxdot::base {

/// Up to so many bytes nobody asks how much is free, which takes longer than a small search.
inline constexpr std::uint64_t kUnaskedBytes = std::uint64_t{64} << 20;

/// What results may take: `most` bytes, or for 0 what is free now.
double allowed_bytes(std::uint64_t most) noexcept;

/// Of results that grow while they are found, by several threads.
class ResultBudget {
 public:
  /// `most`: as of allowed_bytes. Once more is asked for, it cancels `stop`, that of the call.
  ResultBudget(std::uint64_t most, Stop& stop) noexcept;

  /// Whether there is room for so many bytes more, which then count as taken.
  bool take(std::uint64_t bytes) noexcept;
  void give_back(std::uint64_t bytes) noexcept { taken_.fetch_sub(bytes); }
  /// What may be taken at most, as far as it is known.
  std::uint64_t most() const noexcept { return most_.load(); }
  /// Whether take() was ever refused.
  bool exceeded() const noexcept { return exceeded_.load(); }

 private:
  Stop& stop_;
  std::atomic<std::uint64_t> most_;
  std::atomic<std::uint64_t> taken_ = 0;
  std::atomic<bool> exceeded_ = false;
  std::atomic<bool> known_;  // what is free need not be asked
};

}  // namespace maxdot::base
