#include "base/aligned_buffer.hpp"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

#include "maxdot/error.hpp"

namespace maxdot::base {
namespace {

// From this size on a buffer has pages of its own: each thread writes its buffers for every tile,
// and where they stood side by side in the heap, two threads were slower ("Buffers of threads" in
// docs/measurements.md).
constexpr std::size_t kPage = 4096;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

[[noreturn]] void out_of_memory(std::size_t bytes, const char* what) {
  throw Error(ErrorCode::out_of_memory,
              "cannot allocate " + std::to_string(bytes) + " bytes for " + what +
                  "; free memory, or use fewer rows, queries or a smaller k");
}

}  // namespace

std::shared_ptr<void> allocate_shared_bytes(std::size_t bytes, const char* what) {
  if (bytes > (std::size_t{1} << 47)) out_of_memory(bytes, what);
  const bool big = bytes >= 2 * kHugePage;
  const std::size_t alignment = big ? kHugePage : bytes >= kPage ? kPage : 64;
  const std::size_t total = (bytes + kReadPadding + alignment - 1) / alignment * alignment;
  void* p = std::aligned_alloc(alignment, total);
  if (p == nullptr) out_of_memory(bytes, what);
#ifdef MADV_HUGEPAGE
  // A scan touches every 4 KiB page once: huge pages take the TLB misses away. Advice may be
  // refused; that is fine.
  if (big) (void)madvise(p, total, MADV_HUGEPAGE);
#endif
  std::memset(static_cast<unsigned char*>(p) + bytes, 0, kReadPadding);
  try {
    return std::shared_ptr<void>(p, [](void* q) { std::free(q); });
  } catch (const std::bad_alloc&) {
    out_of_memory(bytes, what);  // the shared_ptr constructor has already freed p
  }
}

}  // namespace maxdot::base
