// The calls of CSession that need no catalogue that changes.

#include <algorithm>
#include <cstring>

#include "c_session.hpp"
#include "property.hpp"

namespace fuzz {
namespace {

constexpr std::size_t kMostK = 12;

void check_results(std::span<const std::int64_t> ids, std::span<const std::int64_t> counts,
                   std::size_t k) {
  for (std::size_t q = 0; q < counts.size(); ++q) {
    require(counts[q] >= 0 && static_cast<std::size_t>(counts[q]) <= k, "a count is at most k");
    for (std::size_t i = 0; i < k; ++i) {
      const bool padding = i >= static_cast<std::size_t>(counts[q]);
      require((ids[q * k + i] == -1) == padding, "what is behind the results is padding");
    }
  }
}

}  // namespace

void CSession::build() {
  const CMatrix items = matrix(40);
  maxdot_build_options options;
  MAXDOT_INIT(options);
  options.metric = static_cast<std::int32_t>(input_.below(input_.one_in(8) ? 6 : 4));
  options.normalize = input_.one_in(3) ? 1 : 0;
  options.threads = input_.one_in(12) ? -5 : 0;
  if (input_.one_in(6)) options.cancellation = cancellation_;
  std::vector<std::int64_t> ids(40);
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<std::int64_t>(i * 3 % 40);
  if (input_.one_in(4)) ids[input_.below(40)] = input_.one_in(2) ? -1 : ids[0];
  if (input_.one_in(2)) options.ids = ids.data();
  // Of none, or of an older caller, whose struct ended behind `threads`.
  if (input_.one_in(12)) options.struct_size = input_.one_in(2) ? 0 : 16;
  maxdot_index*& slot = index();
  maxdot_close(slot);
  slot = nullptr;
  // More rows than there are ids would be read beyond them.
  if (items.view.rows > 40) options.ids = nullptr;
  const maxdot_status status =
      checked(maxdot_build(&items.view, input_.one_in(8) ? nullptr : &options, &slot));
  require((status == MAXDOT_OK) == (slot != nullptr), "a handle is made if the call succeeds");
}

void CSession::open() {
  const std::string where = path();
  maxdot_index*& slot = index();
  if (input_.one_in(2)) {
    checked(maxdot_save(slot, where.c_str()));
    return;
  }
  maxdot_close(slot);
  slot = nullptr;
  maxdot_open_options options;
  MAXDOT_INIT(options);
  options.verify_payload = input_.one_in(2) ? 1 : 0;
  options.verify_codes = input_.one_in(3) ? 1 : 0;
  options.rows = static_cast<std::int32_t>(input_.below(input_.one_in(8) ? 4 : 2));
  options.load = static_cast<std::int32_t>(input_.below(input_.one_in(8) ? 5 : 2));
  options.threads = input_.one_in(12) ? -3 : 0;
  const maxdot_status status =
      checked(maxdot_open(where.c_str(), input_.one_in(4) ? nullptr : &options, &slot));
  require((status == MAXDOT_OK) == (slot != nullptr), "a handle is made if the call succeeds");
}

// `target`: 0 an index, 1 the catalogue, 2 a snapshot.
void CSession::search_by(std::size_t target, const CMatrix& queries, std::int64_t per_user,
                         std::int64_t k) {
  const auto rows = static_cast<std::size_t>(std::clamp<std::int64_t>(queries.view.rows, 0, 20));
  // Results have room for every query, so also for every user.
  const std::size_t most_k = static_cast<std::size_t>(std::max<std::int64_t>(k, 0));
  std::vector<std::int64_t> ids(rows * most_k);
  std::vector<double> scores(rows * most_k);
  std::vector<std::int64_t> counts(rows);
  const std::size_t owners = per_user > 0 ? rows / static_cast<std::size_t>(per_user) : rows;
  // The mask has room for the items that any handle of a session has.
  const maxdot_search_options options = search_options(owners, true);
  const maxdot_search_options* given = input_.one_in(8) ? nullptr : &options;
  std::int64_t* places = input_.one_in(8) ? nullptr : counts.data();
  const maxdot_matrix* view = &queries.view;
  maxdot_status status = MAXDOT_OK;
  if (target == 0) {
    const maxdot_index* asked = index();
    status = per_user == 0 ? maxdot_search(asked, view, k, given, ids.data(), scores.data(), places)
                           : maxdot_search_multi(asked, view, per_user, k, given, ids.data(),
                                                 scores.data(), places);
  } else if (target == 1) {
    status = per_user == 0
                 ? maxdot_live_search(live_, view, k, given, ids.data(), scores.data(), places)
                 : maxdot_live_search_multi(live_, view, per_user, k, given, ids.data(),
                                            scores.data(), places);
  } else {
    status = per_user == 0 ? maxdot_snapshot_search(snapshot_, view, k, given, ids.data(),
                                                    scores.data(), places)
                           : maxdot_snapshot_search_multi(snapshot_, view, per_user, k, given,
                                                          ids.data(), scores.data(), places);
  }
  if (checked(status) != MAXDOT_OK || places == nullptr) return;
  require(k >= 0 && queries.view.rows >= 0, "a negative size is refused");
  const std::size_t users = per_user == 0 ? rows : owners;
  check_results(ids, std::span(counts).first(users), most_k);
}

void CSession::search() {
  const CMatrix queries = matrix(8);
  const std::int64_t per_user =
      input_.one_in(3) ? static_cast<std::int64_t>(input_.below(5)) - 1 : 0;
  const std::int64_t k = input_.one_in(12) ? -1 : static_cast<std::int64_t>(input_.below(kMostK));
  search_by(input_.below(3), queries, per_user, k);
}

void CSession::range() {
  const CMatrix queries = matrix(6);
  const std::vector<double> thresholds = {0.5, -1e300, 0.0, 1e300, -0.5, 1.0};
  const auto count = static_cast<std::int64_t>(input_.below(7)) - (input_.one_in(12) ? 7 : 0);
  const auto owners = static_cast<std::size_t>(std::clamp<std::int64_t>(queries.view.rows, 0, 6));
  const maxdot_search_options options = search_options(owners, true);
  maxdot_range* found = nullptr;
  const std::size_t target = input_.below(3);
  const maxdot_status status = checked(
      target == 0
          ? maxdot_search_range(index(), &queries.view, thresholds.data(), count, &options, &found)
      : target == 1 ? maxdot_live_search_range(live_, &queries.view, thresholds.data(), count,
                                               &options, &found)
                    : maxdot_snapshot_search_range(snapshot_, &queries.view, thresholds.data(),
                                                   count, &options, &found));
  require((status == MAXDOT_OK) == (found != nullptr), "a handle is made if the call succeeds");
  if (found == nullptr) return;
  const std::int64_t* offsets = maxdot_range_offsets(found);
  const std::int64_t size = maxdot_range_size(found);
  require(maxdot_range_queries(found) == queries.view.rows, "a range has every query");
  require(offsets[queries.view.rows] == size, "the last offset is the size");
  double sum = 0.0;
  for (std::int64_t i = 0; i < size; ++i)
    sum += static_cast<double>(maxdot_range_ids(found)[i]) + maxdot_range_scores(found)[i];
  static_cast<void>(sum);
  maxdot_range_free(found);
}

void CSession::merge() {
  constexpr std::size_t kQueries = 3;
  constexpr std::size_t kShardK = 4;
  const std::vector<std::int64_t> first = {0, 2, 4, 6, 0, 2, -1, -1, 4, -1, -1, -1};
  const std::vector<std::int64_t> second = {1, 3, 5, 7, 1, 3, 5, 7, -1, -1, -1, -1};
  const std::vector<double> keys = {0.9, 0.8, 0.7, 0.1, 0.9, 0.8, 0.7, 0.1, 0.9, 0.8, 0.7, 0.1};
  std::vector<std::int64_t> counts = {4, 2, 1};
  std::vector<std::int64_t> other = {4, 4, 0};
  if (input_.one_in(6)) counts[input_.below(3)] = static_cast<std::int64_t>(input_.byte()) - 100;
  std::array<maxdot_shard, 2> shards = {{{first.data(), keys.data(), counts.data(), kShardK},
                                         {second.data(), keys.data(), other.data(), kShardK}}};
  if (input_.one_in(8)) shards[0].ids = nullptr;
  maxdot_merge_options options;
  MAXDOT_INIT(options);
  options.metric = static_cast<std::int32_t>(input_.below(5));
  options.normalized = input_.one_in(3) ? 1 : 0;
  options.score_kind = static_cast<std::int32_t>(input_.below(3));
  const std::int64_t k = static_cast<std::int64_t>(input_.below(6)) - 1;
  std::vector<std::int64_t> ids(kQueries * 5);
  std::vector<double> scores(kQueries * 5);
  std::vector<std::int64_t> found(kQueries);
  const auto count = static_cast<std::int64_t>(input_.below(3));
  checked(maxdot_merge(shards.data(), count, kQueries, k, &options, ids.data(), scores.data(),
                       found.data()));
}

void CSession::ask_index() {
  const maxdot_index* asked = index();
  maxdot_index_info info;
  MAXDOT_INIT(info);
  if (input_.one_in(8)) info.struct_size = 0;
  if (checked(maxdot_info(asked, &info)) != MAXDOT_OK) return;
  std::vector<float> values(static_cast<std::size_t>(info.dimension));
  const std::int64_t row = static_cast<std::int64_t>(input_.byte()) - 3;
  std::int64_t id = 0;
  const bool there = row >= 0 && row < info.items;
  require((checked(maxdot_item_id(asked, row, &id)) == MAXDOT_OK) == there,
          "a row is there or refused");
  require((checked(maxdot_item_row(asked, row, values.data())) == MAXDOT_OK) == there,
          "a row is there or refused");
}

void CSession::machine() {
  const char* name = nullptr;
  checked(maxdot_kernel(&name));
  checked(maxdot_kernel_at(static_cast<std::int32_t>(input_.byte()) - 2, &name));
  if (name != nullptr) checked(maxdot_use_kernels(name));
  if (input_.one_in(2)) checked(maxdot_use_kernels("none of these"));
  require(maxdot_available_threads() >= 1, "there is a thread");
  require(std::strlen(maxdot_version()) > 0, "there is a version");
  if (input_.one_in(4)) maxdot_release_thread_memory();
}

}  // namespace fuzz
