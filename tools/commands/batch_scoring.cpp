#include "commands/batch_scoring.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "commands/scoring.hpp"
#include "console/console.hpp"
#include "console/disk.hpp"
#include "console/failure.hpp"

namespace maxdot::tools {
namespace {

std::string where(const BatchCommand& command, const BadRow& bad, std::size_t first_row) {
  return command.users_path + ": row " + std::to_string(first_row + bad.row) + ", " + bad.reason();
}

double worst_score(Metric metric) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  return metric == Metric::euclidean ? infinity : -infinity;
}

}  // namespace

Exclusions::Exclusions(const BatchCommand& command, std::size_t users, std::size_t first,
                       std::size_t last, const InterruptGuard& interrupt) {
  if (command.exclude_path.empty()) return;
  if (command.exclude_ids_path.empty()) {
    pairs_.emplace(command.exclude_path, command.columns, SortedPairs::Users{users, first, last},
                   folder_of(command.out.ids), interrupt);
  } else {
    lists_ = read_lists(command.exclude_path, command.exclude_ids_path, users, command.columns);
  }
}

std::size_t Exclusions::next(std::size_t begin, std::size_t most, IdLists& lists) {
  if (pairs_) return pairs_->next(begin, most, lists);
  lists = slice_.of(lists_, begin, most);
  return most;
}

void scan_users(const BatchCommand& command, const MatrixFile& users, const ShareRows& rows,
                std::size_t rows_at_once, const InterruptGuard& interrupt) {
  Matrix buffer(rows_at_once, users.cols(), users.dtype());
  Progress progress("scanning", "users", rows.count(), command.form());
  std::optional<BadRowReport> report;
  if (!command.out.bad_rows.empty()) report.emplace(command.out.bad_rows, 0);
  std::string first;
  std::uint64_t found = 0;
  for (std::size_t begin = rows.first; begin < rows.last; begin += rows_at_once) {
    const std::size_t count = std::min(rows_at_once, rows.last - begin);
    blaming(command.users_path, [&] { users.read(begin, count, buffer.data()); });
    for (const BadRow& bad : bad_rows_of(buffer.view().slice(0, count))) {
      if (found++ == 0) first = where(command, bad, begin);
      if (report) report->add(command.users_path, begin + bad.row, bad.reason());
    }
    progress.update(begin + count - rows.first);
    interrupt.check();
  }
  if (found == 0) return;
  if (report) report->commit();
  throw Failure(ExitCode::bad_data,
                first + ", and " + with_thousands(found - 1) +
                    " more rows are bad; repair them, or give --on-bad-row null");
}

Scoring::Scoring(const BatchCommand& command, const Index& index, const MatrixFile& users,
                 std::size_t rows_at_once, const StopOptions& stop)
    : command_(command),
      index_(index),
      users_(users),
      worst_score_(worst_score(command.metric.value_or(index.info().metric))),
      buffer_(rows_at_once, users.cols(), users.dtype()),
      ids_(rows_at_once * command.k),
      scores_(rows_at_once * command.k) {
  options_.threads = static_cast<int>(command.threads);
  options_.metric = command.metric;
  options_.stop = stop;
  if (command.mask_path.empty()) return;
  item_mask_ = read_mask(command.mask_path, index.size());
  options_.filters.item_mask = item_mask_;
}

void Scoring::score(std::size_t first, std::size_t count, const IdLists& exclude,
                    BatchResults& results) {
  blaming(command_.users_path, [&] { users_.read(first, count, buffer_.data()); });
  const MatrixView rows = buffer_.view().slice(0, count);
  const std::vector<BadRow> bad = bad_rows_of(rows);
  if (!bad.empty() && !command_.null_bad_rows) {
    throw Failure(ExitCode::bad_data, where(command_, bad.front(), first) +
                                          "; repair the row, or give --on-bad-row null");
  }
  for (const BadRow& row : bad) clear_row(buffer_, row.row);
  options_.filters.exclude = exclude;
  search_rows(index_, rows, command_.k, {ids_.data(), scores_.data(), nullptr}, options_,
              command_.users_path, first);
  for (const BadRow& row : bad) {
    std::fill_n(&ids_[row.row * command_.k], command_.k, -1);
    std::fill_n(&scores_[row.row * command_.k], command_.k, worst_score_);
  }
  results.append(ids_.data(), scores_.data(), count, bad, first);
}

}  // namespace maxdot::tools
