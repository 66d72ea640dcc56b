#include "console/labels.hpp"

#include <cerrno>
#include <charconv>
#include <fstream>
#include <string_view>

#include "console/console.hpp"
#include "console/failure.hpp"

namespace maxdot::tools {
namespace {

// Length of the UTF-8 sequence at the start of `text`, 0 if there is none that is well formed (RFC
// 3629).
std::size_t utf8_length(std::string_view text) noexcept {
  const auto byte = [&text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  // Not shortest, a surrogate, or beyond U+10FFFF: told by the second byte.
  if ((lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xed && byte(1) > 0x9f)) return 0;
  if ((lead == 0xf0 && byte(1) < 0x90) || (lead == 0xf4 && byte(1) > 0x8f)) return 0;
  return length;
}

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace

std::vector<std::string> read_labels(const std::string& path, std::size_t rows) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) throw io_failure(path, "open", errno, "check the name and its permissions");
  std::vector<std::string> labels;
  std::string line;
  while (std::getline(file, line)) {
    if (labels.empty() && std::string_view(line).substr(0, 3) == "\xef\xbb\xbf") line.erase(0, 3);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!is_utf8(line)) {
      throw Failure(ExitCode::bad_data, path + ": line " + std::to_string(labels.size() + 1) +
                                            " is not UTF-8; convert the file");
    }
    labels.push_back(line);
    // A huge wrong file should not be read to its end.
    if (labels.size() > rows) break;
  }
  if (file.bad()) throw io_failure(path, "read", errno, "check the disk, or that it is a file");
  if (labels.size() != rows) {
    const std::string count =
        labels.size() > rows ? "more than " + std::to_string(rows) : std::to_string(labels.size());
    throw Failure(ExitCode::bad_data, path + ": has " + count + " labels but the index has " +
                                          std::to_string(rows) + " items; give one line per item");
  }
  return labels;
}

ItemNames::ItemNames(const Index& index, const std::string& labels_path)
    : index_(&index), labels_path_(labels_path), has_labels_(!labels_path.empty()) {
  if (has_labels_) labels_ = read_labels(labels_path, index.size());
  if (!index.info().has_ids) return;
  row_by_id_.reserve(index.size());
  for (std::size_t row = 0; row < index.size(); ++row) row_by_id_.emplace(index.item_id(row), row);
}

const std::string* ItemNames::label_of(std::int64_t id) const {
  if (!has_labels_) return nullptr;
  const std::size_t row = row_of_id(id);
  return row < labels_.size() ? &labels_[row] : nullptr;
}

std::size_t ItemNames::row_of(const std::string& name) const {
  const std::size_t none = index_->size();
  if (!has_labels_) {
    std::int64_t id = -1;
    const char* end = name.data() + name.size();
    const auto [stop, status] = std::from_chars(name.data(), end, id);
    const bool is_number = status == std::errc() && stop == end;
    const std::size_t row = is_number ? row_of_id(id) : none;
    if (row == none) {
      throw Failure(ExitCode::usage,
                    "--like: no item has the id '" + name +
                        "'; give an id of the index, or --labels FILE to use labels");
    }
    return row;
  }
  std::size_t found = none;
  for (std::size_t row = 0; row < labels_.size(); ++row) {
    if (labels_[row] != name) continue;
    if (found != none) {
      throw Failure(ExitCode::usage, labels_path_ + ": lines " + std::to_string(found + 1) +
                                         " and " + std::to_string(row + 1) + " are both '" + name +
                                         "'; name the item by its id, without --labels");
    }
    found = row;
  }
  if (found == none) {
    throw Failure(ExitCode::usage,
                  labels_path_ + ": no item has the label '" + name + "'; check the spelling");
  }
  return found;
}

std::size_t ItemNames::row_of_id(std::int64_t id) const {
  const std::size_t none = index_->size();
  if (id < 0) return none;
  if (!row_by_id_.empty()) {
    const auto entry = row_by_id_.find(id);
    return entry == row_by_id_.end() ? none : entry->second;
  }
  return static_cast<std::uint64_t>(id) < none ? static_cast<std::size_t>(id) : none;
}

}  // namespace maxdot::tools
