// A model that is the folder of a LiveIndex.
#pragma once

#include <string>

#include "server/models/model.hpp"

namespace maxdot::server {

/// Whether this server changes the catalogues of LiveIndex folders, or only reads them beside
/// another process that does.
enum class LiveAccess { write, read };

/// Whether `path` is the folder of a LiveIndex, which has a manifest.
bool is_live_folder(const std::string& path);
/// The file of the folder that changes with its state.
std::string manifest_of(const std::string& folder);

class LiveModel final : public Model {
 public:
  /// Opens and warms the catalogue. Throws Error.
  LiveModel(const std::string& folder, LiveAccess access, const BatcherOptions& options,
            const StopOptions& stop);

  ModelInfo info() const override;
  void submit(const MatrixView& queries, std::size_t k, const RequestOptions& options,
              Done done) override;
  BatcherStats stats() const override { return batcher_.stats(); }
  /// Takes up what others have written. Throws Error, also if another folder is in its place.
  void reload(const std::string& folder, const StopOptions& stop) override;
  const LiveIndex* live() const noexcept override { return &index_; }
  LiveIndex* writable() noexcept override {
    return access_ == LiveAccess::write ? &index_ : nullptr;
  }

 private:
  LiveAccess access_;
  LiveIndex index_;
  Batcher batcher_;
};

}  // namespace maxdot::server
