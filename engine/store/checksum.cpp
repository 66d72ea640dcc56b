#include "store/checksum.hpp"

#include <xxhash.h>

#include <new>

namespace maxdot::store {
namespace {

XXH3_state_t* of(void* state) noexcept { return static_cast<XXH3_state_t*>(state); }

}  // namespace

Checksum::Checksum() : state_(XXH3_createState()) {
  if (!state_ || XXH3_64bits_reset(of(state_.get())) != XXH_OK) throw std::bad_alloc();
}

void Checksum::update(const void* data, std::size_t bytes) noexcept {
  (void)XXH3_64bits_update(of(state_.get()), data, bytes);
}

std::uint64_t Checksum::digest() const noexcept { return XXH3_64bits_digest(of(state_.get())); }

void Checksum::Free::operator()(void* state) const noexcept { (void)XXH3_freeState(of(state)); }

}  // namespace maxdot::store
