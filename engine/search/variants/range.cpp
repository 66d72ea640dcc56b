#include "search/variants/range.hpp"

#include <memory>
#include <utility>
#include <vector>

#include "base/stop.hpp"
#include "search/call.hpp"
#include "search/collect/range_collector.hpp"

namespace maxdot::search {

RangeResult range(const store::ItemStore& items, const kernels::KernelTable& table,
                  const Request& request, std::span<const double> thresholds) {
  const std::size_t queries = request.queries.rows;
  if (request.stats != nullptr) {
    *request.stats = {};
    request.stats->queries = queries;
  }
  if (queries == 0 || items.items == 0) return {std::vector<std::int64_t>(queries + 1), {}, {}};
  CallMemoryLoan loan(request.kept);
  const CallContext context = make_context(items, table, request, loan.memory());
  // The collector ends the call where results are more than may be taken.
  base::Stop stop({}, base::current_stop());
  const base::StopOfThread scope(&stop);
  RangeCollector collector({request.metric, items.normalized, request.keys}, thresholds,
                           request.most_result_bytes, stop);
  // A range has no k; one result makes the shortest lists, and the planner's choice the one for few
  // results.
  Call(context, request, 1, loan.memory(), collector).run();
  loan.keep();
  collector.check_complete();
  base::throw_if_stopped();
  return collector.result(request.threads);
}

}  // namespace maxdot::search
