// What the hardware can do at most, measured: the roof that the kernels are compared with.
#pragma once

#include <cstddef>

namespace maxdot::bench {

/// Multiply-accumulates of bytes per second on one core, registers only: vpdpbusd in zmm registers.
/// 0 where the CPU has no AVX-512 VNNI: no ceiling is measured for other instruction sets.
double byte_dot_ceiling();

/// The same for f32 fused multiply-adds in zmm registers.
double f32_ceiling();

/// Bytes per second that one core reads from `bytes` of memory, sequentially, once.
double read_ceiling(const unsigned char* data, std::size_t bytes);

}  // namespace maxdot::bench
