// Golden runs: the same bits on every machine, whatever its instruction set.
#include <gtest/gtest.h>

#include "latlas/core/hash.h"
#include "latlas/core/random.h"
#include "latlas/nn/train.h"

namespace latlas {
namespace {

TEST(Training, GivesTheSameBitsOnEveryMachine) {
  Matrix rows(60, 20);
  for (std::int64_t i = 0; i < rows.size(); ++i)
    rows.data()[i] = static_cast<float>(random::uniform({.index = static_cast<std::uint64_t>(i)}));
  Autoencoder model = make_autoencoder(20, {.hidden = {9}, .latent = 4, .seed = 3});
  train(model, rows, Samples(ConstRows(rows.rows(0, 10))),
        {.epochs = 2, .batch_size = 16, .seed = 3});
  Sha256 hash;
  for (const auto& layer : model.layers)
    for (const Part& part : layer->parts(layer->weights()))
      for (std::int64_t i = 0; i < part.values.rows(); ++i) hash.add(std::as_bytes(part.values[i]));
  EXPECT_EQ(hash.hex(), "7eddfa1ebe3238112e1e629bd5ec276ae58fff4df1421b52a7fc20cc2f39e609");
  EXPECT_EQ(sha256(encode(model, rows)),
            "bc9b775ee0e32f5ab22cf0922f439fa9728023eb52dd0d9e7f7410db7abc90df");
  EXPECT_EQ(sha256(reconstruct(model, rows)),
            "fc105340f327deb4300147c0a98658815631885b35ae9f5c527d2c2e6c32ebc4");
}

}  // namespace
}  // namespace latlas
