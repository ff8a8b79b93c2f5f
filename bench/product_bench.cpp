// The matrix product at the five shapes of training 784-32-784 on batches of 256, against oneDNN's
// f32 matmul and OpenBLAS's sgemm, in one run, alternating. Prints medians, ratios and the share
// of the fp32 peak that a loop of multiply-adds reaches on the same threads.
//
//   product_bench [--threads N] [--rounds N] [--json]
#include <cblas.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <vector>

#include "bench/ceilings.h"
#include "latlas/core/parallel.h"
#include "latlas/core/product.h"
#include "latlas/core/random.h"
#include "latlas/core/simd.h"

extern "C" void openblas_set_num_threads(int);

namespace {

using latlas::Matrix;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double median(std::vector<double> x) {
  std::sort(x.begin(), x.end());
  return x[x.size() / 2];
}

struct Shape {
  const char* name;
  std::int64_t rows, inner, cols;
  bool transpose_a, transpose_b;
};
constexpr Shape kShapes[] = {{"forward 1", 256, 784, 32, false, false},
                             {"forward 2", 256, 32, 784, false, false},
                             {"input gradient", 256, 784, 32, false, true},
                             {"weight gradient 1", 784, 256, 32, true, false},
                             {"weight gradient 2", 32, 256, 784, true, false}};

Matrix draws(std::int64_t rows, std::int64_t cols, std::uint32_t sub) {
  Matrix out(rows, cols);
  for (std::int64_t i = 0; i < out.size(); ++i)
    out.data()[i] = static_cast<float>(
        latlas::random::uniform(-1, 1, {.sub = sub, .index = static_cast<std::uint64_t>(i)}));
  return out;
}

struct Times {
  double latlas, onednn, openblas;  // seconds, medians
};

Times measure(const Shape& s, int rounds) {
  const Matrix a = s.transpose_a ? draws(s.inner, s.rows, 0) : draws(s.rows, s.inner, 0);
  const Matrix b = s.transpose_b ? draws(s.cols, s.inner, 1) : draws(s.inner, s.cols, 1);
  Matrix c(s.rows, s.cols), c_dnn(s.rows, s.cols), c_blas(s.rows, s.cols);

  using dnnl::memory;
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);
  const auto desc = [](std::int64_t rows, std::int64_t cols, bool transposed) {
    return memory::desc({rows, cols}, memory::data_type::f32,
                        transposed ? memory::format_tag::ba : memory::format_tag::ab);
  };
  const auto a_desc = desc(s.rows, s.inner, s.transpose_a);
  const auto b_desc = desc(s.inner, s.cols, s.transpose_b);
  const auto c_desc = desc(s.rows, s.cols, false);
  const dnnl::matmul matmul(
      dnnl::matmul::primitive_desc(dnnl::matmul::desc(a_desc, b_desc, c_desc), engine));
  memory am(a_desc, engine, const_cast<float*>(a.data()));
  memory bm(b_desc, engine, const_cast<float*>(b.data())), cm(c_desc, engine, c_dnn.data());

  const std::function<void()> ours = [&] {
    latlas::product(a, b, c, {.transpose_a = s.transpose_a, .transpose_b = s.transpose_b});
  };
  const std::function<void()> onednn = [&] {
    matmul.execute(stream, {{DNNL_ARG_SRC, am}, {DNNL_ARG_WEIGHTS, bm}, {DNNL_ARG_DST, cm}});
    stream.wait();
  };
  const std::function<void()> openblas = [&] {
    cblas_sgemm(CblasRowMajor, s.transpose_a ? CblasTrans : CblasNoTrans,
                s.transpose_b ? CblasTrans : CblasNoTrans, static_cast<int>(s.rows),
                static_cast<int>(s.cols), static_cast<int>(s.inner), 1, a.data(),
                static_cast<int>(a.cols()), b.data(), static_cast<int>(b.cols()), 0, c_blas.data(),
                static_cast<int>(s.cols));
  };
  const std::function<void()>* const runs[] = {&ours, &onednn, &openblas};
  std::vector<double> seconds[3];
  constexpr int kCalls = 20;
  for (int round = -2; round < rounds; ++round)  // two rounds to warm up
    for (int k = 0; k < 3; ++k) {
      (*runs[k])();
      const double begin = now();
      for (int call = 0; call < kCalls; ++call) (*runs[k])();
      if (round >= 0) seconds[k].push_back((now() - begin) / kCalls);
    }
  for (std::int64_t i = 0; i < c.size(); ++i)
    if (std::abs(c.data()[i] - c_dnn.data()[i]) > 1e-3F ||
        std::abs(c.data()[i] - c_blas.data()[i]) > 1e-3F) {
      std::fprintf(stderr, "product_bench: the results of '%s' differ\n", s.name);
      std::exit(1);
    }
  return {median(seconds[0]), median(seconds[1]), median(seconds[2])};
}

}  // namespace

int main(int argc, char** argv) {
  int threads = 2, rounds = 61;
  bool json = false;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) json = true;
    if (std::strcmp(argv[i], "--threads") == 0 && i + 1 < argc) threads = std::atoi(argv[++i]);
    if (std::strcmp(argv[i], "--rounds") == 0 && i + 1 < argc) rounds = std::atoi(argv[++i]);
  }
  const latlas::ThreadLimit limit(threads);
  openblas_set_num_threads(threads);
  omp_set_num_threads(threads);  // oneDNN's
  const double ceiling = latlas::bench::multiply_add_rate(threads);
  if (!json)
    std::printf(
        "%d threads, %s, multiply-add peak %.0f GFLOP/s\n%-18s %10s %10s %10s %9s %9s %6s\n",
        threads, std::string(latlas::simd::name()).c_str(), ceiling * 1e-9, "microseconds",
        "latlas", "oneDNN", "OpenBLAS", "/oneDNN", "/OpenBLAS", "peak");
  std::string rows;
  for (const Shape& s : kShapes) {
    const Times t = measure(s, rounds);
    const double share = 2.0 * static_cast<double>(s.rows * s.inner * s.cols) / t.latlas / ceiling;
    if (!json)
      std::printf("%-18s %10.1f %10.1f %10.1f %9.2f %9.2f %5.0f%%\n", s.name, t.latlas * 1e6,
                  t.onednn * 1e6, t.openblas * 1e6, t.onednn / t.latlas, t.openblas / t.latlas,
                  share * 100);
    char line[256];
    std::snprintf(line, sizeof line,
                  "%s{\"shape\": \"%s\", \"latlas\": %.9f, \"onednn\": %.9f, \"openblas\": %.9f, "
                  "\"share_of_peak\": %.4f}",
                  rows.empty() ? "" : ", ", s.name, t.latlas, t.onednn, t.openblas, share);
    rows += line;
  }
  if (json)
    std::printf("{\"threads\": %d, \"simd\": \"%s\", \"peak_flops\": %.0f, \"shapes\": [%s]}\n",
                threads, std::string(latlas::simd::name()).c_str(), ceiling, rows.c_str());
  return 0;
}
