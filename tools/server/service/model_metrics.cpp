#include "server/service/model_metrics.hpp"

#include <string>

namespace maxdot::server {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

struct Sample {
  const char* name;
  const char* help;
  MetricType type;
  double (*value)(const ModelInfo& info, const BatcherStats& stats);
};

double number(std::uint64_t value) { return static_cast<double>(value); }

constexpr Sample kSamples[] = {
    {"maxdot_model_items", "Items that are searched", MetricType::Gauge,
     [](const ModelInfo& info, const BatcherStats&) { return number(info.items); }},
    {"maxdot_model_bytes", "Bytes of the index", MetricType::Gauge,
     [](const ModelInfo& info, const BatcherStats&) { return number(info.bytes); }},
    {"maxdot_model_dimension", "Values of an item", MetricType::Gauge,
     [](const ModelInfo& info, const BatcherStats&) { return number(info.dimension); }},
    {"maxdot_waiting_queries", "Queries that wait for a search", MetricType::Gauge,
     [](const ModelInfo&, const BatcherStats& stats) { return number(stats.waiting_queries); }},
    {"maxdot_largest_batch_queries", "Queries of the largest batch so far", MetricType::Gauge,
     [](const ModelInfo&, const BatcherStats& stats) { return number(stats.largest_batch); }},
    {"maxdot_batches_total", "Searches, each for the requests of a batch", MetricType::Counter,
     [](const ModelInfo&, const BatcherStats& stats) { return number(stats.batches); }},
    {"maxdot_batch_queries_total", "Queries of all batches", MetricType::Counter,
     [](const ModelInfo&, const BatcherStats& stats) { return number(stats.queries); }},
    {"maxdot_overloaded_total", "Requests that were refused since too much waited",
     MetricType::Counter,
     [](const ModelInfo&, const BatcherStats& stats) { return number(stats.overloaded); }},
    {"maxdot_timeouts_total", "Requests whose search had not begun in time", MetricType::Counter,
     [](const ModelInfo&, const BatcherStats& stats) { return number(stats.timeouts); }}};

ClientMetric metric(std::vector<ClientMetric::Label> labels, MetricType type, double value) {
  ClientMetric made;
  made.label = std::move(labels);
  if (type == MetricType::Counter) {
    made.counter.value = value;
  } else {
    made.gauge.value = value;
  }
  return made;
}

}  // namespace

std::vector<MetricFamily> families_of(const std::vector<ModelState>& models) {
  MetricFamily ready{"maxdot_model_ready", "1 if the model answers", MetricType::Gauge, {}};
  MetricFamily version{
      "maxdot_model_version", "1 for the version that is searched", MetricType::Gauge, {}};
  MetricFamily loads{
      "maxdot_model_loads_total", "Loads and reloads, by result", MetricType::Counter, {}};
  std::vector<MetricFamily> families;
  for (const Sample& sample : kSamples)
    families.push_back({sample.name, sample.help, sample.type, {}});
  for (const ModelState& state : models) {
    const ClientMetric::Label name{"model", state.name};
    ready.metric.push_back(metric({name}, MetricType::Gauge, state.model != nullptr ? 1.0 : 0.0));
    loads.metric.push_back(
        metric({name, {"result", "ok"}}, MetricType::Counter, number(state.loads)));
    loads.metric.push_back(
        metric({name, {"result", "failed"}}, MetricType::Counter, number(state.failed_loads)));
    if (state.model == nullptr) continue;
    const ModelInfo info = state.model->info();
    const BatcherStats stats = state.model->stats();
    version.metric.push_back(metric({name, {"version", info.version}}, MetricType::Gauge, 1.0));
    for (std::size_t i = 0; i < families.size(); ++i) {
      const Sample& sample = kSamples[i];
      families[i].metric.push_back(metric({name}, sample.type, sample.value(info, stats)));
    }
  }
  families.push_back(std::move(ready));
  families.push_back(std::move(version));
  families.push_back(std::move(loads));
  return families;
}

}  // namespace maxdot::server
