// Memory for big arrays: 64-byte aligned, readable a little past its end, on huge pages where they
// help.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>

namespace maxdot::base {

/// Every allocation below may be read (not written) this far past its end, so that a vector load of
/// a row's last elements never faults. The bytes there are zero.
inline constexpr std::size_t kReadPadding = 64;

/// Throws Error (out_of_memory) saying what the memory was for. Bytes are uninitialised. `bytes`
/// may be 0.
std::shared_ptr<void> allocate_shared_bytes(std::size_t bytes, const char* what);

/// An owned array of trivial elements, 64-byte aligned, uninitialised; from 4 KiB on with pages of
/// its own. Movable.
template <typename T>
class AlignedBuffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  AlignedBuffer() noexcept = default;
  AlignedBuffer(std::size_t count, const char* what)
      : memory_(allocate_shared_bytes(count * sizeof(T), what)), count_(count) {}

  T* data() noexcept { return static_cast<T*>(memory_.get()); }
  const T* data() const noexcept { return static_cast<const T*>(memory_.get()); }
  std::size_t size() const noexcept { return count_; }
  T& operator[](std::size_t i) noexcept { return data()[i]; }
  const T& operator[](std::size_t i) const noexcept { return data()[i]; }

  /// Grows to at least `count` elements; contents are lost when it grows.
  void ensure(std::size_t count, const char* what) {
    if (count > count_) *this = AlignedBuffer(count, what);
  }

 private:
  std::shared_ptr<void> memory_;
  std::size_t count_ = 0;
};

}  // namespace maxdot::base
