#include "search/search.hpp"

#include <algorithm>
#include <memory>
#include <new>
#include <optional>

#include "base/stop.hpp"
#include "maxdot/error.hpp"
#include "search/call.hpp"
#include "search/collect/results.hpp"
#include "search/collect/top_k_collector.hpp"

namespace maxdot::search {
namespace {

void write_nothing(const Request& request, const Reported& reported,
                   const ResultView& out) noexcept {
  for (std::size_t row = 0; row < request.queries.rows; ++row)
    write_results({}, reported, row, request.k, out);
}

}  // namespace

void search(const store::ItemStore& items, const kernels::KernelTable& table,
            const Request& request, const ResultView& out) {
  const Reported reported = {request.metric, items.normalized, request.keys};
  if (request.stats != nullptr) {
    *request.stats = {};
    request.stats->queries = request.queries.rows;
  }
  if (request.queries.rows == 0) return;
  if (request.k == 0 || items.items == 0) return write_nothing(request, reported, out);
  try {
    CallMemoryLoan loan(request.kept);
    CallMemory& memory = loan.memory();
    // A row that cannot be read ends the call.
    std::optional<base::Stop> stop;
    std::optional<store::RowReads> reads;
    if (items.row_file != nullptr)
      reads.emplace(*items.row_file, stop.emplace(StopOptions{}, base::current_stop()));
    const base::StopOfThread scope(stop ? &*stop : base::current_stop());
    const CallContext context =
        make_context(items, table, request, memory, reads ? &*reads : nullptr);
    // A list keeps k results, or all that a query may return if that is less.
    const std::size_t permitted =
        context.filters == nullptr ? items.items : context.filters->most_permitted();
    const std::size_t kept = std::min(request.k, permitted);
    if (kept == 0) {
      write_nothing(request, reported, out);
    } else {
      TopKCollector collector(out, reported, request.k, kept, request.floors, memory.top_k);
      Call(context, request, kept, memory, collector).run();
    }
    loan.keep();
    if (reads) reads->throw_if_failed();
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::out_of_memory,
                "not enough memory for the search; use a smaller k or fewer queries");
  }
}

}  // namespace maxdot::search
