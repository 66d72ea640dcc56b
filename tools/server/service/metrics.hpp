// What the server counts and measures, as Prometheus reads it.
#pragma once

#include <prometheus/registry.h>

#include <cstddef>
#include <memory>
#include <string>

#include "server/models/models.hpp"

namespace maxdot::server {

enum class Protocol { grpc, http };
const char* to_string(Protocol protocol) noexcept;

/// Every member may be called from any number of threads.
class Metrics {
 public:
  explicit Metrics(const Models& models);

  /// An inference request was answered. `code` is "ok" or an error's. `model` is empty unless the
  /// server has it: names that clients make up must not become time series.
  void answered(const std::string& model, Protocol protocol, const char* code, double seconds,
                std::size_t queries);
  /// A change of items was answered, in the same way.
  void written(const std::string& model, const char* kind, Protocol protocol, const char* code,
               double seconds);
  void connection_opened();
  void connection_closed();
  void connection_refused();
  void set_ready(bool ready);

  /// In the text format, version 0.0.4.
  std::string text() const;

 private:
  const Models& models_;
  prometheus::Registry registry_;
  prometheus::Family<prometheus::Counter>& requests_;
  prometheus::Family<prometheus::Histogram>& seconds_;
  prometheus::Family<prometheus::Histogram>& queries_;
  prometheus::Family<prometheus::Counter>& writes_;
  prometheus::Family<prometheus::Histogram>& write_seconds_;
  prometheus::Gauge& connections_;
  prometheus::Counter& refused_;
  prometheus::Gauge& ready_;
};

}  // namespace maxdot::server
