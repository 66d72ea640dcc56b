// Names for items: from row to id and label, and back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "maxdot/index.hpp"

namespace maxdot::tools {

/// Reads UTF-8 text, line r = label of row r. A byte order mark and CR before LF are dropped.
/// `rows` labels are expected. Throws Failure: io, bad_data (not UTF-8, wrong number of lines).
std::vector<std::string> read_labels(const std::string& path, std::size_t rows);

/// Finds items by id or label. Refers to the index, which must outlive it.
class ItemNames {
 public:
  /// `labels_path` may be empty: no labels.
  ItemNames(const Index& index, const std::string& labels_path);

  bool has_labels() const noexcept { return has_labels_; }
  /// Label of item `id`, or null if there are no labels or there is no such item (the padding's
  /// -1).
  const std::string* label_of(std::int64_t id) const;
  /// Row of the item that the user calls `name`: its label if there are labels, else its id.
  /// Throws Failure (usage) if there is none, or if several items share the label.
  std::size_t row_of(const std::string& name) const;

 private:
  std::size_t row_of_id(std::int64_t id) const;  // size() if there is none

  const Index* index_;
  std::string labels_path_;
  bool has_labels_;
  std::vector<std::string> labels_;
  std::unordered_map<std::int64_t, std::size_t> row_by_id_;  // empty if ids are row numbers
};

}  // namespace maxdot::tools
