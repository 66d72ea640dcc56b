// How many public calls are under way in this process.
#pragma once

namespace maxdot::base {

/// While one lives, a public call is under way on this thread; several on one thread are one call.
class CallUnderWay {
 public:
  CallUnderWay() noexcept;
  CallUnderWay(const CallUnderWay&) = delete;
  CallUnderWay& operator=(const CallUnderWay&) = delete;
  ~CallUnderWay();
};

int calls_under_way() noexcept;

}  // namespace maxdot::base
