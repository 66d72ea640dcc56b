// What `maxdot verify` asks of FAISS. The one implementation (faiss_library.cpp) is a shared module
// beside the command, loaded by `verify` alone: FAISS brings a BLAS, which takes threads and memory
// in every process that it is linked to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace maxdot::tools {

/// What FAISS ranks by. Its L2 is the squared distance.
enum class FaissScore : std::uint8_t { inner_product, squared_distance };

/// An index of FAISS. Every function throws std::runtime_error where FAISS throws.
class FaissIndex {
 public:
  virtual ~FaissIndex() = default;
  /// Adds `rows` rows, after a training where the index needs one.
  virtual void add(std::size_t rows, const float* values) = 0;
  /// Lists to look into, where there are lists.
  virtual void look_into(std::size_t lists) = 0;
  /// Writes [queries, k] scores and rows, best first; row -1 where there is none.
  virtual void search(std::size_t queries, const float* values, std::size_t k, float* scores,
                      std::int64_t* rows) const = 0;
};

class FaissLibrary {
 public:
  virtual ~FaissLibrary() = default;
  virtual std::string version() const = 0;
  /// IndexFlatIP or IndexFlatL2.
  virtual std::unique_ptr<FaissIndex> flat(FaissScore measure, std::size_t dimension) const = 0;
  /// IndexIVFFlat of `lists` lists, trained shortly from `seed`.
  virtual std::unique_ptr<FaissIndex> ivf(FaissScore measure, std::size_t dimension,
                                          std::size_t lists, std::uint64_t seed) const = 0;
};

/// The module's file, in the folder of the command, and its one function: a FaissLibrary that lives
/// as long as the process, or null where this header is not the one that the module was built with.
inline constexpr const char* kFaissModule = "maxdot_faiss.so";
inline constexpr const char* kFaissEntry = "maxdot_faiss_library";
inline constexpr const char* kFaissInterface = "maxdot " MAXDOT_VERSION;
using FaissEntry = const FaissLibrary* (*)(const char* interface) noexcept;

/// The module, loaded at the first call; null if it is not there, or does not fit this command or
/// this system.
const FaissLibrary* load_faiss();

}  // namespace maxdot::tools
