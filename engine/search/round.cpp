#include "search/round.hpp"

#include <algorithm>

#include "base/parallel.hpp"
#include "search/rescorer.hpp"
#include "search/results.hpp"

namespace maxdot::search {
void RoundMemory::reserve(const Plan& plan, const RoundContext& context) {
  const std::size_t heaps = plan.round_queries * plan.chunks;
  const std::size_t dimension = context.items.dimension;
  entries.ensure(heaps * plan.heap_entries, "search results");
  best.reserve(heaps);
  rejected.resize(std::max(rejected.size(), heaps));
  shared.reserve(plan.round_queries);
  guesses.resize(std::max(guesses.size(), plan.round_queries));
  last_keys.resize(std::max(last_keys.size(), plan.round_queries));
  defeated.resize(std::max(defeated.size(), plan.round_queries));
  workers.resize(std::max(workers.size(), static_cast<std::size_t>(context.threads)));
  for (Worker& worker : workers) {
    worker.f32.prepare(dimension);
    worker.codes.prepare(dimension, plan.block_queries, plan.deferred);
    worker.found.reserve(std::min(plan.chunks * plan.heap_entries, context.items.items));
  }
  batch.reserve(plan.round_queries, dimension);
  codes.reserve(plan.round_queries, dimension);
  if (context.filters != nullptr) context.filters->reserve(plan.round_queries);
}

bool RoundMemory::holds(const Plan& plan, const RoundContext& context) const noexcept {
  const std::size_t heaps = plan.round_queries * plan.chunks;
  const std::size_t found = std::min(plan.chunks * plan.heap_entries, context.items.items);
  const auto has_room = [found](const Worker& worker) { return found <= worker.found.capacity(); };
  if (context.filters != nullptr && !context.filters->holds(plan.round_queries)) return false;
  return plan.round_queries <= guesses.size() && heaps <= rejected.size() && heaps <= best.capacity() &&
         heaps * plan.heap_entries <= entries.size() &&
         std::all_of(workers.begin(), workers.end(), has_room);
}

std::size_t RoundMemory::bytes() const noexcept {
  std::size_t found = 0;
  std::size_t waiting = 0;
  for (const Worker& worker : workers) {
    found += worker.found.capacity();
    waiting += worker.codes.waiting_bytes();
  }
  return (entries.size() + found) * sizeof(Entry) + best.capacity() * sizeof(TopK) + batch.bytes() +
         filters.bytes() + waiting;
}

Round::Round(const RoundContext& context, const Plan& plan, std::span<const std::size_t> rows,
             RoundMemory& memory) noexcept
    : context_(context),
      plan_(plan),
      rows_(rows),
      memory_(memory),
      count_(rows.size()),
      ranking_(base::ranking_of(context.metric, context.items.normalized)) {}

void Round::run(std::span<const double> bounds) noexcept {
  memory_.batch.prepare(context_.queries, rows_, ranking_, context_.table, context_.threads);
  if (context_.filters != nullptr) context_.filters->prepare(rows_, context_.threads);
  memory_.best.clear();
  for (std::size_t i = 0; i < count_ * plan_.chunks; ++i) {
    memory_.best.emplace_back(memory_.entries.data() + i * plan_.heap_entries, context_.kept);
  }
  std::fill_n(memory_.rejected.begin(), count_ * plan_.chunks, 0U);
  const bool codes = plan_.method == Method::coarse || plan_.method == Method::fine;
  for (std::size_t q = 0; q < count_; ++q) {
    memory_.guesses[q] = kNoBound;
    memory_.defeated[q] = codes && !memory_.batch.screenable(q) ? 1 : 0;
    memory_.shared.set(q, memory_.defeated[q] != 0 ? kEverythingOut : bounds.empty() ? kNoBound : bounds[q]);
  }
  if (plan_.method == Method::listed) {
    run_listed();
  } else if (plan_.method == Method::f32) {
    run_f32();
  } else {
    memory_.codes.prepare(memory_.batch, context_.items.dimension, context_.table.codes, context_.threads);
    if (bounds.empty() && plan_.sample_kept != 0) {
      sample();
      const std::uint8_t* defeated = memory_.defeated.data();
      if (std::find(defeated, defeated + count_, std::uint8_t{0}) != defeated + count_) run_codes(Pass::rest);
    } else {
      run_codes(Pass::all);
    }
  }
  base::parallel_for(count_, context_.threads, [&](std::size_t q, int worker) noexcept {
    write(q, memory_.workers[static_cast<std::size_t>(worker)].found);
  });
}

template <typename Scan>
void Round::for_each_task(Scan&& scan) noexcept {
  const std::size_t blocks = (count_ + plan_.block_queries - 1) / plan_.block_queries;
  base::parallel_for(blocks * plan_.chunks, context_.threads, [&](std::size_t task, int worker) noexcept {
    const std::size_t first = task / plan_.chunks * plan_.block_queries;
    const std::size_t chunk = task % plan_.chunks;
    scan(first, std::min(plan_.block_queries, count_ - first), chunk,
         memory_.workers[static_cast<std::size_t>(worker)]);
  });
}

void Round::run_codes(Pass pass) noexcept {
  const CodeScanContext scan_context = {
      context_.items, context_.table,
      memory_.batch,  memory_.codes,
      ranking_,       plan_.method == Method::coarse ? Codes::coarse : Codes::fine,
      memory_.shared, plan_.chunks > 1, plan_.sample_step, plan_.most_sample_rejected, context_.filters, plan_.deferred};
  for_each_task([&](std::size_t first, std::size_t size, std::size_t chunk, RoundMemory::Worker& worker) {
    scan_codes(scan_context, pass, first, size, first_tile(chunk), first_tile(chunk + 1), &best(chunk, first),
               memory_.rejected.data() + chunk * count_ + first, worker.codes, worker.counts);
  });
}

void Round::run_f32() noexcept {
  const F32ScanContext scan_context = {context_.items, context_.table,
                                       memory_.batch,  ranking_,
                                       F32Screen(context_.items, ranking_), plan_.chunks > 1 ? &memory_.shared : nullptr,
                                       context_.filters};
  for_each_task([&](std::size_t first, std::size_t size, std::size_t chunk, RoundMemory::Worker& worker) {
    scan_f32(scan_context, first, size, first_tile(chunk), first_tile(chunk + 1), &best(chunk, first), worker.f32,
             worker.counts);
  });
}

void Round::run_listed() noexcept {
  base::parallel_for(count_, context_.threads, [&](std::size_t q, int worker) noexcept {
    Rescorer<TopK> rescorer(context_.items, context_.table, memory_.batch, ranking_, q, &best(0, q),
                            &memory_.rejected[q]);
    const auto ignore = [](std::size_t) {};
    std::uint64_t scored = 0;
    context_.filters->for_each_permitted(q, [&](std::size_t row) {
      rescorer.push(0, row, ignore);
      ++scored;
    });
    rescorer.drain(ignore);
    memory_.workers[static_cast<std::size_t>(worker)].counts.rescored += scored;
  });
}

void Round::sample() noexcept {
  for (std::size_t i = 0; i < count_ * plan_.chunks; ++i) {
    memory_.best[i] = TopK(memory_.entries.data() + i * plan_.heap_entries, plan_.sample_kept);
  }
  run_codes(Pass::sample);
  base::parallel_for(count_, context_.threads, [&](std::size_t q, int worker) noexcept {
    guess(q, memory_.workers[static_cast<std::size_t>(worker)].found);
  });
}

// From the best of the sample to a threshold for the rest that is almost surely a lower bound of the k-th best key.
void Round::guess(std::size_t q, std::vector<Entry>& found) noexcept {
  gather(q, found);
  std::size_t rejected = 0;
  for (std::size_t chunk = 0; chunk < plan_.chunks; ++chunk) {
    rejected += memory_.rejected[chunk * count_ + q];
    best(chunk, q).grow(context_.kept);
  }
  if (rejected > plan_.most_sample_rejected) memory_.defeated[q] = 1;
  if (memory_.defeated[q] != 0) {
    memory_.shared.set(q, kEverythingOut);
    return;
  }
  if (found.size() < plan_.sample_kept) {
    memory_.shared.set(q, kNoBound);
    return;
  }
  const auto last = found.begin() + static_cast<std::ptrdiff_t>(plan_.sample_kept - 1);
  std::nth_element(found.begin(), last, found.end(), Better());
  memory_.guesses[q] = last->key;
  memory_.shared.set(q, last->key);
}

void Round::gather(std::size_t q, std::vector<Entry>& found) noexcept {
  found.clear();
  for (std::size_t chunk = 0; chunk < plan_.chunks; ++chunk) {
    found.insert(found.end(), best(chunk, q).begin(), best(chunk, q).end());
  }
}

void Round::write(std::size_t q, std::vector<Entry>& found) noexcept {
  gather(q, found);
  const std::size_t count = std::min(found.size(), context_.kept);
  const auto end = found.begin() + static_cast<std::ptrdiff_t>(count);
  if (count < found.size()) std::nth_element(found.begin(), end, found.end(), Better());
  std::sort(found.begin(), end, Better());
  memory_.last_keys[q] = count == context_.kept ? found[count - 1].key : kNoBound;
  const Reported reported = {context_.metric, context_.items.normalized, context_.keys};
  write_results({found.data(), count}, reported, rows_[q], context_.k, context_.out);
}

}  // namespace maxdot::search
