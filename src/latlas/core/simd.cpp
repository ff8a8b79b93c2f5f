#include "latlas/core/simd.h"

#include <cstdlib>

#include "latlas/core/error.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "latlas/core/simd.cpp"
#include "latlas/core/simd-targets.h"
HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {
namespace {
std::int64_t running_target() { return HWY_TARGET; }
}  // namespace
}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latlas {
HWY_EXPORT(running_target);
}  // namespace latlas

namespace latlas::simd {
namespace {

struct Target {
  std::string_view name;
  std::int64_t bit;
};
// The target that needs no particular processor has fused multiply-adds or computes them in
// software; one that had neither would break the promise of equal bits.
static_assert(HWY_STATIC_TARGET == HWY_EMU128 || HWY_STATIC_TARGET == HWY_SCALAR ||
              HWY_STATIC_TARGET == HWY_NEON || HWY_STATIC_TARGET == LATLAS_NEON_WITHOUT_AES ||
              HWY_STATIC_TARGET == HWY_AVX2 || HWY_STATIC_TARGET == HWY_AVX3);

constexpr Target kTargets[] = {
#if HWY_ARCH_X86
    {"avx512", HWY_AVX3}, {"avx2", HWY_AVX2}, {"portable", HWY_STATIC_TARGET}
#else
    {"neon", HWY_STATIC_TARGET}
#endif
};

bool runs_here(std::int64_t bit) {
  static const std::int64_t here = hwy::SupportedTargets();  // before anything is disabled
  return bit == HWY_STATIC_TARGET || (here & bit) != 0;
}

}  // namespace

std::vector<std::string> available() {
  std::vector<std::string> names;
  for (const Target& t : kTargets)
    if (runs_here(t.bit)) names.emplace_back(t.name);
  return names;
}

namespace {

void choose(std::string_view name, std::string_view asker) {
  runs_here(0);
  for (const Target& t : kTargets) {
    if (t.name != name || !runs_here(t.bit)) continue;
    // Targets are bits; a lower bit is a better target. All better ones are switched off.
    hwy::DisableTargets(t.bit == HWY_STATIC_TARGET ? ~std::int64_t{HWY_STATIC_TARGET} : t.bit - 1);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    return;
  }
  std::string list;
  for (const auto& n : available()) list += (list.empty() ? "" : ", ") + n;
  throw InvalidArgument(
      sentence(asker, ": '", name, "' is not one of ", list, ", which this processor runs"));
}

}  // namespace

void prepare() {
  static const bool once = [] {
    const char* wish = std::getenv("LATLAS_SIMD");
    if (wish != nullptr && *wish != '\0') choose(wish, "LATLAS_SIMD");
    return true;
  }();
  static_cast<void>(once);
}

void select(std::string_view name) {
  prepare();  // else the environment, read at the first kernel, would take the choice back
  choose(name, "simd");
}

std::string_view name() {
  const std::int64_t bit = LATLAS_DISPATCH(running_target)();
  for (const Target& t : kTargets)
    if (t.bit == bit || t.name == "neon") return t.name;  // ARM64 has no other
  return "portable";
}

}  // namespace latlas::simd
#endif
