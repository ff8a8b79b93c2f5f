// What training makes small.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace latlas {

/// Averaged over the values of a row and over rows. With output y and target x of a value:
///
///   binary_crossentropy  −x log y − (1 − x) log(1 − y), y the sigmoid of a logit z; computed from
///   z
///                        as max(z, 0) − z x + log(1 + e^−|z|), exact where y would round to 0 or
///                        1; its gradient by z is y − x. Needs a sigmoid output and x in [0, 1].
///   mean_squared_error   (y − x)²
enum class Loss { binary_crossentropy, mean_squared_error };

std::string_view name(Loss loss);
/// Throws InvalidArgument naming the known ones; `what` begins the sentence.
Loss loss_named(std::string_view name, std::string_view what);
std::vector<std::string> loss_names();

}  // namespace latlas
