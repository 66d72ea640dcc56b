// The HTTP connections that are open, and what they share.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <set>

#include "server/service/service.hpp"

namespace maxdot::server {

/// A connection as those who end it see it.
class Endable {
 public:
  Endable() = default;
  Endable(const Endable&) = delete;
  Endable& operator=(const Endable&) = delete;
  virtual ~Endable() = default;
  /// Ends when it waits for a request; before, it answers the one under way. From any thread.
  virtual void end() = 0;
  virtual std::weak_ptr<Endable> self() = 0;
};

/// Every member may be called from any number of threads.
class Connections {
 public:
  Connections(Service& service, Metrics& metrics, std::size_t most, std::chrono::seconds timeout)
      : service_(service), metrics_(metrics), most_(most), timeout_(timeout) {}

  Service& service() noexcept { return service_; }
  std::chrono::seconds timeout() const noexcept { return timeout_; }

  /// Whether there may be one more; counts it as refused if not.
  bool has_room();
  void add(Endable& connection);
  void remove(Endable& connection) noexcept;
  std::size_t count() const;

  /// No connection takes another request.
  void end_all();
  bool ending() const noexcept { return ending_.load(); }

 private:
  Service& service_;
  Metrics& metrics_;
  std::size_t most_;
  std::chrono::seconds timeout_;
  std::atomic<bool> ending_ = false;
  mutable std::mutex mutex_;
  std::set<Endable*> open_;
};

}  // namespace maxdot::server
