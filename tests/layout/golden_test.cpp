// Golden runs: the same bits on every machine, whatever its instruction set. (That of tsne() stands
// in tsne_test.cpp.)
#include <gtest/gtest.h>

#include "latlas/core/hash.h"
#include "latlas/layout/affinities.h"
#include "latlas/layout/kl.h"
#include "latlas/layout/pca.h"
#include "latlas/layout/place.h"
#include "latlas/layout/tsne.h"
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
            "a72cd42f836110fc71374bbdca4d60d4ef2266b6ea0eb1ca210c129f1e947009");
}

// Some hundred rows on the grid: field, edges and optimizer on a line and in space.
TEST(Tsne, GivesTheSameBitsOnEveryMachineOnALineAndInSpace) {
  const Matrix data = clusters(200, 6, 4);
  const Neighbors graph = nearest(data, data, 15);
  for (const auto& [dimensions, expected] :
       {std::pair(1, "920208c045769aa463baaf592ff1eaebf7bca59a5fbccb49c78a81ed044dfc56"),
        std::pair(3, "ee72b0c07f5fd6a9b4484cf401c78aeb7b7a7121675ed9585729004395d4cbd7")}) {
    const TsneResult fit = tsne(graph, data,
                                {.perplexity = 5,
                                 .exaggeration_iterations = 30,
                                 .iterations = 60,
                                 .exact_below = 0,
                                 .dimensions = dimensions});
    EXPECT_EQ(sha256(fit.map), expected) << dimensions;
  }
}

}  // namespace
}  // namespace latlas
