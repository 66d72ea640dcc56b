// What is changed in index files.

#include <algorithm>

#include "index_input.hpp"

namespace fuzz {
namespace {

constexpr std::uint64_t kMostOfFile = 48'000;  // [bytes] that a change of shape makes

void change_header(Random& random, Bytes& file) {
  const std::span<std::uint8_t> bytes(file);
  switch (random.below(9)) {
    case 0:
      return write_at(bytes, 24, nasty_integer(random, read_at<std::uint64_t>(bytes, 24)));
    case 1:
      return write_at(
          bytes, 32,
          static_cast<std::uint32_t>(nasty_integer(random, read_at<std::uint32_t>(bytes, 32))));
    case 2:
      return write_at(bytes, 16, nasty_integer(random, read_at<std::uint64_t>(bytes, 16)));
    case 3:
      return write_at(
          bytes, 12,
          static_cast<std::uint32_t>(nasty_integer(random, read_at<std::uint32_t>(bytes, 12))));
    case 4:
      return write_at(bytes, 40, nasty_number(random));
    case 5:
      file[37] = static_cast<std::uint8_t>(random.below(4));
      return;
    case 6:
      file[38] = static_cast<std::uint8_t>(random.below(3));
      return;
    case 7:
      file[36] = static_cast<std::uint8_t>(random.below(3));
      return;
    default:
      return damage(random, bytes.first(kIndexHeaderBytes));
  }
}

void change_entry(Random& random, Bytes& file) {
  const std::vector<SectionPlace> places = sections_in(file);
  if (places.empty()) return;
  const std::span<std::uint8_t> bytes(file);
  const std::size_t entry = places[random.below(places.size())].entry;
  if (random.one_in(8)) {
    const std::size_t other = places[random.below(places.size())].entry;
    std::swap_ranges(file.begin() + static_cast<std::ptrdiff_t>(entry),
                     file.begin() + static_cast<std::ptrdiff_t>(entry + kSectionEntryBytes),
                     file.begin() + static_cast<std::ptrdiff_t>(other));
    return;
  }
  const std::size_t field = entry + random.pick<std::size_t>({0, 8, 8, 16, 16});
  write_at(bytes, field, nasty_integer(random, read_at<std::uint64_t>(bytes, field)));
}

// One element becomes what bounds and orders are likely to be wrong with.
void change_element(Random& random, std::span<std::uint8_t> section, std::uint32_t kind,
                    bool half) {
  const std::size_t size = kind == kRows                             ? (half ? 2U : 4U)
                           : kind == kSquares || kind == kIds        ? 8U
                           : kind == kHighCodes || kind == kLowCodes ? 1U
                           : kind == kCodeOrder                      ? 2U
                                                                     : 4U;
  if (section.size() < size) return;
  const std::size_t at = random.below(section.size() / size) * size;
  if (size == 8 && kind == kSquares) return write_at(section, at, nasty_number(random));
  if (size == 8)
    return write_at(section, at, nasty_integer(random, read_at<std::uint64_t>(section, at)));
  if (size == 4) return write_at(section, at, static_cast<float>(nasty_number(random)));
  if (size == 2)
    return write_at(
        section, at,
        static_cast<std::uint16_t>(nasty_integer(random, read_at<std::uint16_t>(section, at))));
  section[at] = static_cast<std::uint8_t>(random.bits());
}

void change_section(Random& random, Bytes& file) {
  const std::vector<SectionPlace> places = sections_in(file);
  if (places.empty()) return;
  const SectionPlace& place = places[random.below(places.size())];
  const std::span<std::uint8_t> section = std::span(file).subspan(place.offset, place.bytes);
  const bool half = file.size() >= kIndexHeaderBytes && file[36] == 1;
  if (random.one_in(6)) return damage(random, section);
  for (std::size_t times = random.pick<std::size_t>({1, 1, 1, 2, 8, 64}); times > 0; --times)
    change_element(random, section, place.kind, half);
}

void change_shape(Random& random, Bytes& file) {
  std::optional<IndexShape> shape = shape_in(file);
  if (!shape) return;
  switch (random.below(4)) {
    case 0:
      shape->items = random.pick<std::uint64_t>(
          {0, 1, shape->items + 1, shape->items + 63, 63, 64, 65, 128, 129, 200});
      break;
    case 1:
      shape->dimension = random.pick<std::uint32_t>({1, shape->dimension + 1, 3, 4, 5, 8, 9, 33});
      break;
    case 2:
      shape->half = !shape->half;
      break;
    default:
      shape->with_ids = !shape->with_ids;
      break;
  }
  if (shape->items * shape->dimension * 8 > kMostOfFile) return;
  file = lay_out_again(file, *shape);
}

}  // namespace

void change_index_file(Random& random, Bytes& file) {
  if (file.size() < kIndexHeaderBytes) return;
  switch (random.below(16)) {
    case 0:
    case 1:
      return change_header(random, file);
    case 2:
      return change_entry(random, file);
    case 3:
    case 4:
      return change_shape(random, file);
    case 5:
      file.resize(random.below(file.size()) + 1);
      return;
    case 6:
      file.resize(file.size() + random.pick<std::size_t>({1, 8, 63, 64, 65, 128}));
      return;
    default:
      return change_section(random, file);
  }
}

}  // namespace fuzz
