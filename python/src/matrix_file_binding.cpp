// Files of vectors, as Python reads them, rows at a time; and masks.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bindings.hpp"
#include "maxdot/io.hpp"
#include "results.hpp"
#include "without_gil.hpp"

namespace maxdot::python {

namespace nb = nanobind;

namespace {

// [count, cols] of f32, or of the bits of f16.
template <typename Element>
nb::object rows_as(const MatrixFile& file, std::size_t begin, std::size_t count) {
  std::unique_ptr<Element[]> rows(new Element[count * file.cols()]);
  {
    const WithoutGil released;
    file.read(begin, count, rows.get());
  }
  return nb::cast(to_numpy(std::move(rows), {count, file.cols()}));
}

nb::object read(const MatrixFile& file, std::size_t begin, std::size_t count) {
  if (begin > file.rows() || count > file.rows() - begin) {
    throw nb::value_error((file.path() + ": rows " + std::to_string(begin) + " to " +
                           std::to_string(begin + count) + " do not lie within its " +
                           std::to_string(file.rows()))
                              .c_str());
  }
  if (file.dtype() == DType::f32) return rows_as<float>(file, begin, count);
  return rows_as<std::uint16_t>(file, begin, count).attr("view")("float16");
}

}  // namespace

void bind_matrix_file(nb::module_& module) {
  using namespace nb::literals;
  module.def(
      "read_mask",
      [](const nb::bytes& path) {
        const std::string name = path_of(path);
        std::vector<std::uint8_t> mask;
        {
          const WithoutGil released;
          mask = read_mask(name);
        }
        return vector_to_numpy(mask);
      },
      "path"_a);
  nb::class_<MatrixFile>(module, "MatrixFile")
      .def_static(
          "open", [](const nb::bytes& path) { return MatrixFile::open(path_of(path)); }, "path"_a)
      .def("read", &read, "begin"_a, "count"_a)
      .def_prop_ro("rows", &MatrixFile::rows)
      .def_prop_ro("cols", &MatrixFile::cols)
      .def_prop_ro("dtype", [](const MatrixFile& file) {
        return file.dtype() == DType::f16 ? "f16" : "f32";
      });
}

}  // namespace maxdot::python
