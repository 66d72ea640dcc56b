#include "results.hpp"

#include <new>
#include <string>
#include <utility>

#include "maxdot/error.hpp"

namespace maxdot::python {

ScoreType score_type_argument(const std::string& scores) {
  if (scores == "f32") return ScoreType::f32;
  if (scores == "f64") return ScoreType::f64;
  if (scores == "keys") return ScoreType::keys;
  throw Error(ErrorCode::invalid_argument,
              "scores: '" + scores + "' is not 'f32', 'f64' or 'keys' (f64, what orders results)");
}

nb::object scores_to_numpy(std::unique_ptr<double[]> scores, std::span<const std::size_t> shape,
                           ScoreType type) {
  if (type != ScoreType::f32) return nb::cast(to_numpy(std::move(scores), shape));
  std::size_t cells = 1;
  for (const std::size_t length : shape) cells *= length;
  std::unique_ptr<float[]> rounded(new float[cells]);
  round_to_f32({scores.get(), cells}, rounded.get());
  return nb::cast(to_numpy(std::move(rounded), shape));
}

nb::object scores_to_numpy(const std::vector<double>& scores, ScoreType type) {
  if (type != ScoreType::f32) return vector_to_numpy(scores);
  std::unique_ptr<float[]> rounded(new float[scores.size()]);
  round_to_f32(scores, rounded.get());
  return nb::cast(to_numpy(std::move(rounded), {scores.size()}));
}

ResultArrays::ResultArrays(std::size_t rows, std::size_t width) : rows(rows), width(width) {
  check_result_memory(rows, width);
  std::size_t cells = 0;  // where nobody knows what is free, nothing has been refused yet
  if (__builtin_mul_overflow(rows, width, &cells)) throw std::bad_alloc();
  ids.reset(new std::int64_t[cells]);
  scores.reset(new double[cells]);
}

std::pair<nb::object, nb::object> ResultArrays::to_numpy(bool flat, ScoreType type) && {
  const std::size_t shape[] = {rows, width};
  const std::span<const std::size_t> shown(shape + (flat ? 1 : 0), flat ? 1 : 2);
  nb::object values = scores_to_numpy(std::move(scores), shown, type);
  return {nb::cast(python::to_numpy(std::move(ids), shown)), std::move(values)};
}

}  // namespace maxdot::python
