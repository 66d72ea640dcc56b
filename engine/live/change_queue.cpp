#include "live/change_queue.hpp"

#include <string>
#include <utility>

#include "base/entry.hpp"
#include "base/stop.hpp"
#include "live/version.hpp"
#include "maxdot/error.hpp"

namespace maxdot::live {
namespace {

[[noreturn]] void refuse_broken() {
  throw Error(ErrorCode::io,
              "the log of the LiveIndex could not be written, so it takes no more changes; open "
              "the folder again");
}

// A manifest or a log with it would be refused.
[[noreturn]] void refuse_version() {
  throw Error(ErrorCode::unsupported,
              "the catalogue is at its last version; put its items into a new one");
}

}  // namespace

ChangeQueue::ChangeQueue(State state, LogWriter log, Durability durability, Publish publish)
    : state_(std::move(state)),
      log_(std::move(log)),
      durability_(durability),
      publish_(std::move(publish)) {
  state_.prepare_version();
  publish_(state_.make_version(), log_.bytes());
}

void ChangeQueue::run(Operation& operation) {
  {
    std::unique_lock lock(mutex_);
    waiting_.push_back(&operation);
    if (led_) {
      told_.wait(lock, [&] { return operation.progress.done || operation.progress.leads; });
    } else {
      led_ = true;
    }
    if (!operation.progress.done) {
      group_.swap(waiting_);
      lock.unlock();
      carry_out(group_);
      lock.lock();
      for (Operation* one : group_) one->progress.done = true;
      group_.clear();
      led_ = !waiting_.empty();
      if (led_) waiting_.front()->progress.leads = true;
      told_.notify_all();
    }
  }
  if (operation.progress.error) throw Error(*operation.progress.error);
}

void ChangeQueue::carry_out(std::vector<Operation*>& group) noexcept {
  const base::StopOfThread none(nullptr);  // the group is not this thread's alone
  bool changed = false;
  std::size_t safe = 0;  // operations of the group whose records are on the disk
  for (std::size_t i = 0; i < group.size(); ++i) {
    if (!step(*group[i])) continue;
    changed = true;
    if (durability_ != Durability::each) continue;
    sync({group.data() + safe, i + 1 - safe});
    safe = i + 1;
    if (log_.broken()) break;
    publish_(state_.make_version(), log_.bytes());
    changed = false;
  }
  if (durability_ == Durability::group || log_.broken())
    sync({group.data() + safe, group.size() - safe});
  // What may be lost is not shown to anybody.
  if (changed && !log_.broken()) publish_(state_.make_version(), log_.bytes());
}

// Returns whether it was carried out.
bool ChangeQueue::step(Operation& operation) noexcept {
  try {
    base::entry([] { return std::string("no memory for the change; nothing was changed"); },
                [&] {
                  if (log_.broken()) refuse_broken();
                  state_.prepare_version();
                  operation.prepare(state_, log_);
                  if (RecordBytes* record = operation.record()) {
                    if (state_.version() + 1 >= kMostVersions) refuse_version();
                    log_.append(*record, state_.version() + 1);
                  }
                  operation.apply(state_, log_);
                });
    return true;
  } catch (const Error& error) {
    operation.progress.error = error;
    return false;
  }
}

// If it cannot, the operations fail.
void ChangeQueue::sync(std::span<Operation* const> operations) noexcept {
  try {
    base::entry([] { return std::string("no memory for a message"); },
                [&] {
                  if (log_.broken()) refuse_broken();
                  log_.sync();
                });
  } catch (const Error& error) {
    for (Operation* operation : operations) {
      if (!operation->progress.error) operation->progress.error = error;
    }
  }
}

}  // namespace maxdot::live
