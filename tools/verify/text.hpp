// Pieces that the text of `maxdot verify` is put together from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "verify/faiss.hpp"

namespace maxdot::tools {

/// Lines of cells, indented by two: the first column to the left, the others to the right.
class Table {
 public:
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

std::string plural(std::uint64_t count, const std::string& noun,
                   const std::string& nouns);  // "1,000 queries"
std::string scientific(double value);          // "1.2e-07"
/// Cut, not rounded: only a share of exactly 1 reads as one.
std::string share(double value);    // "0.99998"
std::string percent(double value);  // "99.99 %"

/// FAISS on unit rows, and on the rows as they are.
std::string faiss_unit_text(const FaissReport& faiss, std::size_t k);
std::string faiss_raw_text(const FaissReport& faiss);

}  // namespace maxdot::tools
