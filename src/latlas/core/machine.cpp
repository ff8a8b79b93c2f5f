#include "latlas/core/machine.h"

#include <sys/resource.h>
#include <sys/utsname.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <limits>
#include <string>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "latlas/core/machine.cpp"
#include "latlas/core/simd-targets.h"

#include "latlas/core/product-inl.h"
HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {
namespace {

constexpr int kInner = 256;

// One register tile over operands that stay in the first cache: nothing but multiply-adds.
std::int64_t run_tile(const float* a, const float* b, float* out) {
  F16 c[kTileRows][kTileVectors];
  for (auto& row : c)
    for (auto& v : row) v = zero();
  multiply_tile(c, kInner, a, kInner, 1, b, 16 * kTileVectors);
  F16 sum = zero();
  for (auto& row : c)
    for (auto& v : row) sum = sum + v;
  store(sum, out);
  return std::int64_t{kInner} * kTileRows * kTileVectors * 16;
}

}  // namespace
}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latlas {
HWY_EXPORT(run_tile);
}  // namespace latlas

namespace latlas::machine {
namespace {

/// The number after a word in a file of such lines, or −1.
std::int64_t number_after(const char* path, const std::string& word) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line))
    if (line.starts_with(word)) return std::stoll(line.substr(word.size()));
  return -1;
}

/// The number in a file of one number; the largest when there is none ("max").
std::int64_t limit_in(const char* path) {
  std::ifstream file(path);
  std::int64_t value = 0;
  return file >> value ? value : std::numeric_limits<std::int64_t>::max();
}

}  // namespace

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    if (!line.starts_with("model name")) continue;
    const std::size_t colon = line.find(": ");
    if (colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

std::string system() {
  utsname names{};
  if (uname(&names) != 0) return "unknown";
  return std::string(names.sysname) + " " + names.machine;
}

std::int64_t available_memory() {
  std::int64_t free = number_after("/proc/meminfo", "MemAvailable:");  // in kB
  free = free < 0 ? std::numeric_limits<std::int64_t>::max() : free * 1024;
  const std::int64_t limit = limit_in("/sys/fs/cgroup/memory.max");
  if (limit == std::numeric_limits<std::int64_t>::max()) return free;
  // What files leave behind in the cache counts as used, and is given back when it is asked for.
  const std::int64_t used = limit_in("/sys/fs/cgroup/memory.current");
  const std::int64_t cached =
      std::max<std::int64_t>(0, number_after("/sys/fs/cgroup/memory.stat", "inactive_file "));
  return std::min(free, std::max<std::int64_t>(0, limit - std::min(used, limit) + cached));
}

std::int64_t peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::int64_t>(usage.ru_maxrss) * 1024;
}

double multiply_add_rate() {
  using clock = std::chrono::steady_clock;
  static float a[256 * 12] = {}, b[256 * 32] = {};  // the largest tile: 12 rows, 32 columns
  float out[16];
  double best = 0;
  for (int attempt = 0; attempt < 8; ++attempt) {
    const auto begin = clock::now();
    std::int64_t done = 0;
    for (int i = 0; i < 20; ++i) done += LATLAS_DISPATCH(run_tile)(a, b, out);
    const double seconds = std::chrono::duration<double>(clock::now() - begin).count();
    best = std::max(best, static_cast<double>(done) / std::max(seconds, 1e-9));
  }
  return best;
}

}  // namespace latlas::machine
#endif
