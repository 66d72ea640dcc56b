// The shared module: FAISS behind the interface of faiss_library.hpp.
#include "verify/faiss_library.hpp"

#include <faiss/IndexFlat.h>
#include <faiss/IndexIVFFlat.h>
#include <faiss/impl/FaissException.h>

#include <cstring>
#include <stdexcept>
#include <utility>

namespace maxdot::tools {
namespace {

// FAISS's own exception is a type that the command does not know.
template <typename Action>
decltype(auto) translated(Action&& action) {
  try {
    return std::forward<Action>(action)();
  } catch (const faiss::FaissException& error) {
    throw std::runtime_error(error.what());
  }
}

std::unique_ptr<faiss::IndexFlat> make_flat(FaissScore measure, std::size_t dimension) {
  const auto d = static_cast<std::int64_t>(dimension);
  if (measure == FaissScore::inner_product) return std::make_unique<faiss::IndexFlatIP>(d);
  return std::make_unique<faiss::IndexFlatL2>(d);
}

void search_in(const faiss::Index& index, std::size_t queries, const float* values, std::size_t k,
               float* scores, std::int64_t* rows) {
  translated([&] {
    index.search(static_cast<std::int64_t>(queries), values, static_cast<std::int64_t>(k), scores,
                 rows);
  });
}

class Flat final : public FaissIndex {
 public:
  Flat(FaissScore measure, std::size_t dimension) : index_(make_flat(measure, dimension)) {}

  void add(std::size_t rows, const float* values) override {
    translated([&] { index_->add(static_cast<std::int64_t>(rows), values); });
  }
  void look_into(std::size_t) override {}
  void search(std::size_t queries, const float* values, std::size_t k, float* scores,
              std::int64_t* rows) const override {
    search_in(*index_, queries, values, k, scores, rows);
  }

 private:
  std::unique_ptr<faiss::IndexFlat> index_;
};

class Ivf final : public FaissIndex {
 public:
  Ivf(FaissScore measure, std::size_t dimension, std::size_t lists, std::uint64_t seed)
      : centroids_(make_flat(measure, dimension)),
        index_(
            centroids_.get(), dimension, lists,
            measure == FaissScore::inner_product ? faiss::METRIC_INNER_PRODUCT : faiss::METRIC_L2) {
    // Good lists are not the point here: a short training on a sample, so that the check stays
    // quick.
    index_.cp.niter = 5;
    index_.cp.min_points_per_centroid = 1;
    index_.cp.max_points_per_centroid = 48;
    index_.cp.seed = static_cast<int>(seed & 0x7fffffff);
  }

  void add(std::size_t rows, const float* values) override {
    translated([&] {
      index_.train(static_cast<std::int64_t>(rows), values);
      index_.add(static_cast<std::int64_t>(rows), values);
    });
  }
  void look_into(std::size_t lists) override { index_.nprobe = lists; }
  void search(std::size_t queries, const float* values, std::size_t k, float* scores,
              std::int64_t* rows) const override {
    search_in(index_, queries, values, k, scores, rows);
  }

 private:
  std::unique_ptr<faiss::IndexFlat> centroids_;
  faiss::IndexIVFFlat index_;
};

class Library final : public FaissLibrary {
 public:
  std::string version() const override {
    return std::to_string(FAISS_VERSION_MAJOR) + "." + std::to_string(FAISS_VERSION_MINOR) + "." +
           std::to_string(FAISS_VERSION_PATCH);
  }
  std::unique_ptr<FaissIndex> flat(FaissScore measure, std::size_t dimension) const override {
    return translated([&] { return std::make_unique<Flat>(measure, dimension); });
  }
  std::unique_ptr<FaissIndex> ivf(FaissScore measure, std::size_t dimension, std::size_t lists,
                                  std::uint64_t seed) const override {
    return translated([&] { return std::make_unique<Ivf>(measure, dimension, lists, seed); });
  }
};

}  // namespace
}  // namespace maxdot::tools

extern "C" __attribute__((visibility("default"))) const maxdot::tools::FaissLibrary*
maxdot_faiss_library(const char* interface) noexcept {
  static const maxdot::tools::Library library;
  return std::strcmp(interface, maxdot::tools::kFaissInterface) == 0 ? &library : nullptr;
}
