#include "measure/user_metrics.hpp"

#include <algorithm>
#include <cmath>

namespace maxdot::measure {

Discounts::Discounts(std::size_t count) {
  double running = 0.0;
  for (std::size_t place = 1; place <= count; ++place) {
    at.push_back(1.0 / std::log2(static_cast<double>(place + 1)));
    running += at.back();
    sum.push_back(running);
  }
}

UserMetrics::UserMetrics(const Discounts& discounts, std::size_t longest) : discounts_(discounts) {
  relevant_.reserve(longest);
  found_.reserve(longest);
}

void UserMetrics::measure(std::span<const std::int64_t> relevant, const std::int64_t* retrieved,
                          std::span<const std::size_t> ks, evaluate::Convention convention,
                          Cell* cells) noexcept {
  relevant_.assign(relevant.begin(), relevant.end());
  std::sort(relevant_.begin(), relevant_.end());
  relevant_.erase(std::unique(relevant_.begin(), relevant_.end()), relevant_.end());
  found_.assign(relevant_.size(), 0);
  // RecHub counts a relevant item as often as it is listed.
  const std::size_t wanted =
      convention == evaluate::Convention::rechub ? relevant.size() : relevant_.size();

  double hits = 0.0;
  double reciprocal = 0.0;
  double gain = 0.0;
  double precisions = 0.0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < ks.size(); ++i) {
    for (; at < ks[i]; ++at) {
      if (!is_hit(retrieved[at], convention)) continue;
      const double place = static_cast<double>(at + 1);
      if (hits == 0.0) reciprocal = 1.0 / place;
      hits += 1.0;
      gain += discounts_.at[at];
      precisions += hits / place;
    }
    const std::size_t reachable = std::min(wanted, ks[i]);
    cells[i].hits = hits;
    cells[i].values = {.recall = hits / static_cast<double>(wanted),
                       .hit = hits > 0.0 ? 1.0 : 0.0,
                       .precision = hits / static_cast<double>(ks[i]),
                       .ndcg = gain / discounts_.sum[reachable - 1],
                       .mrr = reciprocal,
                       .map = precisions / static_cast<double>(reachable)};
    if (convention == evaluate::Convention::rechub) cells[i].values.hit = cells[i].values.recall;
  }
}

// A second retrieval of the same item is no second hit, except to RecHub.
bool UserMetrics::is_hit(std::int64_t id, evaluate::Convention convention) noexcept {
  const auto place = std::lower_bound(relevant_.begin(), relevant_.end(), id);
  if (place == relevant_.end() || *place != id) return false;
  std::uint8_t& found = found_[static_cast<std::size_t>(place - relevant_.begin())];
  if (found != 0 && convention == evaluate::Convention::standard) return false;
  found = 1;
  return true;
}

}  // namespace maxdot::measure
