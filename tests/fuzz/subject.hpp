// Subject: the library's side of a case, and the ways to ask it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "cases.hpp"
#include "environment.hpp"
#include "kernels/kernels.hpp"
#include "search/filter/filter_batch.hpp"
#include "search/plan/plan.hpp"
#include "search/search.hpp"
#include "store/item_store.hpp"

namespace fuzz {

/// How the engine is asked from inside: instruction set, method, threads.
struct Way {
  const maxdot::kernels::KernelTable* table;
  std::optional<maxdot::search::Method> method;
  int threads;

  std::string describe() const;
};

int draw_threads(Random& random);

/// Method::listed needs filters, and ranges do not know it.
Way draw_way(Random& random, bool may_be_listed);

/// How many ways to try, besides the public function.
std::size_t draw_ways(const Case& drawn, Random& random);

/// Queries in memory of their own, with a gap after each row.
class PlacedRows {
 public:
  PlacedRows(const Rows& rows, Random& random);
  const maxdot::MatrixView& view() const noexcept { return view_; }

 private:
  std::vector<unsigned char> bytes_;
  maxdot::MatrixView view_;
};

class Subject {
 public:
  Subject(const Case& drawn, Random& random);
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;

  const maxdot::Index& index() const noexcept { return index_; }
  const maxdot::MatrixView& queries() const noexcept { return placed_.view(); }
  const maxdot::store::ItemStore& items() const noexcept;
  /// Null without filters.
  const maxdot::search::FilterRequest* filters() const noexcept {
    return request_ ? &*request_ : nullptr;
  }
  /// Options of a public search, with threads drawn.
  maxdot::SearchOptions options(Random& random) const;
  maxdot::search::Request request(std::size_t k, const Way& way) const;

 private:
  const Case& drawn_;
  maxdot::Index index_;
  PlacedRows placed_;
  maxdot::Filters filters_;
  std::optional<maxdot::search::FilterRequest> request_;
};

/// Runs call() in an environment that is drawn, and says in a failure which one it was.
template <typename Call>
void call_anywhere(Random& random, const std::string& what, Call&& call) {
  const Environment environment = draw_environment(random);
  try {
    call_in(environment, call);
  } catch (const std::exception& failure) {
    throw Failure(what + " (" + environment.describe() + "): " + failure.what());
  }
}

}  // namespace fuzz
