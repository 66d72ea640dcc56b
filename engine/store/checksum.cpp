#include "store/checksum.hpp"

#include <xxhash.h>

#include <new>

namespace maxdot::store {

Checksum::Checksum() : state_(XXH3_createState()) {
  if (!state_ || XXH3_64bits_reset(state_.get()) != XXH_OK) throw std::bad_alloc();
}

void Checksum::update(const void* data, std::size_t bytes) noexcept {
  (void)XXH3_64bits_update(state_.get(), data, bytes);
}

std::uint64_t Checksum::digest() const noexcept { return XXH3_64bits_digest(state_.get()); }

void Checksum::Free::operator()(XXH3_state_s* state) const noexcept { (void)XXH3_freeState(state); }

}  // namespace maxdot::store
