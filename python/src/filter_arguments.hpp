// The filters of a search as Python passes them: arrays of maxdot/search_arguments.py.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "maxdot/index.hpp"

namespace maxdot::python {

namespace nb = nanobind;

template <class T>
using Vector = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
/// Offsets and ids.
using Lists = std::optional<std::pair<Vector<std::int64_t>, Vector<std::int64_t>>>;
using Mask = std::optional<Vector<std::uint8_t>>;

template <class T>
std::span<const T> span_of(const Vector<T>& vector) {
  return {vector.data(), vector.shape(0)};
}

/// The caller's arrays, kept alive. Copied and destroyed with the GIL, moved without.
struct FilterArguments {
  Lists exclude;
  Lists allow;
  Mask item_mask;

  Filters views() const {
    Filters filters;
    if (exclude) filters.exclude = {span_of(exclude->first), span_of(exclude->second)};
    if (allow) filters.allow = {span_of(allow->first), span_of(allow->second)};
    if (item_mask) filters.item_mask = span_of(*item_mask);
    return filters;
  }
};

}  // namespace maxdot::python
