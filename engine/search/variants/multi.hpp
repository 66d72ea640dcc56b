// multi: the best items of users with several interest vectors each.
#pragma once

#include <cstddef>

#include "kernels/kernels.hpp"
#include "maxdot/index.hpp"
#include "search/search.hpp"
#include "store/item_store.hpp"

namespace maxdot::search {

/// Index::search_multi has the contract. The queries of `request` are the users' interests,
/// `per_user` consecutive rows each; filters have one list for each user. Requires checked
/// interests of the items' dimension, per_user >= 1 that divides their number, and filters without
/// list_of_query. Throws Error (out_of_memory) or std::bad_alloc.
void multi(const store::ItemStore& items, const kernels::KernelTable& table, const Request& request,
           std::size_t per_user, const ResultView& out);

}  // namespace maxdot::search
