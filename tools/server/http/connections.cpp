#include "server/http/connections.hpp"

#include <vector>

namespace maxdot::server {

bool Connections::has_room() {
  if (count() < most_) return true;
  metrics_.connection_refused();
  return false;
}

void Connections::add(Endable& connection) {
  const std::lock_guard lock(mutex_);
  if (open_.insert(&connection).second) metrics_.connection_opened();
}

void Connections::remove(Endable& connection) noexcept {
  const std::lock_guard lock(mutex_);
  if (open_.erase(&connection) != 0) metrics_.connection_closed();
}

std::size_t Connections::count() const {
  const std::lock_guard lock(mutex_);
  return open_.size();
}

void Connections::end_all() {
  ending_ = true;
  std::vector<std::shared_ptr<Endable>> open;  // one that ends meanwhile takes the lock
  {
    const std::lock_guard lock(mutex_);
    for (Endable* connection : open_) {
      if (auto held = connection->self().lock()) open.push_back(std::move(held));
    }
  }
  for (const auto& connection : open) connection->end();
}

}  // namespace maxdot::server
