// Random histories of a LiveIndex, whose writer is killed again and again: at any of its system
// calls, at any moment, or with the power gone. After each life the folder must open to a state
// that has every acknowledged change and no half of one.
//
//   maxdot_live_histories --histories 20000 --seed 1
//
// A history is a folder and the steps of some writers (model.hpp). Its lives are processes: this
// program again, which tells of each step that is done.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "live/kill_points.hpp"
#include "live/model.hpp"
#include "maxdot/error.hpp"

extern char** environ;

using namespace maxdot;
using namespace maxdot::test;

namespace {

constexpr std::size_t kSteps = 12;    // of each writer
constexpr int kAcknowledgements = 3;  // the descriptor of a life's pipe

struct Acknowledgement {
  std::uint32_t writer;
  std::uint32_t steps;  // of it that are done
};

/// A folder of a history's own, gone when the history is.
class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "maxdot-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a folder");
    path_ = name;
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct History {
  std::uint64_t seed;
  Plan plan;
  std::string folder;
};

LiveIndex open_or_create(const History& history) {
  if (std::filesystem::exists(history.folder + "/manifest"))
    return LiveIndex::open(history.folder, history.plan.live);
  return LiveIndex::create(history.folder, history.plan.dimension, history.plan.catalogue,
                           history.plan.live);
}

/// One life: goes on from the steps that are done.
int lead_life(const History& history, const std::vector<std::size_t>& done, std::uint64_t end,
              Loss loss) {
  end_at_call(end, loss, history.seed ^ end);
  {
    LiveIndex index = open_or_create(history);
    std::vector<std::thread> writers;
    for (std::size_t w = 0; w < history.plan.writers; ++w) {
      writers.emplace_back([&, w] {
        for (std::size_t step = done[w]; step < kSteps; ++step) {
          carry_out(make_step(history.plan, history.seed, w, step), history.plan, index);
          const Acknowledgement told = {static_cast<std::uint32_t>(w),
                                        static_cast<std::uint32_t>(step + 1)};
          if (::write(kAcknowledgements, &told, sizeof(told)) != sizeof(told)) _exit(1);
        }
      });
    }
    for (std::thread& writer : writers) writer.join();
  }
  return 0;
}

/// Starts a life, and waits for its end. Updates what it has acknowledged. Returns how it ended.
int run_life(const History& history, std::vector<std::size_t>& acknowledged, std::uint64_t end,
             Loss loss, unsigned kill_after_us) {
  std::vector<std::string> arguments = {"histories",
                                        "--life",
                                        std::to_string(history.seed),
                                        history.folder,
                                        std::to_string(end),
                                        std::to_string(static_cast<int>(loss))};
  for (const std::size_t steps : acknowledged) arguments.push_back(std::to_string(steps));
  std::vector<char*> argv;
  for (std::string& one : arguments) argv.push_back(one.data());
  argv.push_back(nullptr);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return -1;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], kAcknowledgements);
  pid_t child = 0;
  const int failed = posix_spawn(&child, "/proc/self/exe", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  if (failed != 0) return -1;
  if (kill_after_us != 0) {
    ::usleep(kill_after_us);
    ::kill(child, SIGKILL);
  }
  Acknowledgement told;
  while (::read(ends[0], &told, sizeof(told)) == sizeof(told))
    acknowledged[told.writer] = told.steps;
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) return WTERMSIG(status) == SIGKILL ? kEndedAtCall : -1;
  return WEXITSTATUS(status);
}

Model model_after(const History& history, std::size_t writer, std::size_t steps) {
  Model model;
  for (std::size_t i = 0; i < steps; ++i)
    carry_out(make_step(history.plan, history.seed, writer, i), model);
  return model;
}

/// The items of one writer that the snapshot has.
Model part_of(const Snapshot& snapshot, const Plan& plan, std::size_t writer) {
  Model part;
  for (const std::int64_t id : snapshot.ids()) {
    if (static_cast<std::size_t>(id) % plan.writers != writer) continue;
    std::vector<float> row(plan.dimension);
    snapshot.item(id, row.data());
    part.emplace(id, std::move(row));
  }
  return part;
}

