// Runs a fuzz target without libFuzzer: every file of a corpus, then mutations of them by the
// target's own mutator. They follow from the seed alone, so a failure repeats.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "mutator.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned int seed);

namespace {

using fuzz::Bytes;
using fuzz::Random;

constexpr std::size_t kMostBytes = 65'536;
constexpr std::size_t kMostInputs = 512;  // that mutations are made of

Random byte_random(0);  // of LLVMFuzzerMutate

std::vector<Bytes> read_corpus(const std::string& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.is_regular_file()) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Bytes> inputs;
  for (const std::filesystem::path& path : paths) {
    std::ifstream file(path, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return inputs;
}

// One input after the other, each from those before: mutations of mutations come about.
void run_mutations(std::vector<Bytes>& inputs, std::uint64_t cases, std::uint64_t seed) {
  Random random(seed);
  Bytes buffer(kMostBytes);
  for (std::uint64_t i = 0; i < cases; ++i) {
    const std::size_t from = inputs.empty() ? 0 : random.below(inputs.size());
    std::size_t size = 0;
    if (!inputs.empty()) {
      size = std::min(inputs[from].size(), kMostBytes);
      std::copy_n(inputs[from].begin(), size, buffer.begin());
    }
    byte_random = Random(random.bits());
    size = LLVMFuzzerCustomMutator(buffer.data(), size, kMostBytes,
                                   static_cast<unsigned int>(random.bits()));
    Bytes made(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size));
    LLVMFuzzerTestOneInput(made.data(), made.size());
    if (inputs.size() < kMostInputs) {
      inputs.push_back(std::move(made));
    } else if (random.one_in(8)) {
      inputs[random.below(inputs.size())] = std::move(made);
    }
  }
}

int usage(const char* program) {
  std::fprintf(stderr,
               "usage: %s [--cases N] [--seed N] [CORPUS_FOLDER | FILE]...\n"
               "Runs every file, then N mutations (0 without --cases).\n",
               program);
  return 2;
}

}  // namespace

// NOLINTNEXTLINE: the name is libFuzzer's
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most) {
  Bytes bytes(data, data + size);
  const std::size_t at = byte_random.below(size + 1);
  const auto place = bytes.begin() + static_cast<std::ptrdiff_t>(at);
  const std::size_t length = std::min<std::size_t>(1 + byte_random.below(16), size - at);
  const auto behind = place + static_cast<std::ptrdiff_t>(length);
  switch (byte_random.below(4)) {
    case 0:
      bytes.erase(place, behind);
      break;
    case 1: {
      const Bytes part(place, behind);
      bytes.insert(place, part.begin(), part.end());
      break;
    }
    case 2:
      bytes.insert(place, static_cast<std::uint8_t>(byte_random.bits()));
      break;
    default:
      fuzz::damage(byte_random, bytes);
      break;
  }
  bytes.resize(std::min(bytes.size(), most));
  std::copy(bytes.begin(), bytes.end(), data);
  return bytes.size();
}

int main(int argc, char** argv) {
  std::uint64_t cases = 0;
  std::uint64_t seed = 1;
  std::vector<Bytes> inputs;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--cases" || argument == "--seed") {
      if (++i == argc) return usage(argv[0]);
      (argument == "--cases" ? cases : seed) = std::strtoull(argv[i], nullptr, 10);
    } else if (argument.starts_with("-")) {
      return usage(argv[0]);
    } else if (std::filesystem::is_directory(argument)) {
      for (Bytes& input : read_corpus(argument)) inputs.push_back(std::move(input));
    } else {
      std::ifstream file(argument, std::ios::binary);
      if (!file) {
        std::fprintf(stderr, "%s: cannot be read\n", argument.c_str());
        return 2;
      }
      inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
  }
  for (const Bytes& input : inputs) LLVMFuzzerTestOneInput(input.data(), input.size());
  run_mutations(inputs, cases, seed);
  std::printf("%zu inputs, %llu mutations: every property held\n", inputs.size(),
              static_cast<unsigned long long>(cases));
  return 0;
}
