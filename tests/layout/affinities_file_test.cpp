#include "latlas/layout/affinities_file.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "latlas/core/error.h"
#include "latlas/core/matrix.h"
#include "latlas/core/safetensors.h"

namespace latlas {
namespace {

using safetensors::Tensor;
using safetensors::Type;

/// Three rows: 0 lists 1 and 2, 1 lists 0, 2 lists 0.
struct Weights {
  std::vector<std::int64_t> begin = {0, 2, 3, 4}, column = {2, 1, 0, 0};
  std::vector<float> weight = {1, 2, 3, 4};
  std::vector<Tensor> tensors() const {
    const auto shape = [](const auto& v) { return std::vector<std::int64_t>{std::ssize(v)}; };
    return {{"begin", Type::i64, shape(begin), std::as_bytes(std::span(begin))},
            {"column", Type::i64, shape(column), std::as_bytes(std::span(column))},
            {"weight", Type::f32, shape(weight), std::as_bytes(std::span(weight))}};
  }
};

Affinities read_back(const std::vector<Tensor>& tensors) {
  const auto path =
      std::filesystem::temp_directory_path() /
      ("latlas-affinities-" + std::to_string(::testing::UnitTest::GetInstance()->random_seed()) +
       std::to_string(reinterpret_cast<std::uintptr_t>(&tensors)) + ".safetensors");
  safetensors::write(path, tensors);
  struct Remover {
    std::filesystem::path path;
    ~Remover() { std::filesystem::remove(path); }
  } remover{path};
  return read_affinities(path);
}

TEST(AffinitiesFile, GivesTheWeightsOfBothDirections) {
  const Affinities a = read_back(Weights{}.tensors());
  ASSERT_EQ(a.rows(), 3);
  EXPECT_EQ(a.column, (std::vector<std::int32_t>{1, 2, 0, 0}));
  EXPECT_NEAR(a.weight[0], 5.0F / 20, 1e-7F);
  EXPECT_NEAR(a.weight[1], 5.0F / 20, 1e-7F);
}

TEST(AffinitiesFile, TakesDoubles) {
  Weights w;
  const std::vector<double> weight = {1, 2, 3, 4};
  std::vector<Tensor> tensors = w.tensors();
  tensors[2] = {"weight", Type::f64, {4}, std::as_bytes(std::span(weight))};
  EXPECT_EQ(read_back(tensors).weight, read_back(w.tensors()).weight);
}

TEST(AffinitiesFile, TakesNarrowIndices) {
  const Weights w;
  const std::vector<std::int32_t> begin(w.begin.begin(), w.begin.end());
  const std::vector<std::int32_t> column(w.column.begin(), w.column.end());
  std::vector<Tensor> tensors = w.tensors();
  tensors[0] = {"begin", Type::i32, {4}, std::as_bytes(std::span(begin))};
  tensors[1] = {"column", Type::i32, {4}, std::as_bytes(std::span(column))};
  EXPECT_EQ(read_back(tensors).weight, read_back(w.tensors()).weight);
  EXPECT_EQ(read_back(tensors).column, read_back(w.tensors()).column);
}

TEST(AffinitiesFile, RejectsWhatIsNoMatrixOfWeights) {
  const auto broken = [](auto&& change) {
    Weights w;
    change(w);
    std::string sentence;
    try {
      read_back(w.tensors());
    } catch (const IoError& error) {
      sentence = error.what();
    } catch (const InvalidArgument& error) {
      sentence = error.what();
    }
    EXPECT_NE(sentence.find("latlas-affinities-"), std::string::npos) << sentence;
  };
  broken([](Weights& w) { w.column[0] = 3; });
  broken([](Weights& w) { w.column[0] = -1; });
  broken([](Weights& w) { w.column[0] = std::int64_t{1} << 33; });
  broken([](Weights& w) { w.column[0] = 0; });  // itself
  broken([](Weights& w) { w.column[0] = 1; });  // twice
  broken([](Weights& w) { w.begin = {0, 3, 2, 4}; });
  broken([](Weights& w) { w.begin = {0, 2, 3, 5}; });
  broken([](Weights& w) { w.begin = {0, 2, 3, std::int64_t{1} << 62}; });
  broken([](Weights& w) { w.begin = {1, 2, 3, 4}; });
  broken([](Weights& w) { w.begin = {}; });
  broken([](Weights& w) { w.weight.pop_back(); });
  broken([](Weights& w) { w.weight[2] = -1; });
  broken([](Weights& w) { w.weight = {0, 0, 0, 0}; });

  const Weights w;
  const auto refused = [](const std::vector<Tensor>& tensors) {
    EXPECT_THROW(read_back(tensors), IoError);
  };
  std::vector<Tensor> tensors = w.tensors();
  tensors.pop_back();
  refused(tensors);
  tensors = w.tensors();
  tensors[1].shape = {2, 2};
  refused(tensors);
  tensors = w.tensors();
  tensors[0].type = Type::f64;
  refused(tensors);
  tensors = w.tensors();
  tensors[2].type = Type::i64;
  tensors[2].shape = {2};
  refused(tensors);
  EXPECT_THROW(read_affinities("no/such/file.safetensors"), IoError);
}

}  // namespace
}  // namespace latlas
