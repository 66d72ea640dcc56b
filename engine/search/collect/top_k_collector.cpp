#include "search/collect/top_k_collector.hpp"

#include <algorithm>

namespace maxdot::search {

std::size_t TopKMemory::bytes() const noexcept {
  std::size_t count = entries.size();
  for (const std::vector<Entry>& one : joined) count += one.capacity();
  return count * sizeof(Entry) + lists.capacity() * sizeof(TopK);
}

void TopKCollector::reserve(std::size_t lists, std::size_t entries, std::size_t joined,
                            std::size_t threads) {
  memory_.entries.ensure(entries, "search results");
  memory_.lists.reserve(lists);
  memory_.joined.resize(std::max(memory_.joined.size(), threads));
  for (std::vector<Entry>& one : memory_.joined) one.reserve(joined);
}

void TopKCollector::open(std::size_t queries, std::size_t chunks, std::size_t list_entries,
                         std::size_t wanted) noexcept {
  queries_ = queries;
  chunks_ = chunks;
  wanted_ = wanted;
  memory_.lists.clear();
  for (std::size_t i = 0; i < queries * chunks; ++i) {
    memory_.lists.emplace_back(memory_.entries.data() + i * list_entries, wanted);
  }
}

void TopKCollector::open(std::span<const std::size_t> rows, std::size_t chunks,
                         std::size_t list_entries) noexcept {
  open(rows.size(), chunks, list_entries, kept_);
}

void TopKCollector::open_sample(std::span<const std::size_t> rows, std::size_t chunks,
                                std::size_t list_entries, std::size_t sample_kept) noexcept {
  open(rows.size(), chunks, list_entries, sample_kept);
}

double TopKCollector::join(std::size_t q, std::size_t, std::size_t worker) noexcept {
  std::vector<Entry>& found = memory_.joined[worker];
  gather(q, found);
  const std::size_t count = std::min(found.size(), kept_);
  const auto end = found.begin() + static_cast<std::ptrdiff_t>(count);
  if (count < found.size()) std::nth_element(found.begin(), end, found.end(), Better());
  found.erase(end, found.end());
  std::sort(found.begin(), found.end(), Better());
  return count == kept_ ? found.back().key : -std::numeric_limits<double>::infinity();
}

void TopKCollector::write(std::size_t row, std::size_t worker) noexcept {
  write_results(memory_.joined[worker], reported_, row, k_, out_);
}

void TopKCollector::gather(std::size_t q, std::vector<Entry>& joined) noexcept {
  joined.clear();
  for (std::size_t chunk = 0; chunk < chunks_; ++chunk) {
    joined.insert(joined.end(), lists(chunk, q)->begin(), lists(chunk, q)->end());
  }
}

}  // namespace maxdot::search
