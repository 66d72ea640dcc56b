// MatrixWriter: ids and scores, row by row, into a file that appears whole or not at all.
#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>

#include "base/atomic_file.hpp"
#include "base/checked.hpp"
#include "base/float_environment.hpp"
#include "base/path_errors.hpp"
#include "io/npy.hpp"
#include "maxdot/error.hpp"
#include "maxdot/io.hpp"

namespace maxdot {
inline namespace v0_1 {

struct MatrixWriter::Impl {
  base::AtomicFile file;
  std::string path;
  Format format;
  std::size_t rows;
  std::size_t cols;
  std::size_t appended = 0;
  bool resumable = false;

  bool has_prefixes() const { return format == Format::ivecs || format == Format::fvecs; }
  void check_append(bool of_ids, std::size_t count) const;
  void check_complete() const;
  void append(const std::int64_t* values, std::size_t count);
  void append(const double* values, std::size_t count);
  template <typename To, typename From>
  void write_rows(const From* values, std::size_t count);
};

// Checks all before a byte is written, so that a refused call leaves the writer as it was.
void MatrixWriter::Impl::check_append(bool of_ids, std::size_t count) const {
  const bool for_ids = format == Format::npy_i64 || format == Format::ivecs;
  if (of_ids != for_ids) {
    throw Error(ErrorCode::invalid_argument, path + ": its format holds " +
                                                 (for_ids ? "ids" : "scores") + ", but " +
                                                 (of_ids ? "ids" : "scores") + " were appended");
  }
  if (count > rows - appended) {
    throw Error(ErrorCode::invalid_argument, path + ": " + std::to_string(count) +
                                                 " rows appended to " + std::to_string(appended) +
                                                 ", more than the " + std::to_string(rows) +
                                                 " announced");
  }
}

// Converts through a small block: constant memory, whatever the size of a row. A score beyond f32
// becomes infinity, which is how IEEE 754 rounds it.
template <typename To, typename From>
void MatrixWriter::Impl::write_rows(const From* values, std::size_t count) {
  std::array<To, 1024> block;
  const auto prefix = static_cast<std::int32_t>(cols);
  for (std::size_t r = 0; r < count; ++r) {
    if (has_prefixes()) file.write(&prefix, sizeof prefix);
    for (std::size_t left = cols; left > 0;) {
      const std::size_t n = std::min(left, block.size());
      std::transform(values, values + n, block.begin(), [](From v) { return static_cast<To>(v); });
      file.write(block.data(), n * sizeof(To));
      values += n;
      left -= n;
    }
  }
}

namespace {

using Format = MatrixWriter::Format;

bool is_npy(Format format) { return format == Format::npy_i64 || format == Format::npy_f32; }

void check_shape(const std::string& path, Format format, std::size_t rows, std::size_t cols) {
  if (format > Format::fvecs) {
    throw Error(ErrorCode::invalid_argument, path + ": format " +
                                                 std::to_string(static_cast<int>(format)) +
                                                 " is not a value of MatrixWriter::Format");
  }
  if (cols == 0 || (!is_npy(format) && cols > std::numeric_limits<std::int32_t>::max())) {
    throw Error(ErrorCode::invalid_argument,
                path + ": cannot write rows of " + std::to_string(cols) + " values");
  }
  // 8 bytes a value also covers the dimension field of each row.
  const auto values = base::checked_mul(rows, cols);
  if (!values || !base::checked_mul(*values, 8)) {
    throw Error(ErrorCode::invalid_argument, path + ": " + std::to_string(rows) + " x " +
                                                 std::to_string(cols) +
                                                 " values are more than a file can hold");
  }
}

std::string header_of(Format format, std::size_t rows, std::size_t cols) {
  return is_npy(format) ? io::make_npy_header(format == Format::npy_i64 ? "<i8" : "<f4", rows, cols)
                        : std::string();
}

/// Of a file, with its first `rows`.
std::uint64_t bytes_of(Format format, std::size_t header, std::size_t rows, std::size_t cols) {
  const std::size_t row = is_npy(format) ? cols * (format == Format::npy_i64 ? 8 : 4)
                                         : (cols + 1) * sizeof(std::int32_t);
  return header + std::uint64_t{rows} * row;
}

}  // namespace

MatrixWriter::MatrixWriter(const std::string& path, Format format, std::size_t rows,
                           std::size_t cols) {
  base::file_entry(path, "write it", [&] {
    check_shape(path, format, rows, cols);
    impl_ = std::make_unique<Impl>(Impl{base::AtomicFile(path), path, format, rows, cols});
    const std::string header = header_of(format, rows, cols);
    impl_->file.write(header.data(), header.size());
  });
}

MatrixWriter::MatrixWriter(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}

MatrixWriter MatrixWriter::resume(const std::string& path, Format format, std::size_t rows,
                                  std::size_t cols, std::size_t done) {
  return base::file_entry(path, "write it", [&] {
    check_shape(path, format, rows, cols);
    if (done > rows) {
      throw Error(ErrorCode::invalid_argument, path + ": cannot go on behind row " +
                                                   std::to_string(done) + " of " +
                                                   std::to_string(rows));
    }
    const std::string header = header_of(format, rows, cols);
    const std::uint64_t kept = done == 0 ? 0 : bytes_of(format, header.size(), done, cols);
    MatrixWriter writer(std::make_unique<Impl>(
        Impl{base::AtomicFile::resume(path, kept, bytes_of(format, header.size(), rows, cols)),
             path, format, rows, cols, done, true}));
    if (done == 0) writer.impl_->file.write(header.data(), header.size());
    return writer;
  });
}

MatrixWriter::MatrixWriter(MatrixWriter&&) noexcept = default;
MatrixWriter& MatrixWriter::operator=(MatrixWriter&&) noexcept = default;
MatrixWriter::~MatrixWriter() = default;

MatrixWriter::Impl& MatrixWriter::impl() const {
  if (impl_ != nullptr) return *impl_;
  throw Error(ErrorCode::invalid_argument,
              "this MatrixWriter is empty: it was moved from; make another");
}

void MatrixWriter::append(const std::int64_t* values, std::size_t count) {
  Impl& to = impl();
  base::file_entry(to.path, "write it", [&] { to.append(values, count); });
}

void MatrixWriter::append(const double* values, std::size_t count) {
  Impl& to = impl();
  base::file_entry(to.path, "write it", [&] { to.append(values, count); });
}

void MatrixWriter::Impl::append(const std::int64_t* values, std::size_t count) {
  check_append(true, count);
  if (format == Format::npy_i64) {
    file.write(values, count * cols * sizeof *values);
  } else {
    const std::int64_t* end = values + count * cols;
    const std::int64_t* wide = std::find_if(values, end, [](std::int64_t v) {
      return v < std::numeric_limits<std::int32_t>::min() ||
             v > std::numeric_limits<std::int32_t>::max();
    });
    if (wide != end) {
      const std::size_t row = appended + static_cast<std::size_t>(wide - values) / cols;
      throw Error(ErrorCode::invalid_data,
                  path + ": row " + std::to_string(row) + ": id " + std::to_string(*wide) +
                      " does not fit the int32 of .ivecs; write .npy instead");
    }
    write_rows<std::int32_t>(values, count);
  }
  appended += count;
}

void MatrixWriter::Impl::append(const double* values, std::size_t count) {
  check_append(false, count);
  write_rows<float>(values, count);
  appended += count;
}

void MatrixWriter::Impl::check_complete() const {
  if (appended == rows) return;
  throw Error(ErrorCode::invalid_argument, path + ": only " + std::to_string(appended) + " of " +
                                               std::to_string(rows) + " rows were appended");
}

void MatrixWriter::sync() {
  Impl& of = impl();
  base::file_entry(of.path, "write it", [&] {
    if (!of.resumable) {
      throw Error(ErrorCode::invalid_argument,
                  of.path + ": is not of MatrixWriter::resume, so there is nothing to go on with");
    }
    of.file.sync();
  });
}

void MatrixWriter::commit() {
  Impl& of = impl();
  base::file_entry(of.path, "finish writing it", [&] {
    of.check_complete();
    of.file.commit();
  });
}

void MatrixWriter::commit_both(MatrixWriter& first, MatrixWriter& second) {
  Impl& before = first.impl();
  Impl& after = second.impl();
  base::file_entry(before.path, "finish writing it", [&] { before.check_complete(); });
  base::file_entry(after.path, "finish writing it", [&] {
    after.check_complete();
    base::AtomicFile::commit_both(before.file, after.file);
  });
}

}  // namespace v0_1
}  // namespace maxdot
