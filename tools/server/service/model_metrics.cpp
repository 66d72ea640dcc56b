#include "server/service/model_metrics.hpp"

#include <iterator>
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
    {"maxdot_overloaded_total", "Requests that were refused since too much waited",
     MetricType::Counter,
     [](const ModelInfo&, const BatcherStats& stats) { return number(stats.overloaded); }},
    {"maxdot_timeouts_total", "Requests whose search had not begun in time", MetricType::Counter,
     [](const ModelInfo&, const BatcherStats& stats) { return number(stats.timeouts); }}};

struct LiveSample {
  const char* name;
  const char* help;
  MetricType type;
  double (*value)(const LiveStats& stats);
};

constexpr LiveSample kLiveSamples[] = {
    {"maxdot_live_version", "Of the catalogue; it rises by 1 with every change", MetricType::Gauge,
     [](const LiveStats& stats) { return number(stats.version); }},
    {"maxdot_live_segments", "Segments", MetricType::Gauge,
     [](const LiveStats& stats) { return number(stats.segments); }},
    {"maxdot_live_fresh_items", "Rows without codes", MetricType::Gauge,
     [](const LiveStats& stats) { return number(stats.fresh_items); }},
    {"maxdot_live_dead_items", "Rows of items that were removed or replaced", MetricType::Gauge,
     [](const LiveStats& stats) { return number(stats.dead_items); }},
    {"maxdot_live_log_bytes", "Bytes of the logs", MetricType::Gauge,
     [](const LiveStats& stats) { return number(stats.log_bytes); }},
    {"maxdot_live_compactions_total", "Compactions since the catalogue was opened",
     MetricType::Counter, [](const LiveStats& stats) { return number(stats.compactions); }},
    {"maxdot_live_compaction_failed", "1 if the last compaction failed; it is tried again",
     MetricType::Gauge,
     [](const LiveStats& stats) { return stats.compaction_error.empty() ? 0.0 : 1.0; }}};

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

void add_live(const LiveIndex& index, const ClientMetric::Label& name,
              std::vector<MetricFamily>& families) {
  LiveStats stats;
  try {
    stats = index.stats();
  } catch (const Error&) {
    return;  // its folder cannot be read; the other models have their metrics
  }
  for (std::size_t i = 0; i < families.size(); ++i) {
    const LiveSample& sample = kLiveSamples[i];
    families[i].metric.push_back(metric({name}, sample.type, sample.value(stats)));
  }
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
  std::vector<MetricFamily> live;
  for (const LiveSample& sample : kLiveSamples)
    live.push_back({sample.name, sample.help, sample.type, {}});
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
    if (state.model->live() == nullptr) {
      version.metric.push_back(metric({name, {"version", info.version}}, MetricType::Gauge, 1.0));
    } else {  // each of its versions would be a time series
      add_live(*state.model->live(), name, live);
    }
    for (std::size_t i = 0; i < families.size(); ++i) {
      const Sample& sample = kSamples[i];
      families[i].metric.push_back(metric({name}, sample.type, sample.value(info, stats)));
    }
  }
  families.insert(families.end(), std::make_move_iterator(live.begin()),
                  std::make_move_iterator(live.end()));
  families.push_back(std::move(ready));
  families.push_back(std::move(version));
  families.push_back(std::move(loads));
  return families;
}

}  // namespace maxdot::server
