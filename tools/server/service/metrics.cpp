#include "server/service/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/text_serializer.h>

#include <iterator>
#include <string_view>
#include <utility>

#include "server/service/model_metrics.hpp"

namespace maxdot::server {
namespace {

// [seconds] From what a small catalogue takes to what no client waits for.
const prometheus::Histogram::BucketBoundaries kSeconds = {
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
    0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};
const prometheus::Histogram::BucketBoundaries kQueries = {1,  2,   4,   8,   16,  32,
                                                          64, 128, 256, 512, 1024};

}  // namespace

const char* to_string(Protocol protocol) noexcept {
  return protocol == Protocol::grpc ? "grpc" : "http";
}

Metrics::Metrics()
    : requests_(prometheus::BuildCounter()
                    .Name("maxdot_requests_total")
                    .Help("Inference requests that were answered, by code")
                    .Register(registry_)),
      seconds_(prometheus::BuildHistogram()
                   .Name("maxdot_request_seconds")
                   .Help("Of a request, if ok: decoding, waiting and search")
                   .Register(registry_)),
      queries_(prometheus::BuildHistogram()
                   .Name("maxdot_request_queries")
                   .Help("Queries of a request that was answered ok")
                   .Register(registry_)),
      queue_seconds_(prometheus::BuildHistogram()
                         .Name("maxdot_queue_seconds")
                         .Help("Of a request, until its search began")
                         .Register(registry_)),
      search_seconds_(prometheus::BuildHistogram()
                          .Name("maxdot_search_seconds")
                          .Help("Of a search, which answers the requests that share it")
                          .Register(registry_)),
      batch_queries_(prometheus::BuildHistogram()
                         .Name("maxdot_batch_queries")
                         .Help("Queries of a search")
                         .Register(registry_)),
      candidates_(prometheus::BuildCounter()
                      .Name("maxdot_candidates_total")
                      .Help("Pairs of query and item that the codes could not rule out")
                      .Register(registry_)),
      rescored_(prometheus::BuildCounter()
                    .Name("maxdot_rescored_total")
                    .Help("Pairs of query and item that were scored in f64")
                    .Register(registry_)),
      writes_(prometheus::BuildCounter()
                  .Name("maxdot_writes_total")
                  .Help("Requests to change items that were answered, by code")
                  .Register(registry_)),
      write_seconds_(prometheus::BuildHistogram()
                         .Name("maxdot_write_seconds")
                         .Help("Of such a request, if ok: decoding, waiting and the disk")
                         .Register(registry_)),
      connections_(prometheus::BuildGauge()
                       .Name("maxdot_http_connections")
                       .Help("HTTP connections that are open")
                       .Register(registry_)
                       .Add({})),
      refused_(prometheus::BuildCounter()
                   .Name("maxdot_http_connections_refused_total")
                   .Help("HTTP connections that were closed at once: there were --max-connections")
                   .Register(registry_)
                   .Add({})),
      ready_(prometheus::BuildGauge()
                 .Name("maxdot_ready")
                 .Help("1 while the server takes requests")
                 .Register(registry_)
                 .Add({})) {}

void Metrics::answered(const std::string& model, Protocol protocol, const char* code,
                       double seconds, std::size_t queries) {
  const char* const name = to_string(protocol);
  requests_.Add({{"model", model}, {"protocol", name}, {"code", code}}).Increment();
  if (code != std::string_view("ok")) return;
  seconds_.Add({{"model", model}, {"protocol", name}}, kSeconds).Observe(seconds);
  queries_.Add({{"model", model}, {"protocol", name}}, kQueries)
      .Observe(static_cast<double>(queries));
}

void Metrics::written(const std::string& model, const char* kind, Protocol protocol,
                      const char* code, double seconds) {
  const char* const name = to_string(protocol);
  writes_.Add({{"model", model}, {"kind", kind}, {"protocol", name}, {"code", code}}).Increment();
  if (code != std::string_view("ok")) return;
  write_seconds_.Add({{"model", model}, {"kind", kind}, {"protocol", name}}, kSeconds)
      .Observe(seconds);
}

BatchObserver Metrics::observer_of(const std::string& model) {
  const prometheus::Labels labels = {{"model", model}};
  return [&waited = queue_seconds_.Add(labels, kSeconds),
          &searched = search_seconds_.Add(labels, kSeconds),
          &queries = batch_queries_.Add(labels, kQueries), &candidates = candidates_.Add(labels),
          &rescored = rescored_.Add(labels)](const BatchReport& report) {
    for (const double seconds : report.waited) waited.Observe(seconds);
    searched.Observe(report.seconds);
    queries.Observe(static_cast<double>(report.queries));
    candidates.Increment(static_cast<double>(report.stats.candidates));
    rescored.Increment(static_cast<double>(report.stats.rescored));
  };
}

void Metrics::connection_opened() { connections_.Increment(); }
void Metrics::connection_closed() { connections_.Decrement(); }
void Metrics::connection_refused() { refused_.Increment(); }
void Metrics::set_ready(bool ready) { ready_.Set(ready ? 1.0 : 0.0); }

std::string Metrics::text(const std::vector<ModelState>& models) const {
  std::vector<prometheus::MetricFamily> families = registry_.Collect();
  std::vector<prometheus::MetricFamily> of_models = families_of(models);
  families.insert(families.end(), std::make_move_iterator(of_models.begin()),
                  std::make_move_iterator(of_models.end()));
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace maxdot::server
