#include "latlas/nn/loss.h"

#include <utility>

#include "latlas/core/error.h"

namespace latlas {
namespace {
constexpr std::pair<Loss, std::string_view> kLosses[] = {
    {Loss::binary_crossentropy, "binary_crossentropy"},
    {Loss::mean_squared_error, "mean_squared_error"}};
}  // namespace

std::string_view name(Loss loss) {
  return kLosses[loss == Loss::binary_crossentropy ? 0 : 1].second;
}

Loss loss_named(std::string_view name, std::string_view what) {
  for (const auto& [loss, text] : kLosses)
    if (text == name) return loss;
  throw InvalidArgument(sentence(
      what, ": '", name, "' is no loss; known are binary_crossentropy, mean_squared_error"));
}

std::vector<std::string> loss_names() {
  std::vector<std::string> names;
  for (const auto& known : kLosses) names.emplace_back(known.second);
  return names;
}

}  // namespace latlas
