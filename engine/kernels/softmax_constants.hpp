// Constants of the f32 exponential, shared by the reference and the vector kernels.
#pragma once

#include <cstddef>

namespace maxdot::kernels {

/// Adding 1.5 * 2^23 rounds a small number to an integer and leaves that integer in the lowest
/// bits.
inline constexpr float kRoundingMagic = 0x1.8p23F;
inline constexpr float kLog2E = 1.44269504088896341F;

/// ln 2 in two parts: n * kLn2High is exact for |n| < 2^14, as the high part has 10 bits.
inline constexpr float kLn2High = 0.693359375F;
inline constexpr float kLn2Low = -2.12194440e-4F;

/// (e^r - 1 - r) / r^2 on |r| <= ln(2)/2, highest power first; Cephes, expf.c.
inline constexpr float kExpPolynomial[6] = {1.9875691500e-4F, 1.3981999507e-3F, 8.3334519073e-3F,
                                            4.1665795894e-2F, 1.6666665459e-1F, 5.0000001201e-1F};

/// e^x is taken as 0 below this: still a normal number above, so every result is exact in its
/// exponent.
inline constexpr float kExpLimit = -87.0F;

/// A lane's `largest` stays until a logit lies more than this above it. Small steps would add their
/// rounding errors up where logits rise slowly; after a step this large, what was summed before
/// hardly counts.
inline constexpr float kLargestStep = 8.0F;

}  // namespace maxdot::kernels
