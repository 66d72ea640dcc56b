// What a file promises beyond its checksums, which whoever writes it can make right (FORMAT.md).
#pragma once

#include <string>

#include "kernels/kernels.hpp"
#include "store/item_store.hpp"

namespace maxdot::store {

/// Ids are >= 0 and unique, rows are finite, squares and the largest of them are dot64's bit for
/// bit, the code order is a permutation of each block. Throws Error (bad_format) that begins with
/// `path`, (out_of_memory). O(n·d / threads + n log n with ids).
void verify_contents(const ItemStore& items, const std::string& path,
                     const kernels::KernelTable& table, int threads);

/// The code order, codes, terms and summaries are what encode makes of the rows. Throws as
/// verify_contents, which must have passed. O(n·d / threads).
void verify_codes(const ItemStore& items, const std::string& path, int threads);

}  // namespace maxdot::store
