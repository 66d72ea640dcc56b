// Picks the kernel table. A new instruction set adds one line to `candidates`.

#include <atomic>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/cpu_features.hpp"
#include "kernels/kernels.hpp"
#include "maxdot/error.hpp"

namespace maxdot::kernels {
namespace {

struct Candidate {
  std::string_view name;
  bool supported;
  const KernelTable& (*table)() noexcept;
  /// What the process must be granted first, asked only for a table that is wanted; null: nothing.
  bool (*permitted)() noexcept = nullptr;

  bool usable() const noexcept { return supported && (permitted == nullptr || permitted()); }
};

// Best first.
std::vector<Candidate> candidates() {
  [[maybe_unused]] const CpuFeatures cpu = visible_cpu_features();
  return {
#if defined(MAXDOT_KERNELS_X86)
    {"amx", cpu.amx, amx_table, tile_data_permitted},
        {"avx512vnni", cpu.avx512vnni, avx512vnni_table}, {"avx512", cpu.avx512, avx512_table},
        {"avxvnni", cpu.avxvnni, avxvnni_table}, {"avx2", cpu.avx2, avx2_table},
#endif
#if defined(MAXDOT_KERNELS_NEON)
        {"neoni8mm", cpu.neoni8mm, neoni8mm_table}, {"neondot", cpu.neondot, neondot_table},
        {"neon", true, neon_table},
#endif
        {"reference", true, reference_table},
  };
}

// No static local: a child that is forked while one is made would find it locked for ever. Threads
// that choose at once choose the same.
std::atomic<const KernelTable*> chosen = nullptr;

// `asked`: what names the table, for messages.
const KernelTable& table_named(std::string_view wanted, const std::string& asked) {
  std::string known;
  for (const Candidate& candidate : candidates()) {
    if (candidate.name == wanted) {
      if (candidate.usable()) return candidate.table();
      throw Error(ErrorCode::unsupported,
                  asked +
                      ": this CPU or operating system does not support it, MAXDOT_CPU_MASK "
                      "hides it, or (amx) a thread has too small an alternate signal stack; "
                      "use another, or leave the choice to the library");
    }
    known += (known.empty() ? "" : ", ") + std::string(candidate.name);
  }
  throw Error(ErrorCode::invalid_argument,
              asked + ": no kernels of this build have that name; use one of: " + known);
}

const KernelTable& choose() {
  const char* wanted = std::getenv("MAXDOT_ISA");
  if (wanted == nullptr || *wanted == '\0') return *runnable_tables().front();
  return table_named(wanted, "MAXDOT_ISA=" + std::string(wanted));
}

}  // namespace

std::vector<const KernelTable*> runnable_tables() {
  std::vector<const KernelTable*> tables;
  for (const Candidate& candidate : candidates()) {
    if (candidate.usable()) tables.push_back(&candidate.table());
  }
  return tables;
}

const KernelTable& active_table() {
  const KernelTable* table = chosen.load(std::memory_order_acquire);
  if (table == nullptr) {
    const KernelTable* const best = &choose();
    // Unless use_table came between.
    if (chosen.compare_exchange_strong(table, best, std::memory_order_acq_rel)) table = best;
  }
  return *table;
}

void use_table(std::string_view name) {
  chosen.store(&table_named(name, "kernels \"" + std::string(name) + "\""),
               std::memory_order_release);
}

}  // namespace maxdot::kernels
