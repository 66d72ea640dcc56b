// What a long command tells of how far it is.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "console/progress.hpp"

using namespace maxdot::tools;

TEST_CASE("progress: speed counts what this run did, and the time left follows from it") {
  const Pace pace = pace_of(400'000, 412'000, 1'000'000, 30.0);
  CHECK(pace.per_second == 400.0);
  CHECK(pace.seconds_left == 1470.0);
  CHECK(progress_text("scoring", "users", pace) ==
        "scoring 412,000 of 1,000,000 users  41.2 %  400/s  24:30 left");
  CHECK(progress_event("users", pace).dump() ==
        R"({"event":"progress","users":412000,"of":1000000,"users_per_second":400.0,)"
        R"("seconds_left":1470.0})");
}

TEST_CASE("progress: no speed is told before anything was done") {
  const Pace pace = pace_of(7, 7, 10, 5.0);
  CHECK(progress_text("scoring", "users", pace) == "scoring 7 of 10 users");
  CHECK(progress_event("users", pace).dump() ==
        R"({"event":"progress","users":7,"of":10,"users_per_second":null,"seconds_left":null})");
  CHECK(pace_of(0, 0, 0, 0.0).per_second == 0.0);
}
