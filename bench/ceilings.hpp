// What the hardware can do at most, measured: the roof that the kernels are compared with.
#pragma once

#include <cstddef>
#include <string>

namespace maxdot::bench {

/// Multiply-accumulates of bytes per second on one core, registers only, by the instructions that
/// the kernels of `table` are made of (KernelTable::name). 0 where none is measured: NEON and the
/// reference. Requires a CPU that can run the table.
double byte_dot_ceiling(const std::string& table);

/// The same of narrow codes; 0 where the table has no kernels of them.
double narrow_ceiling(const std::string& table);

/// The same of f32 fused multiply-adds.
double f32_ceiling(const std::string& table);

/// Bytes per second that one core reads from `bytes` of memory, sequentially, once.
double read_ceiling(const unsigned char* data, std::size_t bytes);

}  // namespace maxdot::bench
