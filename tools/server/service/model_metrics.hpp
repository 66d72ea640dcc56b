// What the models tell of themselves, as metrics, when Prometheus asks.
#pragma once

#include <prometheus/metric_family.h>

#include <vector>

#include "server/models/models.hpp"

namespace maxdot::server {

std::vector<prometheus::MetricFamily> families_of(const std::vector<ModelState>& models);

}  // namespace maxdot::server
