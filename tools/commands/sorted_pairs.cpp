#include "commands/sorted_pairs.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "console/console.hpp"
#include "console/failure.hpp"

namespace maxdot::tools {
namespace {

constexpr std::size_t pairs_of_run = std::size_t{1} << 21;    // 32 MiB
constexpr std::size_t pairs_at_once = std::size_t{1} << 16;   // that are read from the file
constexpr std::size_t items_of_lists = std::size_t{1} << 22;  // 32 MiB
// While runs are merged they share the memory of one. Even a thousand are read in pieces of 32 KiB.
constexpr std::size_t least_held = 256;

}  // namespace

SortedPairs::SortedPairs(const std::string& path, const PairColumns& columns, const Users& users,
                         const std::string& folder, const InterruptGuard& interrupt)
    : path_(path), folder_(folder) {
  PairFile file = blaming(path, [&] { return PairFile::open(path, columns); });
  read(file, users, interrupt);
  begin_merge();
}

void SortedPairs::read(PairFile& file, const Users& users, const InterruptGuard& interrupt) {
  IdPairs pairs;
  std::uint64_t before = 0;
  while (blaming(path_, [&] { return file.next(pairs, pairs_at_once); })) {
    for (std::size_t i = 0; i < pairs.first.size(); ++i) {
      const std::int64_t user = pairs.first[i];
      if (user < 0 || static_cast<std::uint64_t>(user) >= users.all) {
        throw Failure(ExitCode::bad_data, path_ + ": pair " + std::to_string(before + i) +
                                              ": there is no user " + std::to_string(user) +
                                              " among " + std::to_string(users.all) +
                                              "; users are rows, counted from 0");
      }
      const auto row = static_cast<std::size_t>(user);
      if (row < users.first || row >= users.last) continue;
      run_.push_back({user, pairs.second[i]});
      if (run_.size() == pairs_of_run) write_run();
    }
    before += pairs.first.size();
    interrupt.check();
  }
}

void SortedPairs::write_run() {
  if (file_.get() < 0) file_ = open_unnamed(folder_);
  std::sort(run_.begin(), run_.end());
  run_.erase(std::unique(run_.begin(), run_.end()), run_.end());
  Run run;
  run.offset = written_;
  run.left = run_.size();
  const std::string_view bytes(reinterpret_cast<const char*>(run_.data()),
                               run_.size() * sizeof(Pair));
  write_all(file_, written_, bytes, folder_);
  written_ += bytes.size();
  runs_.push_back(std::move(run));
  run_.clear();
}

void SortedPairs::begin_merge() {
  if (runs_.empty()) {
    std::sort(run_.begin(), run_.end());
    runs_.emplace_back();
    runs_.back().held = std::move(run_);
  } else if (!run_.empty()) {
    write_run();
  }
  run_ = {};
  pairs_held_ = std::max(least_held, pairs_of_run / runs_.size());
  heap_.reserve(runs_.size());
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    if (refill(runs_[i])) heap_.push_back(i);
  }
  std::make_heap(heap_.begin(), heap_.end(), [this](std::size_t a, std::size_t b) {
    return runs_[b].front() < runs_[a].front();
  });
}

bool SortedPairs::refill(Run& run) {
  if (run.at < run.held.size()) return true;
  run.held.resize(std::min(run.left, pairs_held_));
  run.at = 0;
  const std::size_t bytes = run.held.size() * sizeof(Pair);
  if (bytes == 0) return false;
  read_all(file_, run.offset, run.held.data(), bytes, folder_);
  run.offset += bytes;
  run.left -= run.held.size();
  return true;
}

SortedPairs::Pair SortedPairs::take() {
  const auto later = [this](std::size_t a, std::size_t b) {
    return runs_[b].front() < runs_[a].front();
  };
  std::pop_heap(heap_.begin(), heap_.end(), later);
  Run& run = runs_[heap_.back()];
  const Pair pair = run.held[run.at++];
  if (refill(run)) {
    std::push_heap(heap_.begin(), heap_.end(), later);
  } else {
    heap_.pop_back();
  }
  return pair;
}

std::size_t SortedPairs::next(std::size_t begin, std::size_t most, IdLists& lists) {
  offsets_.assign(1, 0);
  ids_.clear();
  std::size_t users = 0;
  while (users < most && (users == 0 || ids_.size() < items_of_lists)) {
    const auto user = static_cast<std::int64_t>(begin + users);
    const std::size_t list = ids_.size();
    while (!heap_.empty() && runs_[heap_.front()].front().user <= user) {
      const Pair pair = take();
      if (ids_.size() == list || ids_.back() != pair.item) ids_.push_back(pair.item);
    }
    offsets_.push_back(static_cast<std::int64_t>(ids_.size()));
    ++users;
  }
  lists = {offsets_, ids_};
  return users;
}

}  // namespace maxdot::tools
