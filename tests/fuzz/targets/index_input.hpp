// What an input of fuzz_index_file is: a question of 16 bytes, then an index file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "index_format.hpp"

namespace fuzz {

/// How the file is opened, and what is asked of it. Every value of every byte means something.
struct Question {
  std::uint64_t seed;  ///< queries, lists and threads are drawn from it
  std::uint8_t open;  ///< two bits: verify nothing, payload, codes twice; rows on disk; load memory
  std::uint8_t kind;  ///< of search
  std::uint8_t queries;  ///< how many
  std::uint8_t k;
  std::uint8_t metric;
  std::uint8_t filters;  ///< bits: exclude, allow, mask; keys instead of scores
  std::uint8_t way;      ///< 0: the public functions alone; else one forced way more
  std::uint8_t again;    ///< odd: also save, open and compare
};
static_assert(sizeof(Question) == 16);

struct IndexInput {
  Question question;
  std::span<const std::uint8_t> file;
};

inline std::optional<IndexInput> index_input(std::span<const std::uint8_t> data) {
  if (data.size() < sizeof(Question)) return std::nullopt;
  return IndexInput{read_at<Question>(data, 0), data.subspan(sizeof(Question))};
}

/// A file that maxdot wrote, of few rows. Sizes and values are drawn.
Bytes fresh_index_file(Random& random);

/// The file that maxdot writes for the rows and ids that stand in `file`, made finite and unique;
/// empty if its header says nothing that can be built.
Bytes rebuilt_index_file(std::span<const std::uint8_t> file);

/// Changes a field, an element, a section or the shape. Does not repair.
void change_index_file(Random& random, Bytes& file);

}  // namespace fuzz
