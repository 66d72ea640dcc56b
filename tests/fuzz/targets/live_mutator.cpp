// How inputs of fuzz_live_folder become others, and the folders that they begin with.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "index_input.hpp"
#include "live_format.hpp"
#include "maxdot/live_index.hpp"
#include "property.hpp"

namespace fuzz {
namespace {

namespace fs = std::filesystem;

using maxdot::LiveIndex;
using maxdot::MatrixView;

Bytes read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void change_live(Random& random, LiveIndex& live, std::size_t d, bool half) {
  std::map<std::int64_t, int> drawn;
  for (std::size_t count = 1 + random.below(6); count > 0; --count)
    drawn[static_cast<std::int64_t>(random.below(20))] = 0;
  std::vector<std::int64_t> ids;
  for (const auto& [id, unused] : drawn) ids.push_back(id);
  const std::size_t way = random.below(8);
  if (way == 0) return live.compact();
  if (way < 3) {
    live.remove(ids);
    return;
  }
  std::vector<float> rows(ids.size() * d);
  for (float& value : rows) value = random.gaussian();
  std::vector<std::uint16_t> halves(rows.size());
  for (std::uint16_t& value : halves) value = static_cast<std::uint16_t>(random.below(0x4000));
  live.upsert(ids, half ? MatrixView::f16(halves.data(), ids.size(), d)
                        : MatrixView::f32(rows.data(), ids.size(), d));
}

void change_manifest(Random& random, Bytes& file) {
  const std::span<std::uint8_t> bytes(file);
  if (file.size() < kManifestHeaderBytes) return mutate_freely(file, file.size() + 64);
  const std::vector<std::size_t> segments = segments_in(bytes);
  if (!segments.empty() && random.one_in(2)) {
    const std::size_t at = segments[random.below(segments.size())];
    const std::size_t end = std::min(file.size(), at + 48);
    if (random.one_in(3)) return damage(random, bytes.subspan(at, end - at));
    const std::size_t field = at + 8 * random.below(4);
    return write_at(bytes, field, nasty_integer(random, read_at<std::uint64_t>(bytes, field)));
  }
  if (random.one_in(6)) return mutate_freely(file, file.size() + 64);
  if (random.one_in(3)) {
    const std::size_t field = 8 + 4 * random.below(4);
    return write_at(bytes, field, static_cast<std::uint32_t>(random.below(4)));
  }
  const std::size_t field = 24 + 8 * random.below(6);
  write_at(bytes, field, nasty_integer(random, read_at<std::uint64_t>(bytes, field)));
}

void change_record(Random& random, Bytes& file, std::size_t begin, std::size_t end) {
  const std::span<std::uint8_t> record = std::span(file).subspan(begin, end - begin);
  const std::span<std::uint8_t> payload = record.subspan(kRecordHeaderBytes);
  switch (random.below(5)) {
    case 0:
      return write_at(record, 4, static_cast<std::uint32_t>(random.below(6)));
    case 1: {
      const std::size_t field = random.pick<std::size_t>({8, 16, 24});
      return write_at(record, field, nasty_integer(random, read_at<std::uint64_t>(record, field)));
    }
    case 2:
      return damage(random, payload);
    default: {
      if (payload.size() < 8) return;
      // Counts, dimensions and ids come first.
      const std::size_t words =
          random.one_in(2) ? std::min<std::size_t>(payload.size() / 8, 4) : payload.size() / 8;
      const std::size_t field = 8 * random.below(words);
      return write_at(payload, field,
                      nasty_integer(random, read_at<std::uint64_t>(payload, field)));
    }
  }
}

void change_log(Random& random, Bytes& file) {
  const std::vector<std::size_t> records = records_in(file);
  if (records.size() < 2 || random.one_in(8)) return mutate_freely(file, file.size() + 64);
  const std::size_t which = random.below(records.size() - 1);
  const auto begin = file.begin() + static_cast<std::ptrdiff_t>(records[which]);
  const auto end = file.begin() + static_cast<std::ptrdiff_t>(records[which + 1]);
  switch (random.below(8)) {
    case 0:
      file.erase(begin, end);
      return;
    case 1: {
      const Bytes again(begin, end);
      file.insert(end, again.begin(), again.end());
      return;
    }
    case 2:
      file.resize(random.below(file.size()) + 1);
      return;
    default:
      return change_record(random, file, records[which], records[which + 1]);
  }
}

void change_folder(Random& random, std::vector<LiveFile>& files) {
  if (files.empty()) return;
  LiveFile& file = files[random.below(files.size())];
  if (random.one_in(40)) {
    files.erase(files.begin() + (&file - files.data()));
    return;
  }
  if (random.one_in(40)) {
    file.name =
        static_cast<std::uint8_t>(file.is_segment() ? 64 + random.below(8) : random.below(8));
    return;
  }
  if (file.is_manifest()) return change_manifest(random, file.bytes);
  if (file.is_log()) return change_log(random, file.bytes);
  if (random.one_in(2)) return change_index_file(random, file.bytes);
  const Bytes built = rebuilt_index_file(file.bytes);
  if (!built.empty()) file.bytes = built;
}

}  // namespace

std::vector<LiveFile> fresh_folder(Random& random) {
  const std::string folder = memory_folder() + "/made";
  fs::remove_all(folder);
  const std::size_t d = random.pick<std::size_t>({1, 2, 3, 5});
  const bool half = random.one_in(4);
  maxdot::CatalogueOptions catalogue;
  catalogue.metric = static_cast<maxdot::Metric>(random.below(3));
  catalogue.normalize = random.one_in(4);
  catalogue.dtype = half ? maxdot::DType::f16 : maxdot::DType::f32;
  maxdot::LiveOptions options;
  options.durability = maxdot::Durability::none;
  options.compact_in_background = false;
  options.fresh_items = 64;
  LiveIndex live = LiveIndex::create(folder, d, catalogue, options);
  for (std::size_t changes = random.below(8); changes > 0; --changes)
    change_live(random, live, d, half);
  if (random.one_in(8)) {
    put("segment", fresh_index_file(random));
    live.replace(memory_folder() + "/segment");
  }
  std::vector<LiveFile> files = {{0, read_file(folder + "/manifest")}};
  for (std::uint8_t name = 1; name < 128; ++name) {
    LiveFile file = {name, {}};
    file.bytes = read_file(folder + "/" + file.file_name());
    if (!file.bytes.empty()) files.push_back(std::move(file));
  }
  return files;
}

}  // namespace fuzz

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned int seed) {
  using namespace fuzz;
  Random random(seed);
  const std::span<const std::uint8_t> given(data, size);
  Bytes made(sizeof(LiveQuestion));
  std::vector<LiveFile> files;
  if (size > sizeof(LiveQuestion)) {
    made.assign(given.begin(), given.begin() + sizeof(LiveQuestion));
    files = unpack(given.subspan(sizeof(LiveQuestion)));
  }
  if (files.empty() || random.one_in(100)) {
    files = fresh_folder(random);
    for (std::uint8_t& byte : made) byte = static_cast<std::uint8_t>(random.bits());
  } else if (random.one_in(5)) {
    damage(random, made);
  } else {
    for (std::size_t times = 1 + random.below(3); times > 0; --times) change_folder(random, files);
    if (!random.one_in(10)) repair_folder(files, !random.one_in(4));
  }
  const Bytes packed = pack(files);
  if (packed.size() + made.size() > most) return size;  // it would be cut to nothing of worth
  made.insert(made.end(), packed.begin(), packed.end());
  return hand_over(made, data, most);
}
