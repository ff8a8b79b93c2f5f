#include "latlas/nn/samples.h"

#include <algorithm>
#include <cmath>

#include "latlas/core/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "latlas/nn/samples.cpp"
#include "latlas/core/simd-targets.h"

#include "latlas/core/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {
namespace {
// v / 255, correctly rounded for every byte: 1/255 in two parts instead of a division.
void bytes_to_fractions(const std::uint8_t* bytes, std::int64_t n, float* out) {
  constexpr float kHigh = 1.0F / 255.0F;
  constexpr float kLow = static_cast<float>(1.0 / 255.0 - static_cast<double>(kHigh));
  std::int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const F16 v = load(bytes + i);
    store(fma(v, set(kHigh), v * set(kLow)), out + i);
  }
  for (; i < n; ++i) out[i] = static_cast<float>(bytes[i]) / 255.0F;
}
}  // namespace
}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latlas {
namespace {

HWY_EXPORT(bytes_to_fractions);

bool row_is_fractions(ConstRows rows, std::int64_t i) {
  return std::all_of(rows[i].begin(), rows[i].end(), [](float x) { return x >= 0 && x <= 1; });
}

}  // namespace

std::int64_t Samples::rows() const {
  return std::visit([](const auto& view) { return view.rows(); }, rows_);
}

std::int64_t Samples::cols() const {
  return std::visit([](const auto& view) { return view.cols(); }, rows_);
}

void Samples::copy_row(std::int64_t i, float* out) const {
  if (const auto* bytes = std::get_if<Pixels>(&rows_)) {
    LATLAS_DISPATCH(bytes_to_fractions)(bytes->row(i), bytes->cols(), out);
  } else {
    const auto& numbers = std::get<ConstRows>(rows_);
    std::copy_n(numbers.row(i), numbers.cols(), out);
  }
}

void Samples::prefetch(std::int64_t i) const {
  std::visit(
      [i](const auto& view) {
        const auto row = std::as_bytes(view[i]);
        for (std::size_t byte = 0; byte < row.size(); byte += 64)
          __builtin_prefetch(row.data() + byte, 0, 2);
      },
      rows_);
}

double Samples::share_of_zeros() const {
  return std::visit(
      [](const auto& view) {
        const std::int64_t rows = std::min<std::int64_t>(1000, view.rows());
        std::int64_t zeros = 0;
        for (std::int64_t i = 0; i < rows; ++i)
          zeros += std::count(view[i].begin(), view[i].end(), 0);
        return view.empty() ? 0.0
                            : static_cast<double>(zeros) / static_cast<double>(rows * view.cols());
      },
      rows_);
}

void Samples::require_valid(bool fractions, const char* what) const {
  const auto* numbers = std::get_if<ConstRows>(&rows_);
  if (numbers == nullptr) return;
  require_finite(*numbers, what);
  if (!fractions) return;
  const std::int64_t bad = first_where(
      numbers->rows(), 1024, [&](std::int64_t i) { return !row_is_fractions(*numbers, i); });
  if (bad == numbers->rows()) return;
  const auto row = (*numbers)[bad];
  const auto at = std::find_if(row.begin(), row.end(), [](float x) { return !(x >= 0 && x <= 1); });
  throw InvalidArgument(sentence(
      what, " holds ", *at, " in row ", bad, ", column ", at - row.begin(),
      " (counted from 0); binary_crossentropy needs values between 0 and 1: scale the data, or "
      "train with mean_squared_error and a linear output"));
}

}  // namespace latlas
#endif
