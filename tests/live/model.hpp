// What a LiveIndex should hold: a plain map, and random histories of it. A history follows from its
// seed alone, so that one process can know what another has done.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "maxdot/live_index.hpp"
#include "support.hpp"

namespace maxdot::test {

/// What all histories of a seed have in common.
struct Plan {
  CatalogueOptions catalogue;
  LiveOptions live;
  std::size_t dimension = 0;
  std::size_t universe = 0;  ///< ids of each writer
  std::size_t writers = 0;   ///< each has ids of its own: id % writers
};
Plan make_plan(std::uint64_t seed);

enum class StepKind : std::uint8_t { upsert, remove, replace, compact };

struct Step {
  StepKind kind = StepKind::upsert;
  std::vector<std::int64_t> ids;
  Rows rows;
  std::vector<std::uint16_t> halves;  ///< the same rows, where the plan's dtype is f16
  MatrixView view(DType dtype) const;
};
/// The step number `index` of a writer.
Step make_step(const Plan& plan, std::uint64_t seed, std::size_t writer, std::size_t index);

using Model = std::map<std::int64_t, std::vector<float>>;
void carry_out(const Step& step, Model& model);
/// Carries the step out.
void carry_out(const Step& step, const Plan& plan, LiveIndex& index);

/// Empty if the snapshot holds exactly the model's items, and random searches of every kind return
/// what an Index built of them does, bit for bit; else what differs.
std::string difference(const Snapshot& snapshot, const Model& model, const Plan& plan,
                       std::uint64_t seed);

}  // namespace maxdot::test
