// Arguments of Python whose kind is refused by name: "threads: NoneType is not an integer". By
// itself nanobind answers with the C++ signature of the whole function.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "array_argument.hpp"

namespace maxdot::python {

/// A text that a type may depend on.
template <std::size_t size>
struct NameText {
  char text[size];
  consteval NameText(const char (&given)[size]) { std::copy_n(given, size, text); }
};

/// `value`, which was passed as the argument `name`. Say `.none()` where the function is bound:
/// else nanobind refuses None before this sees it.
template <NameText name, class Value>
struct Named {
  Value value;
  operator const Value&() const noexcept { return value; }
};

using K = Named<"k", std::int64_t>;
using Threads = Named<"threads", int>;
using MetricText = Named<"metric", std::string>;
using MetricOrNone = Named<"metric", std::optional<std::string>>;
using ScoresText = Named<"scores", std::string>;

template <class Value>
constexpr std::string_view kind_of_value() {
  if constexpr (std::same_as<Value, bool>) return "True or False";
  if constexpr (std::unsigned_integral<Value>) return "an integer of 0 or more";
  if constexpr (std::integral<Value>) return "an integer";
  if constexpr (std::floating_point<Value>) return "a number";
  if constexpr (std::same_as<Value, std::string>) return "a string";
  return "a string, or None";
}

/// Throws ValueError for an integer that `Value` cannot hold, TypeError for anything else.
template <class Value>
[[noreturn]] void refuse_kind(nanobind::handle given, const std::string& name) {
  if constexpr (std::integral<Value> && !std::same_as<Value, bool>) {
    if (PyIndex_Check(given.ptr())) {
      const char* below = std::unsigned_integral<Value> ? "below 0 or " : "";
      const std::string bits = std::to_string(8 * sizeof(Value));
      throw nanobind::value_error(
          (name + ": the number is " + below + "beyond " + bits + " bits").c_str());
    }
  }
  throw nanobind::type_error(
      (name + ": " + class_name(given) + " is not " + std::string(kind_of_value<Value>())).c_str());
}

}  // namespace maxdot::python

namespace nanobind::detail {

template <maxdot::python::NameText name, class Given>
struct type_caster<maxdot::python::Named<name, Given>> {
  using Argument = maxdot::python::Named<name, Given>;
  NB_TYPE_CASTER(Argument, make_caster<Given>::Name)

  bool from_python(handle given, std::uint32_t flags, cleanup_list* cleanup) {
    // nanobind would make a number of a text.
    const bool is_text = std::floating_point<Given> && PyUnicode_Check(given.ptr());
    make_caster<Given> inner;
    if (is_text || !inner.from_python(given, flags, cleanup))
      maxdot::python::refuse_kind<Given>(given, name.text);
    value.value = inner.operator cast_t<Given>();
    return true;
  }
};

}  // namespace nanobind::detail
