// A model: what answers requests by one name, an index file or a LiveIndex. Protocols know this
// class alone.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "maxdot/batcher.hpp"
#include "maxdot/live_index.hpp"

namespace maxdot::server {

using BatchObserver = std::function<void(const BatchReport& report)>;

struct ModelInfo {
  /// Names the items that are searched now: other items, another version.
  std::string version;
  std::size_t items = 0;
  std::size_t dimension = 0;
  Metric metric = Metric::cosine;
  std::size_t bytes = 0;
};

/// Every member but the destructor may be called from any number of threads.
class Model {
 public:
  /// Gets the answer and its version, or an error. Of an index file it is the version that gave the
  /// answer; of a LiveIndex one that the answer has at least: it holds every change up to that one.
  using Done =
      std::function<void(SearchResult&& result, const std::string& version, const Error* error)>;

  Model() = default;
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;
  /// Answers what was submitted. Must not run on a thread that calls a Done.
  virtual ~Model() = default;

  virtual ModelInfo info() const = 0;

  /// As Batcher::submit: what filters view must live until `done` is called, which must be short.
  /// Throws Error for what is refused; then `done` is not called.
  virtual void submit(const MatrixView& queries, std::size_t k, const RequestOptions& options,
                      Done done) = 0;

  virtual BatcherStats stats() const = 0;

  /// Answers from now on from what `path` leads to, which is of the same kind; a LiveIndex is one
  /// folder for good. Throws Error; then nothing has changed.
  virtual void reload(const std::string& path, const StopOptions& stop) = 0;

  /// The catalogue behind it that changes; null: it is an index file.
  virtual const LiveIndex* live() const noexcept { return nullptr; }
  /// The same, to change it; null: this server does not.
  virtual LiveIndex* writable() noexcept { return nullptr; }
};

}  // namespace maxdot::server
