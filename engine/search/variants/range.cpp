#include "search/variants/range.hpp"

#include <memory>
#include <optional>
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
  // The collector ends the call where results are more than may be taken, and a row that cannot be
  // read does.
  base::Stop stop({}, base::current_stop());
  const base::StopOfThread scope(&stop);
  std::optional<store::RowReads> reads;
  if (items.row_file != nullptr) reads.emplace(*items.row_file, stop);
  const CallContext context =
      make_context(items, table, request, loan.memory(), reads ? &*reads : nullptr);
  RangeCollector collector({request.metric, items.normalized, request.keys}, thresholds,
                           request.most_result_bytes, stop);
  // A range has no k; one result makes the shortest lists, and the planner's choice the one for few
  // results.
  Call(context, request, 1, loan.memory(), collector).run();
  loan.keep();
  if (reads) reads->throw_if_failed();
  collector.check_complete();
  base::throw_if_stopped();
  return collector.result(request.threads);
}

}  // namespace maxdot::search
