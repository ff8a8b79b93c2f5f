// The matrix product: one kernel, fed by packing routines, with the bias and the activation fused
// into its epilogue.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "latlas/core/matrix.h"

namespace latlas {

/// What follows the sum of a layer, element by element.
enum class Activation { linear, relu, sigmoid };

std::string_view name(Activation activation);  ///< "linear", "relu", "sigmoid"
/// Throws InvalidArgument naming the known ones; `what` begins the sentence.
Activation activation_named(std::string_view name, std::string_view what);
std::vector<std::string> activation_names();

struct ProductOptions {
  bool transpose_a = false;          ///< Use aᵀ: a is given as inner × rows.
  bool transpose_b = false;          ///< Use bᵀ: b is given as columns × inner.
  std::span<const float> bias = {};  ///< Added to every row after the sum; empty or one a column.
  Activation activation = Activation::linear;  ///< Applied last.
};

/// c = activation(a · b + bias).
/// @param a  rows × inner (inner × rows when transposed).
/// @param b  inner × columns (columns × inner when transposed).
/// @param c  rows × columns, overwritten; must not overlap a, b or the bias.
/// @throws InvalidArgument  when the shapes do not fit.
/// Every value is one chain of fused multiply-adds over the inner index in order, beginning with
/// zero, so its bits depend on nothing but its row of a and its column of b.
/// Cost: 2 · rows · inner · columns operations at close to the processor's peak, for sizes from
/// some tens on; it runs on threads().
void product(ConstRows a, ConstRows b, Rows c, const ProductOptions& options = {});

}  // namespace latlas
