#include "commands/sample_check.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <queue>
#include <random>
#include <vector>

#include "commands/bad_rows.hpp"
#include "commands/id_lists.hpp"
#include "commands/scoring.hpp"
#include "console/console.hpp"
#include "console/disk.hpp"
#include "console/failure.hpp"
#include "judge/arithmetic.hpp"
#include "judge/widen.hpp"
#include "verify/data.hpp"

namespace maxdot::tools {
namespace {

/// The ids of a file that a MatrixWriter wrote, [rows, k].
class IdFile {
 public:
  IdFile(const std::string& path, std::size_t k)
      : path_(path), k_(k), file_(open_file(path, O_RDONLY)) {
    if (file_.get() < 0) throw io_failure(path, "read", errno, "run the command again");
    wide_ = ids_format(path) == MatrixWriter::Format::npy_i64;
    if (!wide_) return;
    unsigned char length[2];  // of the header, behind ten bytes
    read_all(file_, 8, length, sizeof length, path);
    data_ = 10 + length[0] + std::size_t{256} * length[1];
  }

  std::vector<std::int64_t> row(std::size_t row) const {
    std::vector<std::int64_t> ids(k_);
    if (wide_) {
      read_all(file_, data_ + row * k_ * sizeof(std::int64_t), ids.data(),
               k_ * sizeof(std::int64_t), path_);
      return ids;
    }
    std::vector<std::int32_t> narrow(1 + k_);
    read_all(file_, row * narrow.size() * sizeof(std::int32_t), narrow.data(),
             narrow.size() * sizeof(std::int32_t), path_);
    std::copy(narrow.begin() + 1, narrow.end(), ids.begin());
    return ids;
  }

