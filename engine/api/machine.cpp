#include "maxdot/machine.hpp"

#include <string_view>

#include "base/entry.hpp"
#include "base/parallel.hpp"
#include "kernels/kernels.hpp"

namespace maxdot {
inline namespace v0_1 {
namespace {

// clang-format off
constexpr std::string_view kHeaders =
#define MAXDOT_TEXT(number) #number
#define MAXDOT_TEXTS(major, minor, patch) MAXDOT_TEXT(major) "." MAXDOT_TEXT(minor) "." MAXDOT_TEXT(patch)
    MAXDOT_TEXTS(MAXDOT_VERSION_MAJOR, MAXDOT_VERSION_MINOR, MAXDOT_VERSION_PATCH);
// clang-format on
static_assert(kHeaders == MAXDOT_VERSION, "include/maxdot/version.h and CMakeLists.txt agree");

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
