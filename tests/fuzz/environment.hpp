// Float environments that a host program may have set in the thread that calls the library.
#pragma once

#include <cfenv>
#include <cstddef>
#include <stdexcept>
#include <string>

#include "random.hpp"

namespace fuzz {

/// What a comparison throws: what differs, in words.
class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Environment {
  int rounding = FE_TONEAREST;
  bool flush_to_zero = false;
  bool denormals_are_zero = false;
  int trapping = 0;  ///< exceptions that raise SIGFPE

  std::string describe() const;
};

/// Half of the time the ordinary one.
Environment draw_environment(Random& random);

/// Sets an environment for as long as it lives.
class EnvironmentScope {
 public:
  explicit EnvironmentScope(const Environment& wanted);
  ~EnvironmentScope();
  EnvironmentScope(const EnvironmentScope&) = delete;
  EnvironmentScope& operator=(const EnvironmentScope&) = delete;

  /// Whether the environment is the one that was set; flags of past exceptions do not count.
  bool intact() const noexcept;

 private:
  Environment wanted_;
  std::fenv_t saved_;
};

/// Runs call() in the environment. Throws Failure if the call leaves another one behind.
template <typename Call>
void call_in(const Environment& environment, Call&& call) {
  bool intact = false;
  {
    const EnvironmentScope scope(environment);
    call();
    intact = scope.intact();
  }
  if (!intact) throw Failure("the call changed the float environment: " + environment.describe());
}

}  // namespace fuzz
