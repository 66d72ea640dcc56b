#include "maxdot/machine.hpp"

#include "base/entry.hpp"
#include "base/parallel.hpp"
#include "kernels/kernels.hpp"

namespace maxdot {
inline namespace v0_1 {
namespace {

const auto no_memory = [] { return std::string("no memory for the names of kernels"); };

}  // namespace

const char* version() noexcept { return MAXDOT_VERSION; }

int available_threads() noexcept { return base::available_threads(); }

const char* kernel_name() { return kernels::active_table().name; }

std::vector<const char*> kernel_names() {
  return base::entry(no_memory, [] {
    std::vector<const char*> names;
    for (const kernels::KernelTable* table : kernels::runnable_tables())
      names.push_back(table->name);
    return names;
  });
}

void use_kernels(const std::string& name) {
  base::entry(no_memory, [&] { kernels::use_table(name); });
}

}  // namespace v0_1
}  // namespace maxdot
