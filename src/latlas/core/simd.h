// Which vector instructions run. Kernels are compiled once for each instruction set and chosen at
// run time; all of them give the same bits.
//
// A kernel file looks like this (the order of the includes matters to Highway):
//
//   #undef HWY_TARGET_INCLUDE
//   #define HWY_TARGET_INCLUDE "latlas/room/file.cpp"
//   #include "latlas/core/simd-targets.h"   // foreach_target with our list of targets
//   #include "latlas/core/simd-inl.h"       // F16: sixteen floats, whatever the registers' width
//   HWY_BEFORE_NAMESPACE();
//   namespace latlas::HWY_NAMESPACE { namespace { … kernels … } }
//   HWY_AFTER_NAMESPACE();
//   #if HWY_ONCE
//   namespace latlas { HWY_EXPORT(kernel); void f() { LATLAS_DISPATCH(kernel)(…); } }
//   #endif
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace latlas::simd {

/// What runs now: "avx512", "avx2", "neon" or "portable" (plain C++, slow, same bits).
std::string_view name();

/// What this processor can run, best first.
std::vector<std::string> available();

/// Runs that instruction set from now on. Also read from the environment, LATLAS_SIMD=avx2, before
/// the first kernel. Throws InvalidArgument for one that this processor lacks.
/// Not to be called while kernels run.
void select(std::string_view name);

/// Reads LATLAS_SIMD on the first call; afterwards free. Each dispatch passes here.
void prepare();

}  // namespace latlas::simd

#define LATLAS_DISPATCH(kernel) (::latlas::simd::prepare(), HWY_DYNAMIC_DISPATCH(kernel))
