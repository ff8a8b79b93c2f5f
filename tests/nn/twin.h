// The trainer's naive twin: dense networks in double, one loop an equation.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "latlas/core/random.h"
#include "latlas/nn/autoencoder.h"

namespace latlas::twin {

using Vector = std::vector<double>;

inline std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

struct Dense {
  std::int64_t inputs, outputs;
  Activation activation;
  Vector w;  // inputs × outputs, then the bias
};

inline std::vector<Dense> copy_of(const Autoencoder& model) {
  std::vector<Dense> out;
  for (const auto& layer : model.layers) {
    Dense d{layer->inputs(), layer->outputs(), layer->activation(), {}};
    Matrix block = latlas::copy_of(layer->weights());
    for (const Part& part : layer->parts(block))
      for (std::int64_t i = 0; i < part.values.rows(); ++i)
        for (const float w : part.values[i]) d.w.push_back(w);
    out.push_back(d);
  }
  return out;
}

inline double activated(double z, Activation a) {
  if (a == Activation::relu) return z > 0 ? z : 0;
  return a == Activation::sigmoid ? 1 / (1 + std::exp(-z)) : z;
}
inline double slope(double y, Activation a) {
  if (a == Activation::relu) return y > 0 ? 1 : 0;
  return a == Activation::sigmoid ? y * (1 - y) : 1;
}

/// The loss of one row, summed over its values; adds its gradient by the weights where asked for.
inline double loss(const std::vector<Dense>& net, const Vector& row, Loss kind,
                   std::vector<Vector>* gradient = nullptr) {
  std::vector<Vector> x = {row};
  Vector z;
  for (const Dense& d : net) {
    z.assign(at(d.outputs), 0);
    for (std::int64_t j = 0; j < d.outputs; ++j) {
      z[at(j)] = d.w[at(d.inputs * d.outputs + j)];
      for (std::int64_t k = 0; k < d.inputs; ++k)
        z[at(j)] += x.back()[at(k)] * d.w[at(k * d.outputs + j)];
    }
    Vector y;
    for (const double v : z) y.push_back(activated(v, d.activation));
    x.push_back(y);
  }
  double sum = 0;
  Vector dz(z.size());
  for (std::size_t j = 0; j < z.size(); ++j) {
    const double y = x.back()[j], t = row[j];
    if (kind == Loss::binary_crossentropy) {
      sum += std::fmax(z[j], 0) - z[j] * t + std::log1p(std::exp(-std::fabs(z[j])));
      dz[j] = y - t;
    } else {
      sum += (y - t) * (y - t);
      dz[j] = 2 * (y - t) * slope(y, net.back().activation);
    }
  }
  if (gradient == nullptr) return sum;
  for (std::size_t l = net.size(); l-- > 0;) {
    const Dense& d = net[l];
    Vector dx(at(d.inputs), 0);
    for (std::int64_t j = 0; j < d.outputs; ++j) {
      (*gradient)[l][at(d.inputs * d.outputs + j)] += dz[at(j)];
      for (std::int64_t k = 0; k < d.inputs; ++k) {
        (*gradient)[l][at(k * d.outputs + j)] += x[l][at(k)] * dz[at(j)];
        dx[at(k)] += d.w[at(k * d.outputs + j)] * dz[at(j)];
      }
    }
    if (l > 0)
      for (std::int64_t k = 0; k < d.inputs; ++k)
        dx[at(k)] *= slope(x[l][at(k)], net[l - 1].activation);
    dz = dx;
  }
  return sum;
}

/// Rows with structure: `share` of their values is zero, the others are fractions.
inline Matrix pictures(std::int64_t rows, std::int64_t cols, double share, std::uint64_t seed) {
  Matrix out(rows, cols);
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < cols; ++j) {
      const random::Address a{seed, random::Stream::test, 0,
                              static_cast<std::uint64_t>(i * cols + j)};
      const random::Address b{seed, random::Stream::test, 1,
                              static_cast<std::uint64_t>(i * cols + j)};
      out(i, j) = random::uniform(a) < share ? 0.0F : static_cast<float>(random::uniform(b));
    }
  return out;
}

inline Vector row_of(const Matrix& m, std::int64_t i) { return {m[i].begin(), m[i].end()}; }

}  // namespace latlas::twin
