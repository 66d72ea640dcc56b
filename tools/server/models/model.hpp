// A model: what answers requests by one name. Today an index file; protocols know this class alone.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "maxdot/batcher.hpp"

namespace maxdot::server {

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
  /// Gets the answer and the version that gave it, or an error.
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

  /// Opens `path` and answers from that from now on. Throws Error; then nothing has changed.
  virtual void reload(const std::string& path, const StopOptions& stop) = 0;
};

}  // namespace maxdot::server
