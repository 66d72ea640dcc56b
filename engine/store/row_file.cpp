#include "store/row_file.hpp"

#include <utility>

#include "base/path_errors.hpp"

namespace maxdot::store {

RowFile::RowFile(base::InputFile file, std::uint64_t offset, std::size_t row_bytes) noexcept
    : file_(std::move(file)), offset_(offset), row_bytes_(row_bytes) {
  file_.expect_scattered_reads();
}

bool RowReads::read(std::size_t first, std::size_t count, void* out) noexcept {
  const auto failure =
      rows_.file().try_read_at(rows_.offset_of(first), out, count * rows_.row_bytes());
  if (!failure) return true;
  if (!failed_.exchange(true)) failure_ = *failure;
  stop_.cancel();
  return false;
}

void RowFile::throw_if_changed() const {
  if (!file_.has_changed()) return;
  base::fail(file_.path(),
             "was changed while it was open; restore it, or build it again, and open it anew");
}

void RowReads::throw_if_failed() const {
  if (failed_) rows_.file().refuse(failure_);
  rows_.throw_if_changed();
}

}  // namespace maxdot::store
