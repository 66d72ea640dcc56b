// What the CPU and the operating system together allow.
#pragma once

#include <cstdint>
#include <string_view>

namespace maxdot::kernels {

struct CpuFeatures {
  bool avx2 = false;  ///< AVX2, FMA and F16C with what they imply, and the OS saves ymm registers
  bool avxvnni = false;  ///< avx2 and AVX-VNNI
  /// AVX2 and AVX-512 F, CD, BW, DQ, VL, and the OS saves zmm and mask registers.
  bool avx512 = false;
  bool avx512vnni = false;  ///< avx512 and AVX-512 VNNI
  /// avx512vnni, AMX with products of bytes, and the OS saves its registers for those who ask.
  bool amx = false;
  bool neondot = false;   ///< the Armv8.2 dot product
  bool neoni8mm = false;  ///< neondot and the Armv8.6 products of matrices of bytes
};

CpuFeatures detect_cpu_features() noexcept;

/// Asks Linux to let this process use the registers of AMX (8 KiB for each thread that does). This
/// is necessary before the first use and holds for all its threads (the kernel's documentation,
/// arch/x86/xstate.rst). Linux refuses where a thread has an alternate signal stack too small for
/// them; later it refuses such stacks. Asking again is harmless. Requires CpuFeatures::amx.
bool tile_data_permitted() noexcept;

/// What is left of `features` below a mask: `none` (only what every CPU of this architecture has),
/// `avx2` (AVX2 without AVX-VNNI), `avx512` (AVX2 and AVX-512 without VNNI, and no AVX-VNNI),
/// `vnni` (everything but AMX), `all`. A mask hides, it adds nothing. Throws Error
/// (invalid_argument) for any other word.
CpuFeatures below_mask(CpuFeatures features, std::string_view mask);

/// What detect_cpu_features finds, below the mask that MAXDOT_CPU_MASK names (none if it is unset
/// or empty): a machine stands in for a lesser one, above all in tests. Throws as below_mask.
CpuFeatures visible_cpu_features();

#if defined(__x86_64__)
/// What an x86 CPU says of itself: CPUID registers by leaf, and XCR0, the register state that the
/// OS saves (0 if it saves none).
struct X86Words {
  unsigned leaf1_ecx = 0;
  unsigned leaf7_ebx = 0;
  unsigned leaf7_ecx = 0;
  unsigned leaf7_edx = 0;
  unsigned leaf7_1_eax = 0;
  std::uint64_t xcr0 = 0;
};

X86Words read_x86_words() noexcept;

/// A flag is set only if every feature is there that its kernels are compiled with
/// (engine/CMakeLists.txt), also those that the compiler's flags imply: hypervisors may hide any of
/// them.
CpuFeatures features_of(const X86Words& words) noexcept;
#endif

}  // namespace maxdot::kernels
