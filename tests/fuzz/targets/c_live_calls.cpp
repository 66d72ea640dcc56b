// The calls of CSession with handles that live longer: workspaces, batchers, catalogues, snapshots.

#include <algorithm>

#include "c_session.hpp"
#include "property.hpp"

namespace fuzz {
namespace {

void answered(void* context, const maxdot_answer* answer) {
  auto* total = static_cast<std::size_t*>(context);
  for (std::int64_t i = 0; answer->status == MAXDOT_OK && i < answer->queries; ++i)
    *total += static_cast<std::size_t>(answer->counts[i]);
}

std::size_t results_of_submitted = 0;  // written by one thread at a time; nobody asks for its value

}  // namespace

void CSession::workspaces() {
  if (input_.one_in(2)) {
    maxdot_cancellation_free(cancellation_);
    cancellation_ = nullptr;
    checked(maxdot_cancellation_create(&cancellation_));
    if (input_.one_in(3)) maxdot_cancellation_cancel(cancellation_);
    return;
  }
  if (input_.one_in(2)) {
    maxdot_workspace_free(workspace_);
    workspace_ = nullptr;
    checked(maxdot_workspace_create(&workspace_));
  }
  if (workspace_ == nullptr) return;
  require(maxdot_workspace_bytes(workspace_) >= 0, "a workspace holds no negative bytes");
  if (input_.one_in(2)) maxdot_workspace_release(workspace_);
}

void CSession::batchers() {
  switch (input_.below(6)) {
    case 0: {
      maxdot_batcher_free(batcher_);
      batcher_ = nullptr;
      maxdot_batcher_options options;
      MAXDOT_INIT(options);
      options.most_batch_queries =
          static_cast<std::int64_t>(input_.below(4)) - (input_.one_in(8) ? 9 : 0);
      options.most_waiting_queries = static_cast<std::int64_t>(input_.below(4));
      options.threads = input_.one_in(8) ? -2 : 0;
      checked(input_.one_in(3) ? maxdot_batcher_create_live(live_, &options, &batcher_)
                               : maxdot_batcher_create(index(), &options, &batcher_));
      return;
    }
    case 1:
      checked(maxdot_batcher_replace(batcher_, index()));
      return;
    case 2: {
      maxdot_batcher_stats stats;
      MAXDOT_INIT(stats);
      checked(maxdot_batcher_get_stats(batcher_, &stats));
      return;
    }
    case 3: {
      const CMatrix queries = matrix(4);
      // No lists: their memory must stay until the answer, and this program does not wait for it.
      checked(maxdot_batcher_submit(batcher_, &queries.view,
                                    static_cast<std::int64_t>(input_.below(5)), nullptr,
                                    input_.one_in(8) ? nullptr : answered, &results_of_submitted));
      return;
    }
    default: {
      const CMatrix queries = matrix(4);
      const maxdot_request_options options = request_options(static_cast<std::size_t>(
          std::max<std::int64_t>(0, std::min<std::int64_t>(4, queries.view.rows))));
      std::vector<std::int64_t> ids(4 * 5);
      std::vector<double> scores(4 * 5);
      std::vector<std::int64_t> counts(4);
      checked(maxdot_batcher_search(batcher_, &queries.view,
                                    static_cast<std::int64_t>(input_.below(6)) - 1, &options,
                                    ids.data(), scores.data(), counts.data()));
      return;
    }
  }
}

void CSession::lives() {
  const std::string folder = memory_folder() + "/live";
  const std::size_t way = input_.below(8);
  if (way > 2) return live_changes(live_);
  maxdot_live_close(live_);
  live_ = nullptr;
  if (way == 2) return;
  maxdot_live_options options;
  MAXDOT_INIT(options);
  options.durability = MAXDOT_DURABLE_NONE;
  options.no_compaction = input_.one_in(16) ? 0 : 1;
  options.fresh_items = input_.one_in(8) ? 3 : 64;
  maxdot_status status = MAXDOT_OK;
  if (way == 0) {
    maxdot_catalogue_options catalogue;
    MAXDOT_INIT(catalogue);
    catalogue.metric = static_cast<std::int32_t>(input_.below(5));
    catalogue.dtype = static_cast<std::int32_t>(input_.below(4));
    const std::int64_t dimension =
        input_.one_in(8) ? static_cast<std::int64_t>(input_.byte()) - 4 : 4;
    status = checked(maxdot_live_create(folder.c_str(), dimension, &catalogue, &options, &live_));
  } else {
    status = checked(input_.one_in(4) ? maxdot_live_open_read_only(folder.c_str(), &live_)
                                      : maxdot_live_open(folder.c_str(), &options, &live_));
  }
  require((status == MAXDOT_OK) == (live_ != nullptr), "a handle is made if the call succeeds");
}

void CSession::live_changes(maxdot_live* live) {
  maxdot_change change;
  MAXDOT_INIT(change);
  maxdot_change* told = input_.one_in(4) ? nullptr : &change;
  std::vector<std::int64_t> ids(8);
  for (std::size_t i = 0; i < ids.size(); ++i)
    ids[i] = static_cast<std::int64_t>(i * 5 + random_.below(5));
  if (input_.one_in(8)) ids[input_.below(8)] = input_.one_in(2) ? -4 : ids[0];
  switch (input_.below(8)) {
    case 0:
      checked(
          maxdot_live_remove(live, ids.data(), static_cast<std::int64_t>(input_.below(9)), told));
      return;
    case 1:
      checked(maxdot_live_compact(live));
      return;
    case 2:
      checked(maxdot_live_replace(live, index(), told));
      return;
    case 3:
      checked(maxdot_live_replace_path(live, path().c_str(), told));
      return;
    case 4: {
      std::int32_t changed = 0;
      checked(maxdot_live_refresh(live, &changed));
      return;
    }
    case 5: {
      maxdot_live_stats stats;
      MAXDOT_INIT(stats);
      checked(maxdot_live_get_stats(live, &stats));
      std::array<char, 8> text;
      checked(maxdot_live_compaction_error(live, text.data(),
                                           static_cast<std::int64_t>(input_.below(9)) - 1));
      return;
    }
    default: {
      const CMatrix rows = matrix(8);
      checked(maxdot_live_upsert(live, ids.data(), &rows.view, told));
      return;
    }
  }
}

void CSession::snapshots() {
  if (input_.one_in(2)) {
    maxdot_snapshot_free(snapshot_);
    snapshot_ = nullptr;
    checked(maxdot_live_snapshot(live_, &snapshot_));
    return;
  }
  static_cast<void>(maxdot_snapshot_version(snapshot_));
  maxdot_index_info info;
  MAXDOT_INIT(info);
  if (checked(maxdot_snapshot_info(snapshot_, &info)) != MAXDOT_OK) return;
  std::vector<std::int64_t> ids(static_cast<std::size_t>(info.items));
  std::vector<float> values(static_cast<std::size_t>(info.dimension));
  require(checked(maxdot_snapshot_ids(snapshot_, ids.data())) == MAXDOT_OK || ids.empty(),
          "a snapshot gives its ids");
  for (const std::int64_t id : ids) {
    std::int32_t found = 0;
    checked(maxdot_snapshot_item(snapshot_, id, values.data(), &found));
    require(found == 1, "an item that is listed is there");
  }
}

}  // namespace fuzz
