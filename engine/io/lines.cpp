#include "io/lines.hpp"

#include <algorithm>
#include <cstring>

#include "maxdot/error.hpp"

namespace maxdot::io {

bool LineReader::next(std::string& line) {
  line.clear();
  for (bool started = false;; started = true) {
    if (position_ == chunk_.size() && !refill()) return started;
    if (!started) ++number_;
    const char* begin = chunk_.data() + position_;
    const std::size_t left = chunk_.size() - position_;
    const auto* newline = static_cast<const char*>(std::memchr(begin, '\n', left));
    const std::size_t length =
        newline != nullptr ? static_cast<std::size_t>(newline - begin) : left;
    if (length > longest_ - line.size()) {
      throw Error(ErrorCode::bad_format, file_.path() + ": line " + std::to_string(number_) +
                                             " is too long for " + wanted_);
    }
    line.append(begin, length);
    position_ += length;
    if (newline == nullptr) continue;
    ++position_;
    return true;
  }
}

bool LineReader::refill() {
  constexpr std::uint64_t chunk_bytes = std::uint64_t{1} << 20;
  chunk_.resize(static_cast<std::size_t>(std::min(chunk_bytes, file_.size() - offset_)));
  file_.read_at(offset_, chunk_.data(), chunk_.size());
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  position_ = offset_ == 0 && chunk_.starts_with(byte_order_mark) ? byte_order_mark.size() : 0;
  offset_ += chunk_.size();
  return !chunk_.empty();
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view space = " \t\r";
  const std::size_t begin = text.find_first_not_of(space);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(space) - begin + 1);
}

}  // namespace maxdot::io
