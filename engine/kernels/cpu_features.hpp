// What the CPU and the operating system together allow.
#pragma once

namespace maxdot::kernels {

struct CpuFeatures {
  bool avx2 = false;        ///< AVX2, FMA and F16C, and the OS saves ymm registers
  bool avxvnni = false;     ///< avx2 and AVX-VNNI
  bool avx512 = false;      ///< AVX-512 F, BW, DQ, VL, and the OS saves zmm and mask registers
  bool avx512vnni = false;  ///< avx512 and AVX-512 VNNI
  bool neondot = false;     ///< the Armv8.2 dot product
};

CpuFeatures detect_cpu_features() noexcept;

}  // namespace maxdot::kernels