 private:
  std::string path_;
  std::size_t k_;
  Descriptor file_;
  bool wide_ = false;
  std::size_t data_ = 0;
};

/// An item and its key: the larger key is better, of equal ones the smaller id.
struct Found {
  double key = 0;
  std::int64_t id = 0;
};

struct Better {
  bool operator()(const Found& a, const Found& b) const noexcept {
    return a.key > b.key || (a.key == b.key && a.id < b.id);
  }
};

/// A user of the sample, and the best items found so far.
struct Asked {
  std::size_t row = 0;  // in the file of users
  bool usable = true;
  std::vector<double> values;
  judge::Length length;
  std::vector<std::int64_t> exclude;                            // sorted
  std::priority_queue<Found, std::vector<Found>, Better> best;  // the worst first
};

std::vector<Asked> choose(const MatrixFile& users, const ShareRows& rows, std::size_t count) {
  std::random_device seed;
  std::vector<Asked> sample;
  for (const std::size_t row : sample_rows(rows.count(), std::min(count, rows.count()), seed())) {
    Asked asked;
    asked.row = rows.first + row;
    Matrix values(1, users.cols(), users.dtype());
    blaming(users.path(), [&] { users.read(asked.row, 1, values.data()); });
    asked.usable = bad_rows_of(values.view()).empty();
    asked.values.resize(users.cols());
    judge::widen_row(values.view(), 0, asked.values.data());
    asked.length = judge::documented_length(asked.values.data(), asked.values.size());
    sample.push_back(std::move(asked));
  }
  return sample;
}

/// Gives each user of the sample what it must not get. Not as the job did it: by another reading.
void read_excluded(const BatchCommand& command, std::size_t users, std::vector<Asked>& sample) {
  if (command.exclude_path.empty()) return;
  if (!command.exclude_ids_path.empty()) {
    const OwnedIdLists lists =
        read_lists(command.exclude_path, command.exclude_ids_path, users, command.columns);
    for (Asked& asked : sample) {
      asked.exclude.assign(lists.ids.begin() + lists.offsets[asked.row],
                           lists.ids.begin() + lists.offsets[asked.row + 1]);
    }
  } else {
    PairFile file = blaming(command.exclude_path,
                            [&] { return PairFile::open(command.exclude_path, command.columns); });
    IdPairs pairs;
    constexpr std::size_t pairs_at_once = std::size_t{1} << 16;
    while (blaming(command.exclude_path, [&] { return file.next(pairs, pairs_at_once); })) {
      for (std::size_t i = 0; i < pairs.first.size(); ++i) {
        const auto user = static_cast<std::size_t>(pairs.first[i]);
        const auto at =
            std::lower_bound(sample.begin(), sample.end(), user,
                             [](const Asked& asked, std::size_t row) { return asked.row < row; });
        if (at != sample.end() && at->row == user) at->exclude.push_back(pairs.second[i]);
      }
    }
  }
  for (Asked& asked : sample) std::sort(asked.exclude.begin(), asked.exclude.end());
}

void scan_items(const Index& index, Metric metric, std::size_t k,
                const std::vector<std::uint8_t>& mask, std::vector<Asked>& sample) {
  const std::size_t d = index.dimension();
  const bool normalized = index.info().normalized;
  std::vector<float> stored(d);
  std::vector<double> item(d);
  for (std::size_t row = 0; row < index.size(); ++row) {
    if (!mask.empty() && mask[row] == 0) continue;
    index.item_row(row, stored.data());
    item.assign(stored.begin(), stored.end());
    const judge::Length length = judge::documented_length(item.data(), d);
    const std::int64_t id = index.item_id(row);
    for (Asked& asked : sample) {
      if (!asked.usable || std::binary_search(asked.exclude.begin(), asked.exclude.end(), id))
        continue;
      const double dot = judge::documented_dot(asked.values.data(), item.data(), d);
      const Found found = {judge::documented_key(metric, normalized, dot, asked.length, length),
                           id};
      if (asked.best.size() == k && !Better{}(found, asked.best.top())) continue;
      asked.best.push(found);
      if (asked.best.size() > k) asked.best.pop();
    }
  }
}

/// What is wrong with the results of a user; nothing: they are the truth.
std::optional<std::string> fault(Asked& asked, const std::vector<std::int64_t>& ids,
                                 const std::vector<float>& scores, Metric metric, bool normalized) {
  std::vector<Found> truth;
  for (; !asked.best.empty(); asked.best.pop()) truth.push_back(asked.best.top());
  std::reverse(truth.begin(), truth.end());
  const float infinity = std::numeric_limits<float>::infinity();
  const float padding = metric == Metric::euclidean ? infinity : -infinity;
  for (std::size_t place = 0; place < ids.size(); ++place) {
    const bool found = place < truth.size();
    const std::int64_t id = found ? truth[place].id : -1;
    const float score =
        found ? static_cast<float>(judge::documented_score(metric, normalized, truth[place].key))
              : padding;
    const std::string where =
        "user " + std::to_string(asked.row) + ", place " + std::to_string(place + 1) + ": ";
    if (ids[place] != id)
      return where + "item " + std::to_string(ids[place]) + ", but it is " + std::to_string(id);
    if (!scores.empty() && scores[place] != score)
      return where + "score " + human_score(scores[place]) + ", but it is " + human_score(score);
  }
  return std::nullopt;
}

}  // namespace

SampleVerdict check_sample(const BatchCommand& command, const Index& index, const MatrixFile& users,
                           const ShareRows& rows, std::size_t count) {
  const Metric metric = command.metric.value_or(index.info().metric);
  std::vector<Asked> sample = choose(users, rows, count);
  read_excluded(command, users.rows(), sample);
  std::vector<std::uint8_t> mask;
  if (!command.mask_path.empty()) mask = read_mask(command.mask_path, index.size());
  scan_items(index, metric, command.k, mask, sample);
  const IdFile ids(command.out.ids, command.k);
  std::optional<MatrixFile> scores;
  if (!command.out.scores.empty()) scores.emplace(MatrixFile::open(command.out.scores));
  SampleVerdict verdict;
  verdict.users = sample.size();
  for (Asked& asked : sample) {
    const std::size_t row = asked.row - rows.first;
    std::vector<float> given(scores ? command.k : 0);
    if (scores) blaming(command.out.scores, [&] { scores->read(row, 1, given.data()); });
    const auto found = fault(asked, ids.row(row), given, metric, index.info().normalized);
    if (!found) continue;
    if (verdict.wrong++ == 0) verdict.first_wrong = *found;
  }
  return verdict;
}

}  // namespace maxdot::tools
