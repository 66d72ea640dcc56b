#include "commands/bad_rows.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "console/console.hpp"
#include "console/failure.hpp"

namespace maxdot::tools {
namespace {

constexpr std::size_t text_bytes = std::size_t{1} << 16;

/// An exponent of ones means NaN or infinity; which of them tell the bits below it.
template <typename Bits>
std::optional<BadRow> bad_value(const std::byte* row, std::size_t columns, Bits exponent,
                                Bits fraction) {
  for (std::size_t column = 0; column < columns; ++column) {
    Bits bits;
    std::memcpy(&bits, row + column * sizeof bits, sizeof bits);
    if ((bits & exponent) == exponent) return BadRow{0, column, (bits & fraction) != 0};
  }
  return std::nullopt;
}

}  // namespace

std::string BadRow::reason() const {
  return "column " + std::to_string(column) + " is " + (is_nan ? "NaN" : "infinite");
}

std::vector<BadRow> bad_rows_of(const MatrixView& rows) {
  std::vector<BadRow> bad;
  for (std::size_t row = 0; row < rows.rows; ++row) {
    const std::byte* values = static_cast<const std::byte*>(rows.data) + row * rows.stride_bytes;
    auto found = rows.dtype == DType::f16
                     ? bad_value<std::uint16_t>(values, rows.cols, 0x7c00, 0x03ff)
                     : bad_value<std::uint32_t>(values, rows.cols, 0x7f800000, 0x007fffff);
    if (!found) continue;
    found->row = row;
    bad.push_back(*found);
  }
  return bad;
}

void clear_row(Matrix& rows, std::size_t row) {
  const std::size_t bytes = rows.cols() * size_of(rows.dtype());
  std::memset(static_cast<std::byte*>(rows.data()) + row * bytes, 0, bytes);
}

BadRowReport::BadRowReport(std::string path, std::uint64_t kept)
    : path_(std::move(path)), partial_(path_ + ".partial"), keep_(kept > 0), written_(kept) {
  const auto check = [&](bool done) {
    if (done) return;
    throw io_failure(path_, "write '" + partial_ + "'", errno, "name another file for --bad-rows");
  };
  file_ = Descriptor(open_file(partial_, O_WRONLY | O_CREAT | O_NOFOLLOW));
  check(file_.get() >= 0);
  struct stat found {};
  check(fstat(file_.get(), &found) == 0);
  if (static_cast<std::uint64_t>(found.st_size) < kept) {
    throw Failure(ExitCode::io, path_ + ": cannot be continued: '" + partial_ +
                                    "' is shorter than what was written; give --restart to begin "
                                    "anew");
  }
  check(cut_file(file_, kept) == 0);
}

BadRowReport::~BadRowReport() {
  if (!keep_) unlink(partial_.c_str());
}

void BadRowReport::add(const std::string& file, std::size_t row, const std::string& reason) {
  const Json line = {{"file", file}, {"row", row}, {"reason", reason}};
  text_ += line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  if (text_.size() >= text_bytes) flush();
}

void BadRowReport::flush() {
  write_all(file_, written_, text_, path_);
  written_ += text_.size();
  text_.clear();
}

std::uint64_t BadRowReport::sync() {
  flush();
  if (sync_file(file_) != 0) throw io_failure(path_, "write", errno, "free some space there");
  if (!keep_) sync_name(partial_);
  keep_ = true;
  return written_;
}

void BadRowReport::commit() {
  sync();
  if (rename(partial_.c_str(), path_.c_str()) != 0)
    throw io_failure(path_, "write", errno, "it stands in '" + partial_ + "'");
  sync_name(path_);
}

}  // namespace maxdot::tools
