// Adam, as Keras computes it (Kingma & Ba, Adam: a method for stochastic optimization, 2015):
//
//   m ← β₁ m + (1 − β₁) g        v ← β₂ v + (1 − β₂) g²
//   w ← w − η √(1 − β₂^t) / (1 − β₁^t) · m / (√v + ε)
//
// Moments below 1e-30 become zero. They move no weight (ε is far larger), but those of an input
// that is always zero would decay into denormal numbers, a hundred times slower than others.
#pragma once

#include <cstdint>

namespace latlas {

struct AdamParams {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-7;
};

/// The numbers of step t ≥ 1, ready for the kernel.
struct AdamStep {
  float rate;  ///< η √(1 − β₂^t) / (1 − β₁^t)
  float beta1, one_minus_beta1, beta2, one_minus_beta2, epsilon;
  float scale;  ///< The gradient is scale · its sum over the batch.
};
AdamStep adam_step(const AdamParams& params, std::int64_t t, double scale);

constexpr float kSmallestMoment = 1e-30F;

}  // namespace latlas
