// What the server counts and measures, as Prometheus reads it.
#pragma once

#include <prometheus/registry.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "server/models/models.hpp"

namespace maxdot::server {

enum class Protocol { grpc, http };
const char* to_string(Protocol protocol) noexcept;

/// Every member may be called from any number of threads.
class Metrics {
 public:
  Metrics();

  /// An inference request was answered. `code` is "ok" or an error's. `model` is empty unless the
  /// server has it: names that clients make up must not become time series.
  void answered(const std::string& model, Protocol protocol, const char* code, double seconds,
                std::size_t queries);
  /// A change of items was answered, in the same way.
  void written(const std::string& model, const char* kind, Protocol protocol, const char* code,
               double seconds);
  /// What counts the searches of a model. It must not outlive this.
  BatchObserver observer_of(const std::string& model);
  void connection_opened();
  void connection_closed();
  void connection_refused();
  void set_ready(bool ready);

  /// These, and what the models tell of themselves, in the text format, version 0.0.4.
  std::string text(const std::vector<ModelState>& models) const;

 private:
  prometheus::Registry registry_;
  prometheus::Family<prometheus::Counter>& requests_;
  prometheus::Family<prometheus::Histogram>& seconds_;
  prometheus::Family<prometheus::Histogram>& queries_;
  prometheus::Family<prometheus::Histogram>& queue_seconds_;
  prometheus::Family<prometheus::Histogram>& search_seconds_;
  prometheus::Family<prometheus::Histogram>& batch_queries_;
  prometheus::Family<prometheus::Counter>& candidates_;
  prometheus::Family<prometheus::Counter>& rescored_;
  prometheus::Family<prometheus::Counter>& writes_;
  prometheus::Family<prometheus::Histogram>& write_seconds_;
  prometheus::Gauge& connections_;
  prometheus::Counter& refused_;
  prometheus::Gauge& ready_;
};

}  // namespace maxdot::server
