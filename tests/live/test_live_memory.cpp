// Memory that runs out, at each allocation of each call of a LiveIndex.
#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "alloc_faults.hpp"
#include "files.hpp"
#include "live/model.hpp"
#include "maxdot/live_index.hpp"
#include "support.hpp"

using namespace maxdot;
using namespace maxdot::test;

namespace {

/// Carries the step out, after as many failures as it has allocations: each must leave the version
/// as it was, or do no harm (how many cores there are can be answered without memory). Returns how
/// many failed.
std::uint64_t carried_out_without_memory(const Step& step, const Plan& plan, LiveIndex& index) {
  const std::uint64_t before = index.snapshot().version();
  for (std::uint64_t n = 0;; ++n) {
    bool fired = false;
    try {
      const AllocationFault fault(n);
      carry_out(step, plan, index);
      fired = fault.fired();
    } catch (const Error& error) {
      REQUIRE(error.code() == ErrorCode::out_of_memory);
      REQUIRE(index.snapshot().version() == before);
      continue;
    }
    const bool changes =
        step.kind != StepKind::compact && (!step.ids.empty() || step.kind == StepKind::replace);
    REQUIRE(index.snapshot().version() == before + (changes ? 1 : 0));
    if (!fired || changes) return n;
  }
}

/// Calls again and again, each time another allocation failing. Each call must return or say that
/// memory ran out.
void call_without_memory(const std::function<void()>& call) {
  for (std::uint64_t n = 0;; ++n) {
    const AllocationFault fault(n);
    try {
      call();
    } catch (const Error& error) {
      REQUIRE(error.code() == ErrorCode::out_of_memory);
    }
    if (!fault.fired()) return;
  }
}

}  // namespace

TEST_CASE("memory that runs out in a LiveIndex is an Error, and nothing has changed" *
          doctest::skip(!kAllocationsCanFail)) {
  const Folder folder;
  Plan plan;
  plan.catalogue = {.metric = Metric::dot};
  plan.live = {.fresh_items = 64, .compact_in_background = false};
  plan.dimension = 5;
  plan.universe = 200;
  plan.writers = 1;
  const std::string path = folder / "items";
  Model model;
  std::optional<LiveIndex> index(
      LiveIndex::create(path, plan.dimension, plan.catalogue, plan.live));
  std::uint64_t faults = 0;
  for (std::size_t i = 0; i < 40; ++i) {
    CAPTURE(i);
    const Step step = make_step(plan, 5, 0, i);
    faults += carried_out_without_memory(step, plan, *index);
    carry_out(step, model);
    REQUIRE(difference(index->snapshot(), model, plan, i) == "");
    if (i % 10 != 9) continue;
    call_without_memory([&] {
      index.reset();
      index.emplace(LiveIndex::open(path, plan.live));
    });
    call_without_memory([&] { (void)LiveIndex::open_read_only(path).snapshot().size(); });
    REQUIRE(difference(index->snapshot(), model, plan, i) == "");
  }
  CHECK(faults > 100);
  const Rows queries = gaussian_rows(3, plan.dimension, 1);
  const double threshold = 0.5;
  call_without_memory([&] {
    const Snapshot snapshot = index->snapshot();
    (void)snapshot.search(queries.view(), 5);
    (void)snapshot.search_range(queries.view(), {&threshold, 1});
    (void)snapshot.search_multi(queries.view(), 3, 5);
    (void)snapshot.ids();
    (void)index->stats();
  });
}
