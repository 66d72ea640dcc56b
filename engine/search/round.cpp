#include "search/round.hpp"

#include <algorithm>
#include <atomic>
#include <limits>

#include "base/parallel.hpp"
#include "search/collect/range_collector.hpp"
#include "search/collect/top_k_collector.hpp"
#include "search/scan/code_scan.hpp"
#include "search/scan/f32_scan.hpp"
#include "search/scan/listed_scan.hpp"

namespace maxdot::search {
namespace {

// [queries] Waking a thread takes longer than ending the sample of so many. ("Small batches")
constexpr std::size_t kSampledPerTask = 16;

// A bound that everything reaches.
constexpr double kNothing = -std::numeric_limits<double>::infinity();

}  // namespace

template <typename Collector>
Round<Collector>::Round(const CallContext& context, const Plan& plan,
                        std::span<const std::size_t> rows, CallMemory& memory,
                        Collector& collector) noexcept
    : context_(context),
      plan_(plan),
      rows_(rows),
      memory_(memory),
      collector_(collector),
      count_(rows.size()),
      scan_{.items = context.items,
            .kernels = context.table,
            .tuning = tuning_of(context.table),
            .queries = memory.queries,
            .ranking = context.ranking,
            .filters = context.filters,
            .shared = memory.shared,
            .several_tasks = plan.chunks > 1,
            .reads = context.reads} {}

template <typename Collector>
void Round<Collector>::run(std::span<QueryState> states) noexcept {
  prepare(states);
  switch (plan_.method) {
    case Method::coarse:
    case Method::five:
    case Method::six:
    case Method::fine:
      scan_by_codes(states);
      break;
    case Method::f32:
      scan_rows();
      break;
    case Method::listed:
      scan_lists();
      break;
  }
  conclude(states);
}

template <typename Collector>
void Round<Collector>::prepare(std::span<QueryState> states) noexcept {
  memory_.queries.prepare(context_.queries, rows_, context_.ranking, context_.table,
                          context_.threads);
  if (context_.filters != nullptr) context_.filters->prepare(rows_, context_.threads);
  for (std::size_t q = 0; q < count_; ++q) {
    memory_.shared.set(q, std::max(states[q].bound(), collector_.first_bound(rows_[q])));
  }
}

template <typename Collector>
void Round<Collector>::scan_by_codes(std::span<QueryState> states) noexcept {
  memory_.codes.prepare(memory_.queries, context_.items.dimension,
                        codes_read(plan_.method, context_.table), context_.table.codes,
                        context_.threads);
  for (std::size_t q = 0; q < count_; ++q) {
    if (!memory_.queries.screenable(q)) states[q].leave_codes();
    memory_.by_codes[q] = memory_.queries.screenable(q) ? 1 : 0;
  }
  const bool nothing_known = std::none_of(
      states.begin(), states.end(),
      [](const QueryState& state) { return state.stage() == QueryState::Stage::certain; });
  if (plan_.sample_kept == 0 || !nothing_known) {
    collector_.open(rows_, plan_.chunks, plan_.list_entries);
    return scan_codes_in(Pass::all);
  }
  if (collector_.knows_bounds()) {
    collector_.open(rows_, plan_.chunks, plan_.list_entries);
    scan_codes_in(Pass::all);
    return leave_wasteful(states);
  }
  // Selecting is enough if nothing above the guesses was dropped. Thresholds that are given need no
  // guess.
  if (!Collector::List::kRises || !scan_sample(Pass::select, states))
    scan_sample(Pass::sample, states);
  scan_codes_in(Pass::rest);
}

// Without a sample, what shows that the codes do not suit a query is the scan itself.
template <typename Collector>
void Round<Collector>::leave_wasteful(std::span<QueryState> states) noexcept {
  for (std::size_t q = 0; q < count_; ++q) {
    std::uint64_t wasted = 0;
    for (std::size_t chunk = 0; chunk < plan_.chunks; ++chunk)
      wasted += memory_.notes[chunk * count_ + q].wasted;
    if (wasted > most_wasted(Pass::all)) states[q].leave_codes();
  }
}

// In a pass over a sample as much as the plan says, and in one over all, of which there was no
// sample, as much more as it has more items. After a sample there is no limit.
template <typename Collector>
std::uint64_t Round<Collector>::most_wasted(Pass pass) const noexcept {
  if (pass == Pass::sample) return plan_.most_wasted;
  return pass == Pass::all && collector_.knows_bounds() && plan_.sample_kept != 0
             ? plan_.most_wasted * plan_.sample_step
             : std::numeric_limits<std::uint64_t>::max();
}

// Guesses a threshold for each query, and notices which queries codes do not suit. Returns whether
// all items of the sample above the guesses stand in the lists, which go on with what they have.
template <typename Collector>
bool Round<Collector>::scan_sample(Pass pass, std::span<QueryState> states) noexcept {
  collector_.open_sample(rows_, plan_.chunks, plan_.list_entries, plan_.sample_kept);
  scan_codes_in(pass);
  std::atomic<bool> complete = true;
  const std::size_t tasks = (count_ + kSampledPerTask - 1) / kSampledPerTask;
  base::parallel_for(tasks, context_.threads, [&](std::size_t task, int number) noexcept {
    const std::size_t end = std::min(count_, (task + 1) * kSampledPerTask);
    for (std::size_t q = task * kSampledPerTask; q < end; ++q) {
      if (!end_sample(pass, q, states[q], static_cast<std::size_t>(number))) complete = false;
    }
  });
  return complete;
}

// What the sample says of a query: that codes do not suit it, or what its threshold may be. Returns
// whether all items of the sample above the guess were found, with little work. Selecting wastes
// some in every task; so it leaves the decision to the sample.
template <typename Collector>
bool Round<Collector>::end_sample(Pass pass, std::size_t q, QueryState& state,
                                  std::size_t worker) noexcept {
  QueryNote all;
  for (std::size_t chunk = 0; chunk < plan_.chunks; ++chunk) {
    const QueryNote& note = memory_.notes[chunk * count_ + q];
    all.wasted += note.wasted;
    all.complete_above = std::max(all.complete_above, note.complete_above);
  }
  const auto complete = [&](double key) noexcept {
    return all.complete_above == kNothing || memory_.queries.reach(q, key) > all.complete_above;
  };
  const double guess = collector_.guess(q, worker, plan_.sample_least, complete);
  const bool wasteful = all.wasted > plan_.most_wasted;
  if (wasteful && pass == Pass::sample) {
    state.leave_codes();
    memory_.by_codes[q] = 0;
  }
  if (state.stage() == QueryState::Stage::by_f32) return true;
  if (guess != kNothing) {
    memory_.shared.set(q, guess);
    state.guess(guess);
  }
  return complete(guess) && !wasteful;
}

template <typename Collector>
template <typename Scan>
void Round<Collector>::for_each_task(Scan&& scan) noexcept {
  const std::size_t blocks = (count_ + plan_.block_queries - 1) / plan_.block_queries;
  base::parallel_for(blocks * plan_.chunks, context_.threads,
                     [&](std::size_t number, int worker_number) noexcept {
                       const std::size_t first = number / plan_.chunks * plan_.block_queries;
                       const std::size_t chunk = number % plan_.chunks;
                       const Task task = {.first_query = first,
                                          .queries = std::min(plan_.block_queries, count_ - first),
                                          .first_tile = plan_.first_tile(chunk),
                                          .end_tile = plan_.first_tile(chunk + 1)};
                       scan(task, collector_.lists(chunk, first),
                            memory_.notes.data() + chunk * count_ + first, worker(worker_number));
                     });
}

template <typename Collector>
void Round<Collector>::scan_codes_in(Pass pass) noexcept {
  const CodeScanContext context = {
      .scan = scan_,
      .codes = memory_.codes,
      .read = codes_read(plan_.method, context_.table),
      .pass = pass,
      .sample_step = plan_.sample_step,
      .sample_bounds = plan_.sample_bounds,
      .most_wasted = most_wasted(pass),
      .deferred = pass == Pass::select ? plan_.sample_deferred : plan_.deferred,
      .by_codes = memory_.by_codes.data()};
  std::fill_n(memory_.notes.begin(), count_ * plan_.chunks, QueryNote{});
  for_each_task([&](const Task& task, auto* lists, QueryNote* notes, CallMemory::Worker& own) {
    scan_codes(context, task, lists, notes, own.codes, own.rows, own.counts);
  });
}

template <typename Collector>
void Round<Collector>::scan_rows() noexcept {
  const bounds::F32Bound bound(context_.items, context_.ranking);
  collector_.open(rows_, plan_.chunks, plan_.list_entries);
  for_each_task([&](const Task& task, auto* lists, QueryNote*, CallMemory::Worker& own) {
    scan_f32(scan_, bound, task, lists, own.f32, own.rows, own.counts);
  });
}

template <typename Collector>
void Round<Collector>::scan_lists() noexcept {
  collector_.open(rows_, 1, plan_.list_entries);
  base::parallel_for(count_, context_.threads, [&](std::size_t q, int number) noexcept {
    CallMemory::Worker& own = worker(number);
    scan_listed(scan_, q, collector_.lists(0, q), own.rows, own.counts);
  });
}

// Writes what is right. A query whose guess was too high is scanned again from the k-th key that
// was found.
template <typename Collector>
void Round<Collector>::conclude(std::span<QueryState> states) noexcept {
  base::parallel_for(count_, context_.threads, [&](std::size_t q, int number) noexcept {
    const auto own = static_cast<std::size_t>(number);
    QueryState& state = states[q];
    if (state.stage() == QueryState::Stage::by_f32) return;
    const double last_key = collector_.join(q, rows_[q], own);
    if (state.proven_by(last_key)) {
      collector_.write(rows_[q], own);
      state.finish();
    } else {
      state = QueryState::certain(last_key);
    }
  });
}

template class Round<TopKCollector>;
template class Round<RangeCollector>;

}  // namespace maxdot::search
