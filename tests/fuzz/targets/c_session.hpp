// The handles of a program in C, and the calls that it makes one after the other. Every call is one
// that maxdot.h allows, or one that it says is refused.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "../random.hpp"
#include "maxdot/maxdot.h"

namespace fuzz {

/// Takes numbers from the input; zeros behind its end.
class Input {
 public:
  explicit Input(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  bool empty() const noexcept { return bytes_.empty(); }
  std::uint8_t byte() noexcept {
    if (bytes_.empty()) return 0;
    const std::uint8_t first = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return first;
  }
  /// In [0, bound).
  std::size_t below(std::size_t bound) noexcept { return byte() % bound; }
  bool one_in(std::size_t n) noexcept { return below(n) == 1; }

 private:
  std::span<const std::uint8_t> bytes_;
};

/// Rows, and a view of them, which may be one that is refused.
struct CMatrix {
  std::vector<float> floats;
  maxdot_matrix view = {};
};

/// Lists for `owners`, and what views them. The last offset is always that of the ids.
struct CLists {
  std::vector<std::int64_t> offsets;
  std::vector<std::int64_t> ids;
  maxdot_id_lists view = {};
};

class CSession {
 public:
  explicit CSession(Input input);
  CSession(const CSession&) = delete;
  CSession& operator=(const CSession&) = delete;
  /// Gives all handles back.
  ~CSession();

  /// Makes calls until the input ends.
  void run();

 private:
  static constexpr std::size_t kHandles = 3;

  void call();
  void build();
  void open();
  void search();
  void range();
  void merge();
  void ask_index();
  void workspaces();
  void batchers();
  void lives();
  void live_changes(maxdot_live* live);
  void snapshots();
  void machine();
  void nulls();

  CMatrix matrix(std::size_t most_rows);
  CLists lists(std::size_t owners);
  maxdot_search_options search_options(std::size_t owners, bool with_mask);
  maxdot_request_options request_options(std::size_t owners);
  void search_by(std::size_t target, const CMatrix& queries, std::int64_t per_user, std::int64_t k);
  maxdot_index*& index() { return indexes_[input_.below(kHandles)]; }
  std::string path();

  Input input_;
  Random random_;
  std::array<maxdot_index*, kHandles> indexes_ = {};
  maxdot_workspace* workspace_ = nullptr;
  maxdot_cancellation* cancellation_ = nullptr;
  maxdot_batcher* batcher_ = nullptr;
  maxdot_live* live_ = nullptr;
  maxdot_snapshot* snapshot_ = nullptr;
  CLists exclude_;
  CLists allow_;
  std::vector<std::uint8_t> mask_ = std::vector<std::uint8_t>(256, 1);
  maxdot_search_stats stats_ = {};
};

/// A status that the header names, and a text if it is a failure. Ends the process for
/// MAXDOT_INTERNAL.
maxdot_status checked(maxdot_status status);

}  // namespace fuzz
