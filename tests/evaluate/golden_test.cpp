// Golden runs: the same bits on every machine, whatever its instruction set.
#include <gtest/gtest.h>

#include "latlas/core/hash.h"
#include "latlas/core/random.h"
#include "latlas/evaluate/probes.h"

namespace latlas {
namespace {

TEST(Scores, AreTheSameBitsOnEveryMachine) {
  Matrix data(150, 7), map(150, 2);
  std::vector<std::int32_t> labels;
  for (std::int64_t i = 0; i < 150; ++i) {
    labels.push_back(static_cast<std::int32_t>(i % 3));
    for (int c = 0; c < 7; ++c)
      data(i, c) = static_cast<float>(
          random::normal({.index = static_cast<std::uint64_t>(7 * i + c)}) + (i % 3 == c ? 2 : 0));
    for (int c = 0; c < 2; ++c) map(i, c) = data(i, c);
  }
  const Quality q = evaluate_map(data, map, labels);
  const Score probe = probe_accuracy(data, labels, data, labels);
  const double values[] = {q.trustworthiness.value, q.continuity.value,      q.recall.value,
                           q.spearman.value,        q.label_accuracy->value, probe.value};
  EXPECT_EQ(sha256(std::as_bytes(std::span(values))),
            "2f412fba9f89503f841adec24c60760d246b2ade24f4a38432ee8f84ccb632bf");
}

}  // namespace
}  // namespace latlas
