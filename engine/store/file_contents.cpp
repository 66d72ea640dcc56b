#include "store/file_contents.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "base/aligned_buffer.hpp"
#include "base/stop.hpp"
#include "maxdot/error.hpp"

namespace maxdot::store {
namespace {

/// Memory that the system may not page out.
class LockedMemory {
 public:
  LockedMemory(const base::InputFile& file, std::shared_ptr<void> memory, std::size_t bytes)
      : memory_(std::move(memory)), bytes_(bytes) {
    if (::mlock(memory_.get(), bytes_) == 0) return;
    throw Error(ErrorCode::out_of_memory,
                file.path() + ": " + std::to_string(bytes_) + " bytes cannot be locked in RAM (" +
                    std::generic_category().message(errno) +
                    "); raise the limit (ulimit -l, LimitMEMLOCK of systemd), or load without");
  }
  LockedMemory(const LockedMemory&) = delete;
  LockedMemory& operator=(const LockedMemory&) = delete;
  ~LockedMemory() { (void)::munlock(memory_.get(), bytes_); }

  unsigned char* data() const noexcept { return static_cast<unsigned char*>(memory_.get()); }

 private:
  std::shared_ptr<void> memory_;
  std::size_t bytes_;
};

}  // namespace

std::shared_ptr<unsigned char> memory_for(const base::InputFile& file, std::size_t bytes,
                                          Load load) {
  std::shared_ptr<void> memory = base::allocate_shared_bytes(bytes, "the index");
  if (load != Load::locked) {
    auto* data = static_cast<unsigned char*>(memory.get());
    return {std::move(memory), data};
  }
  auto locked = std::make_shared<LockedMemory>(file, std::move(memory), bytes);
  unsigned char* data = locked->data();
  return {std::move(locked), data};
}

void read_in_steps(const base::InputFile& file, std::uint64_t offset, unsigned char* out,
                   std::size_t bytes) {
  for (std::uint64_t at = 0; at < bytes; at += kBytesPerStep) {
    base::throw_if_stopped();
    file.read_at(offset + at, out + at, std::min<std::uint64_t>(kBytesPerStep, bytes - at));
  }
}

FileContents contents_of(const base::InputFile& file, Load load) {
  if (load == Load::map) {
    auto map = std::make_shared<const base::MappedFile>(file);
    return {map->data(), map->size(), map};
  }
  const auto bytes = static_cast<std::size_t>(file.size());
  std::shared_ptr<unsigned char> memory = memory_for(file, bytes, load);
  read_in_steps(file, 0, memory.get(), bytes);
  const unsigned char* data = memory.get();
  return {data, bytes, std::move(memory)};
}

}  // namespace maxdot::store
