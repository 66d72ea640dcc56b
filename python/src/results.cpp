#include "results.hpp"

#include <string>

#include "maxdot/error.hpp"

namespace maxdot::python {

ScoreType score_type_argument(std::string_view scores) {
  if (scores == "f32") return ScoreType::f32;
  if (scores == "f64") return ScoreType::f64;
  if (scores == "keys") return ScoreType::keys;
  throw Error(ErrorCode::invalid_argument,
              "scores: '" + std::string(scores) +
                  "' is not 'f32', 'f64' or 'keys' (f64, what orders results)");
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

}  // namespace maxdot::python
