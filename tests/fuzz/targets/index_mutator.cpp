// How inputs of fuzz_index_file become others.

#include "index_input.hpp"

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned int seed) {
  using namespace fuzz;
  Random random(seed);
  const std::span<const std::uint8_t> given(data, size);
  const std::optional<IndexInput> input = index_input(given);
  Bytes question(sizeof(Question));
  Bytes file;
  if (input) {
    question.assign(given.begin(), given.begin() + sizeof(Question));
    file.assign(input->file.begin(), input->file.end());
  }
  bool repair = true;
  if (file.size() < kIndexHeaderBytes || random.one_in(100)) {
    file = fresh_index_file(random);
    for (std::uint8_t& byte : question) byte = static_cast<std::uint8_t>(random.bits());
  } else if (random.one_in(4)) {
    damage(random, question);
  } else if (random.one_in(12)) {
    mutate_freely(file, most - sizeof(Question));
    repair = random.one_in(2);
  } else if (random.one_in(6)) {
    change_index_file(random, file);
    const Bytes built = rebuilt_index_file(file);
    if (!built.empty()) file = built;
  } else {
    for (std::size_t times = 1 + random.below(3); times > 0; --times)
      change_index_file(random, file);
    repair = !random.one_in(10);
  }
  if (repair) repair_checksums(file);
  if (file.size() + sizeof(Question) > most) return size;  // it would be cut to nothing of worth
  question.insert(question.end(), file.begin(), file.end());
  return hand_over(question, data, most);
}
