// A model that is an index file.
#pragma once

#include <mutex>
#include <shared_mutex>
#include <string>

#include "server/models/model.hpp"

namespace maxdot::server {

class IndexModel final : public Model {
 public:
  /// Opens, verifies and warms the file. Throws Error.
  IndexModel(const std::string& path, Load load, const BatcherOptions& options,
             const StopOptions& stop);

  ModelInfo info() const override;
  void submit(const MatrixView& queries, std::size_t k, const RequestOptions& options,
              Done done) override;
  BatcherStats stats() const override { return batcher_.stats(); }
  void reload(const std::string& path, const StopOptions& stop) override;

 private:
  // A share of replacing_. Waits for a replacement that waits.
  std::shared_lock<std::shared_mutex> share() const;

  int threads_;
  Load load_;
  Batcher batcher_;
  // Held alone to replace, shared to submit: so a request knows which version it is asked of. Who
  // wants either goes through arriving_ first, so that those who share cannot keep out for ever who
  // replaces.
  mutable std::mutex arriving_;
  mutable std::shared_mutex replacing_;
  std::string version_;
};

}  // namespace maxdot::server
