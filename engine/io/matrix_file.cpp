// MatrixFile: what the three formats have in common once their headers are understood.
#include <string>
#include <string_view>
#include <utility>

#include "base/file.hpp"
#include "base/path_errors.hpp"
#include "io/npy.hpp"
#include "io/vecs.hpp"
#include "maxdot/error.hpp"
#include "maxdot/io.hpp"

namespace maxdot {
inline namespace v0_1 {
namespace {

const std::string kNoPath;

}  // namespace

struct MatrixFile::Impl {
  base::InputFile file;
  std::uint64_t rows = 0;
  std::uint64_t cols = 0;
  DType dtype = DType::f32;
  // Rows lie packed from data_offset on; in .fvecs each follows its dimension field instead.
  bool has_prefixes = false;
  std::uint64_t data_offset = 0;

  void open_npy();
  void open_fvecs();
  void open_fbin();
};

void MatrixFile::Impl::open_npy() {
  const io::NpyHeader header = io::read_npy_header(file);
  if (header.descr == "<f2") {
    dtype = DType::f16;
  } else if (header.descr != "<f4") {
    io::refuse_npy_dtype(file.path(), header, "float32");
  }
  if (header.fortran_order) {
    throw Error(ErrorCode::unsupported,
                file.path() +
                    ": the array is in Fortran (column-major) order, which is not "
                    "supported; convert with numpy.ascontiguousarray(x)");
  }
  if (header.shape.size() != 1 && header.shape.size() != 2) {
    throw Error(ErrorCode::unsupported,
                file.path() + ": the array is " + std::to_string(header.shape.size()) +
                    "-D; embeddings are 2-D (rows, dimension), or 1-D for one row");
  }
  io::check_dimension(file.path(), header.shape.back());
  io::check_npy_payload(file, header, size_of(dtype));
  rows = header.shape.size() == 2 ? header.shape.front() : 1;
  cols = header.shape.back();
  data_offset = header.data_offset;
}

void MatrixFile::Impl::open_fvecs() {
  const io::VecsShape shape = io::read_fvecs_shape(file);
  rows = shape.rows;
  cols = shape.cols;
  has_prefixes = true;
}

void MatrixFile::Impl::open_fbin() {
  const io::VecsShape shape = io::read_fbin_shape(file);
  rows = shape.rows;
  cols = shape.cols;
  data_offset = io::fbin_header_bytes;
}

MatrixFile::MatrixFile(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
MatrixFile::MatrixFile(MatrixFile&&) noexcept = default;
MatrixFile& MatrixFile::operator=(MatrixFile&&) noexcept = default;
MatrixFile::~MatrixFile() = default;

MatrixFile MatrixFile::open(const std::string& path) {
  return base::file_entry(path, "open it", [&] {
    auto impl = std::make_unique<Impl>(Impl{base::InputFile(path)});
    const std::string_view name(path);
    if (name.ends_with(".npy")) {
      impl->open_npy();
    } else if (name.ends_with(".fvecs")) {
      impl->open_fvecs();
    } else if (name.ends_with(".fbin")) {
      impl->open_fbin();
    } else {
      throw Error(
          ErrorCode::unsupported,
          path +
              ": the name must end in .npy, .fvecs or .fbin, which tells the format of embeddings");
    }
    return MatrixFile(std::move(impl));
  });
}

std::size_t MatrixFile::rows() const noexcept { return impl_ == nullptr ? 0 : impl_->rows; }
std::size_t MatrixFile::cols() const noexcept { return impl_ == nullptr ? 0 : impl_->cols; }
DType MatrixFile::dtype() const noexcept { return impl_ == nullptr ? DType::f32 : impl_->dtype; }
const std::string& MatrixFile::path() const noexcept {
  return impl_ == nullptr ? kNoPath : impl_->file.path();
}

void MatrixFile::read(std::size_t begin, std::size_t count, void* out) const {
  if (impl_ == nullptr) {
    throw Error(ErrorCode::invalid_argument,
                "this MatrixFile is empty: it was moved from; MatrixFile::open makes one");
  }
  base::file_entry(path(), "read it", [&] {
    if (begin > impl_->rows || count > impl_->rows - begin) {
      throw Error(ErrorCode::invalid_argument,
                  path() + ": rows from " + std::to_string(begin) + ", " + std::to_string(count) +
                      " of them, are asked for; it has " + std::to_string(impl_->rows));
    }
    if (count == 0) return;
    if (impl_->has_prefixes) {
      io::read_fvecs_rows(impl_->file, impl_->cols, begin, count, out);
    } else {
      // The open has checked rows * row_bytes against the file's length, so nothing here overflows.
      const std::uint64_t row_bytes = impl_->cols * size_of(impl_->dtype);
      impl_->file.read_at(impl_->data_offset + begin * row_bytes, out, count * row_bytes);
    }
  });
}

Matrix MatrixFile::read_all() const {
  Matrix matrix = [this] {
    try {
      return Matrix(rows(), cols(), dtype());
    } catch (const Error& error) {
      throw Error(error.code(), path() + ": " + error.what()).about(path());
    }
  }();
  read(0, rows(), matrix.data());
  return matrix;
}

}  // namespace v0_1
}  // namespace maxdot
