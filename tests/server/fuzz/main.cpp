// Sends right and damaged requests to what decodes them, in this process: nothing may crash, what
// is refused must be the request's fault, and right requests have the answers of Index::search.
#include <google/protobuf/stubs/logging.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdio>
#include <thread>

#include "grpc_case.hpp"
#include "http_case.hpp"
#include "maxdot/machine.hpp"
#include "write_case.hpp"

namespace {

using namespace maxdot::server::fuzz;

// Each case sends five requests, and follows from the seed and its number alone.
constexpr std::uint64_t kRequests = 5;

int run_case(const Subject& subject, std::uint64_t seed, std::uint64_t number) {
  std::seed_seq sequence{seed, seed >> 32, number, number >> 32};
  Random random(sequence);
  const Case asked = make_case(random, subject);
  switch (number % 3) {
    case 0:
      return run_http(random, subject, asked);
    case 1:
      return run_grpc(random, subject, asked);
    default:
      return run_write(random, subject, asked);
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Sends right and damaged requests to the server's decoding."};
  std::uint64_t seed = std::random_device{}();
  std::uint64_t requests = 1'000'000;
  std::uint64_t first = 0;
  app.add_option("--seed", seed,
                 "what the cases follow from; without it a fresh one, which is printed");
  app.add_option("--cases", requests, "how many requests to send")->check(CLI::PositiveNumber);
  app.add_option("--first", first, "the case to begin with, such as one that has failed");
  CLI11_PARSE(app, argc, argv);
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  google::protobuf::SetLogHandler(nullptr);  // it would report each damaged message

  const Subject subject = make_subject();
  const std::uint64_t end = first + (requests + kRequests - 1) / kRequests;
  std::atomic<std::uint64_t> next = first;
  std::atomic<std::uint64_t> answered = 0;
  std::atomic<std::uint64_t> failures = 0;
  const auto work = [&] {
    for (std::uint64_t number = next++; number < end; number = next++) {
      try {
        answered += static_cast<std::uint64_t>(run_case(subject, seed, number));
      } catch (const std::exception& error) {
        ++failures;
        std::printf("case %llu: %s\n", static_cast<unsigned long long>(number), error.what());
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < maxdot::available_threads(); ++i) threads.emplace_back(work);
  }
  std::printf("%llu requests, %llu answered, %llu failures\n",
              static_cast<unsigned long long>((end - first) * kRequests),
              static_cast<unsigned long long>(answered), static_cast<unsigned long long>(failures));
  return failures == 0 ? 0 : 1;
}
