// Differential fuzzer: random searches, each against an oracle of our own, bit for bit. README.md
// has the manual.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <limits>
#include <optional>
#include <random>

#include "maxdot/index.hpp"
#include "maxdot/machine.hpp"
#include "workers.hpp"

int main(int argc, char** argv) {
  CLI::App app{"Compares random searches with an oracle, bit for bit."};
  std::optional<std::uint64_t> seed;
  std::optional<std::uint64_t> cases;
  std::optional<std::uint64_t> one;
  fuzz::Run run;
  run.jobs = maxdot::available_threads();
  app.add_option("--seed", seed,
                 "what the cases follow from; without it a fresh one, which is printed");
  app.add_option("--cases", cases, "how many cases to run")->check(CLI::PositiveNumber);
  app.add_option("--seconds", run.seconds, "how long to run; 60 without --cases")
      ->check(CLI::PositiveNumber);
  app.add_option("--case", one, "repeat the case of this seed, in this process")
      ->excludes("--seed");
  app.add_option("--jobs", run.jobs, "processes; every core without it")->check(CLI::Range(1, 64));
  CLI11_PARSE(app, argc, argv);

  try {
    std::printf("kernels of the public functions: %s (MAXDOT_ISA chooses)\n",
                maxdot::kernel_name());
    if (one) {
      const bool right = fuzz::run_one(*one);
      std::printf("1 cases, %d failures\n", right ? 0 : 1);
      return right ? 0 : 1;
    }
    run.seed = seed ? *seed : std::random_device{}();
    run.cases = cases.value_or(std::numeric_limits<std::uint64_t>::max());
    if (!cases && !run.seconds) run.seconds = 60.0;
    run.progress = isatty(STDERR_FILENO) != 0;
    std::printf("seed %llu\n", static_cast<unsigned long long>(run.seed));
    std::fflush(stdout);
    const fuzz::Outcome outcome = fuzz::run_workers(run);
    std::printf("%llu cases, %llu failures\n", static_cast<unsigned long long>(outcome.cases),
                static_cast<unsigned long long>(outcome.failures));
    return outcome.failures == 0 ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 2;
  }
}
