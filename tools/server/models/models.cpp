#include "server/models/models.hpp"

#include <chrono>
#include <thread>
#include <utility>

#include "server/base/request_error.hpp"
#include "server/models/index_model.hpp"

namespace maxdot::server {
namespace {

// Changes of items that are under way hold a model that was unloaded: how long a load waits for
// them, and how often it looks.
constexpr std::chrono::seconds kClosing{10};
constexpr std::chrono::milliseconds kLook{1};

// Whether a LiveIndex that is open is still that of its folder.
bool goes_on(Model& model, const std::string& folder, const StopOptions& stop) {
  try {
    model.reload(folder, stop);
    return true;
  } catch (const Error&) {
    return false;  // to open the folder again says why
  }
}

}  // namespace

RequestError no_such_version(const std::string& name, const std::string& asked,
                             const std::string& current) {
  return RequestError(Code::not_found, "model " + in_quotes(name) + " has no version " +
                                           in_quotes(asked) + ", its version is " + current);
}

Models::Models(Sources sources, const BatcherOptions& options,
               std::function<BatchObserver(const std::string& model)> observer_of, LiveAccess live,
               Load load, Log& log)
    : sources_(std::move(sources)),
      options_(options),
      observer_of_(std::move(observer_of)),
      live_(live),
      load_(load),
      log_(log) {}

void Models::load_all() {
  const std::lock_guard loading(loading_);
  look_for_files();
  for (const auto& [name, entry] : entries_) {
    try {
      load_entry(name);
    } catch (const std::exception&) {
      if (sources_.files().contains(name)) throw;
    }
  }
}

std::shared_ptr<Model> Models::find(const std::string& name, const std::string& version) const {
  std::shared_ptr<Model> model;
  {
    const std::shared_lock lock(access_);
    const auto found = entries_.find(name);
    if (found == entries_.end())
      throw RequestError(Code::not_found, "there is no model " + in_quotes(name));
    if (found->second.model == nullptr) {
      throw RequestError(Code::unavailable,
                         "model " + in_quotes(name) + " is not ready: " + found->second.reason);
    }
    model = found->second.model;
  }
  if (!version.empty()) {
    const std::string current = model->info().version;
    if (version != current) throw no_such_version(name, version, current);
  }
  return model;
}

std::vector<ModelState> Models::list() const {
  const std::shared_lock lock(access_);
  std::vector<ModelState> states;
  states.reserve(entries_.size());
  for (const auto& [name, entry] : entries_) {
    states.push_back({name, entry.model, entry.reason, entry.loads, entry.failed_loads});
  }
  return states;
}

void Models::load(const std::string& name) {
  const std::lock_guard loading(loading_);
  look_for_files();
  if (!entries_.contains(name)) {
    throw RequestError(Code::not_found, "there is no model " + in_quotes(name) +
                                            "; put its file into a folder that is served");
  }
  load_entry(name);
}

void Models::unload(const std::string& name) {
  const std::lock_guard loading(loading_);
  std::shared_ptr<Model> dropped;  // ends after the lock: it answers what waits first
  {
    const std::unique_lock lock(access_);
    const auto found = entries_.find(name);
    if (found == entries_.end())
      throw RequestError(Code::not_found, "there is no model " + in_quotes(name));
    found->second.model.swap(dropped);
    found->second.closing = found->second.open;
    found->second.unloaded = true;
    found->second.reason = "unloaded";
  }
  log_.write(Level::info, "unloaded", {{"model", name}});
}

void Models::refresh(bool all) {
  const std::lock_guard loading(loading_);
  look_for_files();
  for (auto& [name, entry] : entries_) {
    if (entry.unloaded) continue;
    if (!all && entry.model != nullptr && entry.model->live() != nullptr &&
        entry.opened == entry.path) {
      follow(name, entry);
      continue;
    }
    const bool live = is_live_folder(entry.path);
    const std::optional<FileIdentity> now =
        identity_of(live ? manifest_of(entry.path) : entry.path);
    // A file that is gone is no reason to stop: an open index keeps what it has. A LiveIndex may
    // have been open in another process, which nothing in the folder tells: it is tried again.
    const bool is_known = now == entry.tried;
    if (!all && (!now || (is_known && !live))) continue;
    try {
      load_entry(name, !all && is_known ? Repeats::silent : Repeats::logged);
    } catch (const std::exception&) {
      // The entry and the log say why.
    }
  }
}

void Models::close() {
  const std::lock_guard loading(loading_);
  std::map<std::string, Entry> dropped;  // its models end after the lock
  const std::unique_lock lock(access_);
  entries_.swap(dropped);
}

void Models::look_for_files() {
  for (const auto& [name, path] : sources_.all()) {
    const std::unique_lock lock(access_);
    const auto [entry, is_new] = entries_.try_emplace(name);
    if (is_new) entry->second.reason = "not loaded yet";
    entry->second.path = path;
  }
}

void Models::follow(const std::string& name, Entry& entry) {
  std::string reason;
  try {
    entry.model->reload(entry.path, {.cancellation = &cancellation_});
  } catch (const std::exception& error) {
    reason = error.what();
  }
  if (!reason.empty() && entry.model->writable() != nullptr && is_live_folder(entry.path)) {
    try {
      load_entry(name, Repeats::silent);
    } catch (const std::exception&) {
      // The entry and the log say why.
    }
    return;
  }
  if (reason == entry.reason) return;
  {
    const std::unique_lock lock(access_);
    entry.reason = reason;
    if (!reason.empty()) ++entry.failed_loads;
  }
  if (reason.empty()) {
    log_.write(Level::info, "refreshed", {{"model", name}, {"file", entry.path}});
  } else {
    log_.write(Level::error, "refresh_failed",
               {{"model", name}, {"file", entry.path}, {"error", reason}});
  }
}

BatcherOptions Models::options_of(const std::string& name) const {
  BatcherOptions options = options_;
  options.on_batch = observer_of_(name);
  return options;
}

std::shared_ptr<Model> Models::open_live(const std::string& name, Entry& entry,
                                         const StopOptions& stop) const {
  auto made = std::make_unique<LiveModel>(entry.path, live_, options_of(name), stop);
  auto open = std::make_shared<char>();
  entry.open = open;
  return {made.release(), [open = std::move(open)](Model* model) mutable {
            delete model;
            open.reset();
          }};
}

void Models::wait_until_closed(const std::string& name, const Entry& entry) const {
  const auto end = std::chrono::steady_clock::now() + kClosing;
  while (!entry.closing.expired()) {
    if (std::chrono::steady_clock::now() > end || cancellation_.cancelled()) {
      throw RequestError(Code::unavailable, "model " + in_quotes(name) +
                                                " was unloaded, but changes of its items are still "
                                                "under way; ask again later");
    }
    std::this_thread::sleep_for(kLook);
  }
}

void Models::load_entry(const std::string& name, Repeats repeats) {
  Entry& entry = entries_.at(name);
  const auto begin = std::chrono::steady_clock::now();
  const bool live = is_live_folder(entry.path);
  const std::optional<FileIdentity> seen = identity_of(live ? manifest_of(entry.path) : entry.path);
  const StopOptions stop = {.cancellation = &cancellation_};
  try {
    std::shared_ptr<Model> model = entry.model;
    const bool same_kind = model != nullptr && (model->live() != nullptr) == live;
    if (same_kind && !live) {
      model->reload(entry.path, stop);
    } else if (same_kind && entry.opened == entry.path && goes_on(*model, entry.path, stop)) {
      // It has what is new.
    } else if (live) {
      wait_until_closed(name, entry);
      model = open_live(name, entry, stop);
    } else {
      model = std::make_shared<IndexModel>(entry.path, load_, options_of(name), stop);
    }
    const ModelInfo info = model->info();
    {
      const std::unique_lock lock(access_);
      entry.model.swap(model);  // another one ends after the lock
      entry.opened = entry.path;
      entry.tried = seen;
      entry.unloaded = false;
      entry.reason.clear();
      ++entry.loads;
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    log_.write(Level::info, "loaded",
               {{"model", name},
                {"file", entry.path},
                {"version", info.version},
                {"items", info.items},
                {"dimension", info.dimension},
                {"bytes", info.bytes},
                {"seconds", took.count()}});
  } catch (const std::exception& error) {
    const bool is_new = entry.reason != error.what();
    {
      const std::unique_lock lock(access_);
      entry.tried = seen;
      entry.reason = error.what();
      ++entry.failed_loads;
    }
    if (is_new || repeats == Repeats::logged) {
      log_.write(Level::error, "load_failed",
                 {{"model", name}, {"file", entry.path}, {"error", error.what()}});
    }
    throw;
  }
}

}  // namespace maxdot::server