/// Finds out how many steps of each writer the folder has: those acknowledged, or one more, or, if
/// what was lost was allowed to be, fewer. Empty if it has no others.
std::string check(const History& history, std::vector<std::size_t>& acknowledged,
                  const std::vector<std::size_t>& before, bool may_lose, std::uint64_t dice) {
  if (!std::filesystem::exists(history.folder + "/manifest")) {
    const bool none = std::all_of(acknowledged.begin(), acknowledged.end(),
                                  [](std::size_t steps) { return steps == 0; });
    return none ? "" : "the manifest is missing";
  }
  const LiveIndex index = dice % 2 == 0 ? LiveIndex::open_read_only(history.folder)
                                        : LiveIndex::open(history.folder, history.plan.live);
  const Snapshot snapshot = index.snapshot();
  Model all;
  for (std::size_t w = 0; w < history.plan.writers; ++w) {
    const Model part = part_of(snapshot, history.plan, w);
    const std::size_t last = std::min(kSteps, acknowledged[w] + 1);
    const std::size_t first = may_lose ? before[w] : acknowledged[w];
    std::size_t steps = last + 1;
    while (steps > first && model_after(history, w, steps - 1) != part) --steps;
    if (steps == first) {
      return "writer " + std::to_string(w) + ", who had " + std::to_string(acknowledged[w]) +
             " steps acknowledged: the items are those after no step from " +
             std::to_string(first) + " to " + std::to_string(last);
    }
    acknowledged[w] = steps - 1;
    all.insert(part.begin(), part.end());
  }
  return difference(snapshot, all, history.plan, dice);
}

/// Empty if nothing was wrong.
std::string run(std::uint64_t seed, std::uint64_t& lives) {
  const Scratch parent;
  const History history = {seed, make_plan(seed), parent.path() + "/catalogue"};
  Random random(seed * 31 + 7);
  std::vector<std::size_t> acknowledged(history.plan.writers);
  constexpr int kMostLives = 6;
  for (int life = 0;; ++life) {
    const bool last = life == kMostLives;
    const auto how = last ? 7U : random.below(8);  // 7: to the end
    const std::uint64_t end = how < 6 ? 1 + random.below(60) : 0;
    const Loss loss = how < 3 ? Loss::unsynced : Loss::none;
    const auto kill_after = how == 6 ? static_cast<unsigned>(1 + random.below(30'000)) : 0U;
    const std::vector<std::size_t> before = acknowledged;
    const int ended = run_life(history, acknowledged, end, loss, kill_after);
    ++lives;
    const std::string where = "life " + std::to_string(life) + " (end " + std::to_string(end) +
                              ", loss " + std::to_string(static_cast<int>(loss)) + "): ";
    if (ended != 0 && ended != kEndedAtCall) return where + "exit " + std::to_string(ended);
    const bool may_lose =
        loss == Loss::unsynced && history.plan.live.durability == Durability::none;
    const std::string wrong = check(history, acknowledged, before, may_lose, random.bits());
    if (!wrong.empty()) return where + wrong;
    if (ended == 0) return "";
  }
}

int usage() {
  std::cerr << "usage: maxdot_live_histories [--histories 1000] [--seed 1]\n";
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  try {
    if (arguments.size() >= 5 && arguments[0] == "--life") {
      const std::uint64_t seed = std::stoull(arguments[1]);
      std::vector<std::size_t> done;
      for (std::size_t i = 5; i < arguments.size(); ++i) done.push_back(std::stoull(arguments[i]));
      return lead_life({seed, make_plan(seed), arguments[2]}, done, std::stoull(arguments[3]),
                       static_cast<Loss>(std::stoi(arguments[4])));
    }
    std::uint64_t histories = 1000;
    std::uint64_t seed = 1;
    for (std::size_t i = 0; i < arguments.size(); i += 2) {
      if (i + 1 == arguments.size()) return usage();
      if (arguments[i] == "--histories") {
        histories = std::stoull(arguments[i + 1]);
      } else if (arguments[i] == "--seed") {
        seed = std::stoull(arguments[i + 1]);
      } else {
        return usage();
      }
    }
    std::uint64_t lives = 0;
    std::uint64_t wrong = 0;
    for (std::uint64_t i = 0; i < histories; ++i) {
      std::string found;
      try {
        found = run(seed + i, lives);
      } catch (const Error& error) {
        found = error.what();
      }
      if (found.empty()) continue;
      ++wrong;
      std::cout << "history " << seed + i << ": " << found << std::endl;
    }
    std::cout << histories << " histories in " << lives << " lives, " << wrong << " wrong\n";
    return wrong == 0 ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 3;
  }
}
