#include "live/recovery.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "live/log.hpp"
#include "live/manifest.hpp"
#include "live/record.hpp"
#include "live/segment.hpp"
#include "live/version.hpp"
#include "maxdot/error.hpp"
#include "store/encode.hpp"

namespace maxdot::live {
namespace {

/// An index that is open already, or a new one.
Index open_index(const Folder& folder, std::uint64_t number, std::uint64_t checksum,
                 const State* known) {
  if (known != nullptr) {
    for (const std::shared_ptr<Part>& part : known->parts()) {
      const auto* segment = dynamic_cast<const Segment*>(part.get());
      if (segment != nullptr && segment->number() == number &&
          segment->index().info().checksum == checksum)
        return segment->index();
    }
  }
  const std::string path = folder.segment(number);
  Index index = Index::open(path);
  if (index.info().checksum == checksum) return index;
  throw Error(
      ErrorCode::checksum_mismatch,
      path + ": is not the segment that the catalogue names; restore the folder from a copy")
      .about(path);
}

/// Carries out what records say.
class Replay {
 public:
  Replay(const Folder& folder, Recovered& recovered, const State* known, bool continues)
      : folder_(folder), recovered_(recovered), known_(known), continues_(continues) {}

  /// The rest of log `first` from `offset` on, then the logs after it. Throws Error, also for a
  /// version that does not follow.
  void read_all(std::uint64_t first, std::uint64_t offset) {
    std::vector<std::uint64_t> logs = folder_.logs();
    logs.erase(logs.begin(), std::lower_bound(logs.begin(), logs.end(), first));
    if (logs.empty() || logs.front() != first) {
      throw Error(ErrorCode::bad_format,
                  folder_.log(first) + ": is missing; restore the folder from a copy");
    }
    read(first, offset);
    for (std::size_t i = 1; i < logs.size(); ++i) {
      // A log is there before it is used, and one that a killed writer made never is.
      if (!has_records(folder_.log(logs[i]))) continue;
      read(recovered_.log, recovered_.log_bytes);  // nothing more comes there
      read(logs[i], 0);
    }
  }

 private:
  void read(std::uint64_t log, std::uint64_t offset) {
    const std::string path = folder_.log(log);
    const auto visit = [&](const RecordHeader& header, std::span<const unsigned char> payload) {
      State& state = recovered_.state;
      if (header.version == 0 || header.version >= kMostVersions ||
          (continues_ && header.version != state.version() + 1)) {
        throw Error(ErrorCode::checksum_mismatch,
                    path + ": goes on with version " + std::to_string(header.version) +
                        " after version " + std::to_string(state.version()) +
                        "; changes are missing; restore the folder from a copy");
      }
      continues_ = true;
      if (header.version < state.replaced()) return state.set_version(header.version);
      state.set_version(header.version - 1);
      apply(header.kind, payload, log, path);
    };
    recovered_.log_bytes = read_log(path, {recovered_.catalogue, log}, offset, visit);
    recovered_.log = log;
  }

  void apply(RecordKind kind, std::span<const unsigned char> payload, std::uint64_t log,
             const std::string& path) {
    State& state = recovered_.state;
    switch (kind) {
      case RecordKind::upsert: {
        const UpsertPayload upsert = read_upsert(payload, path);
        const Shape& shape = state.shape();
        if (upsert.dimension != shape.dimension ||
            upsert.dtype != static_cast<std::uint32_t>(shape.dtype))
          refuse(path);
        store::check_ids(upsert.ids, upsert.ids.size());
        store::check_matrix({upsert.rows.data(), shape.dtype, upsert.ids.size(), shape.dimension,
                             shape.row_bytes()},
                            "rows", 1);
        state.prepare_upsert(upsert.ids.size());
        return state.upsert(upsert.ids, upsert.rows.data());
      }
      case RecordKind::remove: {
        const std::span<const std::int64_t> ids = read_remove(payload, path);
        state.prepare_remove(ids.size());
        state.remove(ids);
        return;
      }
      case RecordKind::attach:
      case RecordKind::replace: {
        const SegmentPayload read = read_segment(payload, path);
        auto segment = std::make_shared<Segment>(
            open_index(folder_, read.number, read.checksum, known_), read.number);
        segment->set_log(log);
        state.forget(read.number);
        recovered_.segments.push_back(read.number);
        if (kind == RecordKind::attach) {
          state.prepare_attach(segment);
          return state.attach(std::move(segment));
        }
        state.prepare_replace(segment);
        return state.replace(std::move(segment));
      }
    }
    refuse(path);
  }

  [[noreturn]] static void refuse(const std::string& path) {
    throw Error(ErrorCode::bad_format,
                path +
                    ": holds a record that does not fit the catalogue; restore the folder from a "
                    "copy");
  }

  const Folder& folder_;
  Recovered& recovered_;
  const State* known_;
  bool continues_;  // the next version must be the one after the state's
};

}  // namespace

Recovered recover(const Folder& folder, std::size_t fresh_items, const State* known) {
  std::uint64_t checksum = 0;
  const Manifest manifest = read_manifest(folder.manifest(), &checksum);
  Recovered recovered = {State(manifest.shape, manifest.version, fresh_items),
                         checksum,
                         manifest.first_log,
                         0,
                         0,
                         manifest.catalogue,
                         {}};
  recovered.state.set_replaced(manifest.replaced);
  for (const ManifestSegment& named : manifest.segments) {
    auto segment = std::make_shared<Segment>(
        open_index(folder, named.number, named.checksum, known), named.number);
    if (segment->rows() != named.rows || shape_of(segment->index()) != manifest.shape) {
      throw Error(ErrorCode::bad_format,
                  folder.segment(named.number) +
                      ": does not fit the manifest; restore the folder from a copy");
    }
    recovered.segments.push_back(named.number);
    recovered.state.restore(std::move(segment), named.dead_rows);
  }
  Replay(folder, recovered, known, false).read_all(manifest.first_log, 0);
  // The log is synced before a manifest that knows of its changes is written. Where no record was
  // read, the version is still the manifest's.
  if (recovered.state.version() < manifest.version) {
    throw Error(ErrorCode::checksum_mismatch,
                folder.log(recovered.log) + ": ends with version " +
                    std::to_string(recovered.state.version()) + ", and the catalogue was at " +
                    std::to_string(manifest.version) +
                    "; changes are missing; restore the folder from a copy");
  }
  return recovered;
}

bool read_on(const Folder& folder, Recovered& recovered) {
  const std::uint64_t before = recovered.state.version();
  Replay(folder, recovered, &recovered.state, true).read_all(recovered.log, recovered.log_bytes);
  return recovered.state.version() != before;
}

}  // namespace maxdot::live
