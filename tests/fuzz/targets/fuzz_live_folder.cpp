// The folder of a LiveIndex with files of any bytes: opening it ends in an Error or a catalogue
// that can be searched, changed and opened again. If its segments pass verify_codes, searches
// return what brute force says of its items, and what was closed is what is opened.

#include <algorithm>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include "live_format.hpp"
#include "maxdot/error.hpp"
#include "maxdot/live_index.hpp"
#include "maxdot/reference.hpp"
#include "property.hpp"

namespace fuzz {
namespace {

using maxdot::Error;
using maxdot::Index;
using maxdot::LiveIndex;
using maxdot::MatrixView;
using maxdot::SearchResult;
using maxdot::Snapshot;

constexpr std::size_t kMostValues = 4096;  // of queries, and of rows that are put in

/// All items of a snapshot.
struct Items {
  std::uint64_t version = 0;
  std::vector<std::int64_t> ids;
  std::vector<float> rows;

  std::map<std::int64_t, Bytes> by_id(std::size_t d) const {
    std::map<std::int64_t, Bytes> found;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      Bytes bytes(d * sizeof(float));
      std::memcpy(bytes.data(), rows.data() + i * d, bytes.size());
      found[ids[i]] = bytes;
    }
    return found;
  }
};

Items items_of(const Snapshot& snapshot) {
  Items items = {snapshot.version(), snapshot.ids(), {}};
  require(items.ids.size() == snapshot.size(), "a snapshot has as many ids as items");
  items.rows.resize(items.ids.size() * snapshot.dimension());
  for (std::size_t i = 0; i < items.ids.size(); ++i) {
    float* out = items.rows.data() + i * snapshot.dimension();
    if (!snapshot.item(items.ids[i], out)) std::fill_n(out, snapshot.dimension(), 0.0F);
  }
  return items;
}

class Catalogue {
 public:
  Catalogue(const LiveQuestion& question, std::string folder, bool verified)
      : question_(question),
        folder_(std::move(folder)),
        verified_(verified),
        random_(question.seed) {
    options_.durability = maxdot::Durability::none;
    options_.compact_in_background = false;
    options_.fresh_items = 64;
  }

  void use() {
    if ((question_.open & 1) != 0) {
      search(LiveIndex::open_read_only(folder_).snapshot());
      return;
    }
    Items before;
    std::size_t d = 0;
    {
      LiveIndex live = LiveIndex::open(folder_, options_);
      search(live.snapshot());
      std::optional<LiveIndex> reader;
      if ((question_.open & 2) != 0) reader.emplace(LiveIndex::open_read_only(folder_));
      change(live);
      search(live.snapshot());
      if (reader) {
        reader->refresh();
        require(reader->snapshot().version() == live.snapshot().version(),
                "who reads sees the newest version after refresh");
      }
      before = items_of(live.snapshot());
      d = live.snapshot().dimension();
    }
    open_again(before, d);
  }

 private:
  void open_again(const Items& before, std::size_t d) {
    try {
      const LiveIndex live = LiveIndex::open(folder_, options_);
      if (!verified_) return;
      const Items after = items_of(live.snapshot());
      require(after.version == before.version, "the version that was closed is opened again");
      require(after.by_id(d) == before.by_id(d), "the items that were closed are opened again");
    } catch (const Error& error) {
      broken(std::string("what was opened and closed can be opened again: ") + error.what());
    }
  }

  std::vector<float> values(std::size_t count) {
    std::vector<float> made(count);
    for (float& value : made) value = random_.gaussian();
    return made;
  }

