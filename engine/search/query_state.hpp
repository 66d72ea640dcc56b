// QueryState: where a query stands on its way through a call.
//
//   open ──sample──▶ guessed ──scan──▶ done
//    │  │               ├────────────▶ certain ──scan from that bound──▶ done
//    │  │               ▼
//    │  └────────────────────────────▶ by_f32 ──scan of the rows──▶ done
//    └──scan without a sample──▶ done
#pragma once

#include <cstdint>
#include <limits>

namespace maxdot::search {

class QueryState {
 public:
  enum class Stage : std::uint8_t {
    open,     ///< nothing is known of its k-th best key
    certain,  ///< no key of its k best lies below bound()
    guessed,  ///< almost surely no key of its k best lies below bound(); to be proven
    by_f32,   ///< the codes do not suit it: nothing that they found is used, its rows are scanned
    done,     ///< its results are right, and written
  };

  static QueryState open() noexcept { return {}; }
  static QueryState certain(double bound) noexcept { return {Stage::certain, bound}; }

  Stage stage() const noexcept { return stage_; }
  /// What is strictly below it need not be looked at. -inf while nothing is known: then every item
  /// reaches it.
  double bound() const noexcept { return bound_; }

  void guess(double bound) noexcept { *this = {Stage::guessed, bound}; }
  void leave_codes() noexcept { *this = {Stage::by_f32, -std::numeric_limits<double>::infinity()}; }
  void finish() noexcept { stage_ = Stage::done; }

  /// Whether the results are right, if `last_key` is the k-th best key that was found (-inf for
  /// fewer than k). Everything above the guess was found. So if the k-th key found lies above it,
  /// nothing that was skipped matters.
  bool proven_by(double last_key) const noexcept {
    return stage_ != Stage::guessed || last_key > bound_;
  }

 private:
  QueryState() noexcept = default;
  QueryState(Stage stage, double bound) noexcept : stage_(stage), bound_(bound) {}

  Stage stage_ = Stage::open;
  double bound_ = -std::numeric_limits<double>::infinity();
};

}  // namespace maxdot::search
