#include "mutator.hpp"

#include <algorithm>
#include <limits>

namespace fuzz {

std::uint64_t nasty_integer(Random& random, std::uint64_t now) {
  switch (random.below(12)) {
    case 0:
      return 0;
    case 1:
      return 1;
    case 2:
      return now + 1;
    case 3:
      return now - 1;
    case 4:
      return now + 64;
    case 5:
      return std::uint64_t{1} << random.below(64);
    case 6:
      return (std::uint64_t{1} << random.below(64)) - 1;
    case 7:
      return ~std::uint64_t{0} - random.below(65);
    case 8:
      return random.below(300);
    case 9:
      return now * 2;
    case 10:
      return now ^ (std::uint64_t{1} << random.below(64));
    default:
      return random.bits();
  }
}

double nasty_number(Random& random) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  switch (random.below(8)) {
    case 0:
      return random.pick({std::numeric_limits<double>::quiet_NaN(), kInfinity, -kInfinity});
    case 1:
      return random.pick({0.0, -0.0, 1.0, -1.0});
    case 2:
      return random.pick({1e-45, -1e-45, 1e-38, 1e-30, 1e-300, 5e-324});
    case 3:
      return random.pick({3.4e38, -3.4e38, 1e30, -1e30, 1e300, -1e300});
    case 4:
      return random.gaussian();
    case 5:
      return static_cast<double>(random.below(256)) - 128.0;
    default: {
      const std::uint64_t bits = random.bits();
      double value;
      std::memcpy(&value, &bits, sizeof value);
      return value;
    }
  }
}

void damage(Random& random, std::span<std::uint8_t> bytes) {
  if (bytes.empty()) return;
  for (std::size_t times = 1 + random.below(4); times > 0; --times) {
    const std::size_t at = random.below(bytes.size());
    const std::size_t length = 1 + random.below(std::min<std::size_t>(bytes.size() - at, 16));
    switch (random.below(5)) {
      case 0:
        bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ (1U << random.below(8)));
        break;
      case 1:
        bytes[at] = static_cast<std::uint8_t>(random.bits());
        break;
      case 2:
        std::memset(bytes.data() + at, random.one_in(2) ? 0 : 0xff, length);
        break;
      case 3:
        std::memmove(bytes.data() + at, bytes.data() + random.below(bytes.size() - length + 1),
                     length);
        break;
      default:
        for (std::size_t i = 0; i < length; ++i)
          bytes[at + i] = static_cast<std::uint8_t>(random.bits());
        break;
    }
  }
}

void mutate_freely(Bytes& bytes, std::size_t most) {
  const std::size_t before = bytes.size();
  bytes.resize(std::max(before, most));
  bytes.resize(LLVMFuzzerMutate(bytes.data(), before, bytes.size()));
}

std::size_t hand_over(const Bytes& made, std::uint8_t* data, std::size_t most) {
  const std::size_t size = std::min(made.size(), most);
  if (size != 0) std::memcpy(data, made.data(), size);
  return size;
}

}  // namespace fuzz