  void search(const Snapshot& snapshot) {
    const std::size_t d = snapshot.dimension();
    const std::size_t count = d * 2 > kMostValues ? 1 : 2;
    const std::vector<float> floats = values(count * d);
    const MatrixView queries = MatrixView::f32(floats.data(), count, d);
    const std::size_t k = question_.k % 30;
    maxdot::SearchOptions options;
    options.threads = 1;
    options.metric = static_cast<maxdot::Metric>(question_.metric % 3);
    const SearchResult got = snapshot.search(queries, k, options);
    const double everything = options.metric == maxdot::Metric::euclidean
                                  ? std::numeric_limits<double>::infinity()
                                  : -std::numeric_limits<double>::infinity();
    const maxdot::RangeResult all = snapshot.search_range(queries, {&everything, 1}, options);
    snapshot.search_multi(queries, count, k, options);
    const Items items = items_of(snapshot);
    // A manifest of anybody may keep two rows of one id alive.
    verified_ =
        verified_ && std::set(items.ids.begin(), items.ids.end()).size() == items.ids.size();
    if (!verified_) return;
    require(all.ids.size() == count * items.ids.size(), "a range of everything has every item");
    const SearchResult right = maxdot::reference::top_k(
        MatrixView::f32(items.rows.data(), items.ids.size(), d), queries, k, *options.metric,
        snapshot.info().normalized, items.ids.data(), 1);
    require(got.ids == right.ids && got.scores == right.scores && got.counts == right.counts,
            "a snapshot is searched as brute force does");
  }

  // Each may be refused, such as f16 rows that f32 values are put into.
  template <typename Call>
  static void try_to(Call&& call) {
    try {
      call();
    } catch (const Error& error) {
      require(error.what()[0] != '\0', "an error says something");
    }
  }

  void change(LiveIndex& live) {
    const std::size_t d = live.snapshot().dimension();
    if ((question_.changes & 1) != 0 && d * 3 <= kMostValues) {
      const std::vector<std::int64_t> ids = {static_cast<std::int64_t>(random_.below(20)),
                                             100 + static_cast<std::int64_t>(random_.below(100)),
                                             1 + static_cast<std::int64_t>(random_.bits() >> 2)};
      const std::vector<std::uint16_t> halves(3 * d, 0x3c00);
      const std::vector<float> floats = values(3 * d);
      const bool half = live.snapshot().info().dtype == maxdot::DType::f16;
      try_to([&] {
        live.upsert(ids, half ? MatrixView::f16(halves.data(), 3, d)
                              : MatrixView::f32(floats.data(), 3, d));
      });
    }
    if ((question_.changes & 2) != 0) {
      const std::vector<std::int64_t> ids = {0, 5, static_cast<std::int64_t>(random_.below(20))};
      try_to([&] { live.remove(ids); });
    }
    if ((question_.changes & 12) == 4) try_to([&] { live.compact(); });
    if ((question_.changes & 24) == 24) {
      const std::vector<float> floats = values(6);
      try_to([&] {
        live.replace(Index::build(MatrixView::f32(floats.data(), 2, 3), {.threads = 1}));
      });
    }
  }

  const LiveQuestion& question_;
  const std::string folder_;
  bool verified_;
  Random random_;
  maxdot::LiveOptions options_;
};

// Writes the files. Returns whether every segment is what maxdot would have written.
bool write_folder(const std::vector<LiveFile>& files, const std::string& folder) {
  std::filesystem::create_directory(folder);
  bool verified = true;
  for (const LiveFile& file : files) {
    const std::string path = put("live/" + file.file_name(), file.bytes);
    if (!file.is_segment()) continue;
    try {
      Index::open(path, {.verify_codes = true, .threads = 1});
    } catch (const Error&) {
      verified = false;
    }
  }
  return verified;
}

}  // namespace
}  // namespace fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fuzz;
  const std::span<const std::uint8_t> given(data, size);
  if (size < sizeof(LiveQuestion)) return 0;
  const auto question = read_at<LiveQuestion>(given, 0);
  clear_memory_folder();
  const std::string folder = memory_folder() + "/live";
  const bool verified = write_folder(unpack(given.subspan(sizeof(LiveQuestion))), folder);
  try {
    Catalogue(question, folder, verified).use();
  } catch (const Error& error) {
    require(error.what()[0] != '\0', "an error says something");
  }
  return 0;
}
