// Golden runs: the same bits on every machine, whatever its instruction set. (That of tsne() stands
// in tsne_test.cpp.)
#include <gtest/gtest.h>

#include "latlas/core/hash.h"
#include "latlas/layout/affinities.h"
#include "latlas/layout/kl.h"
#include "latlas/layout/pca.h"
#include "latlas/layout/place.h"
#include "tests/layout/clusters.h"

namespace latlas {
namespace {

std::string hash_of(double x) { return sha256(std::as_bytes(std::span(&x, 1))); }

TEST(Pca, GivesTheSameBitsOnEveryMachine) {
  for (const auto& [rows, expected] :
       {std::pair(120, "ddc9e8fb3492d21babf6fcfcae01ceacd3466ae8a10ffdcee738c6752ab0e5c6"),
        std::pair(4, "e89d353edbc2b84b08a350c9f1401011a1120a4f95b9fe8bd7c8a52004994ae7")}) {
    const Matrix data = clusters(rows, 9, 3);
    EXPECT_EQ(sha256(transform(fit_pca(data, {.components = 3}), data)), expected);
  }
}

TEST(Affinities, AreTheSameBitsOnEveryMachine) {
  const Matrix data = clusters(120, 6, 3);
  const Affinities a = perplexity_affinities(nearest(data, data, 15), {.perplexity = 5});
  EXPECT_EQ(sha256(std::as_bytes(std::span(a.column))),
            "dd7a648b994cef54972786ff5db81acc57a9bf22975a84a12ae6b6b2205aaa52");
  EXPECT_EQ(sha256(std::as_bytes(std::span(a.weight))),
            "f8709ff22f71321ef459650a190b2ec8079c072239564b152d6b4c03e8051838");
  EXPECT_EQ(hash_of(kl_divergence(a, data).value),
            "382415d8a1e31080bea69162d6e09efc5c8b48349032388cff02a954650e6803");
}

TEST(Place, GivesTheSameBitsOnEveryMachine) {
  const Matrix map = clusters(120, 2, 3), fresh = clusters(140, 2, 3);
  const Neighbors near = nearest(fresh, map, 15);
  EXPECT_EQ(sha256(place(map, near, {.perplexity = 5, .iterations = 20}).map),
            "0f57827d7a9ec90d67a804ecad8ff1d3c6be1e5ec7fcf69d0dc4345cb9938e9a");
}

}  // namespace
}  // namespace latlas
