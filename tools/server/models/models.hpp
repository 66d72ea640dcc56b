// The models by name: which are ready, and how they are loaded, swapped and dropped.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "maxdot/stop.hpp"
#include "server/base/log.hpp"
#include "server/base/request_error.hpp"
#include "server/models/file_identity.hpp"
#include "server/models/live_model.hpp"
#include "server/models/model.hpp"
#include "server/models/sources.hpp"

namespace maxdot::server {

/// What is known of a model by its name.
struct ModelState {
  std::string name;
  std::shared_ptr<Model> model;  ///< null: it is not ready
  std::string reason;            ///< why not, or why the last load failed; empty: nothing is wrong
  std::uint64_t loads = 0;       ///< that succeeded since the start
  std::uint64_t failed_loads = 0;
};

/// The error (not_found) of a request that asks for a version which the model does not have.
RequestError no_such_version(const std::string& name, const std::string& asked,
                             const std::string& current);

/// Every member may be called from any number of threads. Those that load take as long as that
/// does; they must not run on a thread that answers requests.
class Models {
 public:
  /// `observer_of` gives what is told of the searches of a model; `load` is of index files.
  Models(Sources sources, const BatcherOptions& options,
         std::function<BatchObserver(const std::string& model)> observer_of, LiveAccess live,
         Load load, Log& log);

  /// Loads all. A folder's file that cannot be used is logged and not ready. Throws Error for a
  /// file that was named.
  void load_all();

  /// Never null. An empty version means any. Throws RequestError: not_found, unavailable.
  std::shared_ptr<Model> find(const std::string& name, const std::string& version) const;

  std::vector<ModelState> list() const;

  /// Opens the model's file anew and answers from it from then on; a LiveIndex that is open stays
  /// so, and is at its newest version. Throws RequestError or Error;
  /// then what was loaded before answers on.
  void load(const std::string& name);
  /// From now on the model is not ready, until it is loaded. It is closed when the searches that
  /// wait are answered, and the changes that are under way made. Throws RequestError (not_found).
  void unload(const std::string& name);

  /// Loads what is new in the folders and what was written since it was loaded, or, if `all`,
  /// everything that was not unloaded. Failures are logged; then what was loaded before answers on.
  /// A LiveIndex that is open takes up what another process has written.
  void refresh(bool all);

  /// Ends loads that are under way, and those that begin later.
  void cancel() noexcept { cancellation_.cancel(); }
  /// Answers what waits and drops every model.
  void close();

 private:
  struct Entry {
    std::string path;
    std::string opened;  // the path that the model was made from
    std::shared_ptr<Model> model;
    std::weak_ptr<char> open;           // lives until the LiveIndex that was opened last is closed
    std::weak_ptr<char> closing;        // the same, of the one that was unloaded last
    std::optional<FileIdentity> tried;  // what the last load saw
    bool unloaded = false;              // by a request
    std::string reason;
    std::uint64_t loads = 0;
    std::uint64_t failed_loads = 0;
  };

  // Whether a failure is logged that is the one of the last load.
  enum class Repeats { logged, silent };

  // Requires loading_. Throws Error; then the entry says why.
  void load_entry(const std::string& name, Repeats repeats = Repeats::logged);
  BatcherOptions options_of(const std::string& name) const;
  // Requires loading_. Throws Error.
  std::shared_ptr<Model> open_live(const std::string& name, Entry& entry,
                                   const StopOptions& stop) const;
  // Requires loading_. Changes that are under way hold what was unloaded, and a folder is open
  // once. Throws RequestError (unavailable).
  void wait_until_closed(const std::string& name, const Entry& entry) const;
  // Requires loading_, and a model that is a LiveIndex.
  void follow(const std::string& name, Entry& entry);
  // Requires loading_. Takes up what is new in the folders.
  void look_for_files();

  Sources sources_;
  BatcherOptions options_;
  std::function<BatchObserver(const std::string& model)> observer_of_;
  LiveAccess live_;
  Load load_;
  Log& log_;
  Cancellation cancellation_;
  std::mutex loading_;                // one load at a time; entries are made under it alone
  mutable std::shared_mutex access_;  // to entries_
  std::map<std::string, Entry> entries_;
};

}  // namespace maxdot::server
