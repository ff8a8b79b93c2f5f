#include "latlas/neighbors/graph.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "latlas/core/error.h"
#include "latlas/core/safetensors.h"
#include "tests/core/helpers.h"
#include "tests/neighbors/brute_force.h"

namespace latlas {
namespace {

/// Rows on a ring, each beside its two neighbors on either side.
Neighbors ring(std::int64_t n) {
  Neighbors graph{BasicMatrix<std::int32_t>(n, 4), Matrix(n, 4)};
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t c = 0; c < 4; ++c) {
      const std::int64_t step = c / 2 + 1;
      graph.index(i, c) = static_cast<std::int32_t>((i + (c % 2 == 0 ? step : n - step)) % n);
      graph.distance(i, c) = static_cast<float>(step);
    }
  return graph;
}

std::string complaint(const Neighbors& graph) {
  return message_of<InvalidArgument>([&] { require_graph(graph, "graph"); });
}

TEST(Graph, OfDistinctOtherRowsByDistanceIsAccepted) {
  require_graph(ring(5000), "graph");
  require_graph(Neighbors{}, "graph");
}

TEST(Graph, ThatIsWrongIsNamedByRowAndPlace) {
  const auto with = [](std::int64_t row, std::int64_t place, std::int32_t index, float distance) {
    Neighbors graph = ring(3000);
    graph.index(row, place) = index;
    graph.distance(row, place) = distance;
    return complaint(graph);
  };
  EXPECT_EQ(with(2500, 1, 3000, 1),
            "graph: row 2500, neighbor 1 is 3000; it must be a row, 0 to 2999");
  EXPECT_EQ(with(7, 0, -1, 1), "graph: row 7, neighbor 0 is -1; it must be a row, 0 to 2999");
  EXPECT_EQ(with(7, 0, 7, 1),
            "graph: row 7, neighbor 0 is the row itself; leave rows out of their own lists");
  EXPECT_EQ(with(7, 3, 8, 2),
            "graph: row 7, neighbor 3 is 8, which the row lists before; each neighbor counts once");
  EXPECT_EQ(with(7, 2, 9, 0.5F),
            "graph: row 7, neighbor 2 has the distance 0.5 after 1; sort each row by distance, "
            "nearest first");
  EXPECT_EQ(with(7, 0, 8, -1),
            "graph: row 7, neighbor 0 has the distance -1; distances are finite and not negative");
  EXPECT_NE(with(7, 0, 8, std::nanf("")).find("has the distance nan"), std::string::npos);
  EXPECT_NE(with(7, 3, 5, std::numeric_limits<float>::infinity()).find("has the distance inf"),
            std::string::npos);
  Neighbors narrow = ring(10);
  narrow.distance = Matrix(10, 3);
  EXPECT_EQ(complaint(narrow),
            "graph: the graph has 10 × 4 indices and 10 × 3 distances; both must be n × k");
}

TEST(Graph, OfOtherRowsMayListTheOwnPlaceAndNoneBeyondTheData) {
  Neighbors lists = ring(10);
  lists.index(7, 0) = 7;
  require_lists(lists, 10, "lists");
  const auto said = [&](std::int64_t n) {
    return message_of<InvalidArgument>([&] { require_lists(lists, n, "lists"); });
  };
  EXPECT_EQ(said(9), "lists: row 0, neighbor 1 is 9; it must be a row, 0 to 8");
  lists.index(7, 2) = 7;
  EXPECT_EQ(said(10),
            "lists: row 7, neighbor 2 is 7, which the row lists before; each neighbor counts once");
}

struct GraphFile : testing::Test {
  void TearDown() override { std::filesystem::remove(path); }
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() /
      sentence("latlas_graph_", testing::UnitTest::GetInstance()->random_seed(), "_",
               static_cast<const void*>(this), ".safetensors");

  void write(const std::vector<std::int64_t>& index, std::vector<std::int64_t> index_shape,
             const std::vector<float>& distance, std::vector<std::int64_t> distance_shape) {
    safetensors::write(path, {{"index", safetensors::Type::i64, std::move(index_shape),
                               std::as_bytes(std::span(index))},
                              {"distance", safetensors::Type::f32, std::move(distance_shape),
                               std::as_bytes(std::span(distance))}});
  }
};

TEST_F(GraphFile, GivesBackWhatWasWritten) {
  const Neighbors graph = ring(1234);
  write_graph(path, graph);
  const Neighbors back = read_graph(path);
  ASSERT_EQ(back.rows(), 1234);
  ASSERT_EQ(back.k(), 4);
  expect_equal(back, graph);
  EXPECT_EQ(graph_metric(path), "");
  write_graph(path, graph, "cosine");
  EXPECT_EQ(graph_metric(path), "cosine");
  expect_equal(read_graph(path), graph);
}

TEST_F(GraphFile, MayHoldNarrowIndices) {
  const std::vector<std::int32_t> index{1, 0};
  const std::vector<float> distance{0.5, 0.5};
  safetensors::write(
      path, {{"index", safetensors::Type::i32, {2, 1}, std::as_bytes(std::span(index))},
             {"distance", safetensors::Type::f32, {2, 1}, std::as_bytes(std::span(distance))}});
  EXPECT_EQ(read_graph(path).index(0, 0), 1);
}

TEST_F(GraphFile, MayHoldDistancesInDouble) {
  const std::vector<std::int64_t> index{1, 0};
  const std::vector<double> distance{0.5, 0.5};
  safetensors::write(
      path, {{"index", safetensors::Type::i64, {2, 1}, std::as_bytes(std::span(index))},
             {"distance", safetensors::Type::f64, {2, 1}, std::as_bytes(std::span(distance))}});
  EXPECT_EQ(read_graph(path).distance(1, 0), 0.5F);
}

TEST_F(GraphFile, ThatIsMalformedIsRefusedWithOneSentence) {
  const auto refused = [&](const std::string& why) {
    std::string said;
    try {
      read_graph(path);
    } catch (const std::exception& e) {
      said = e.what();
    }
    EXPECT_NE(said.find(why), std::string::npos) << "said: " << said;
  };
  refused("");  // no such file
  std::ofstream(path) << "not a graph";
  refused("is no safetensors file");
  safetensors::write(path, {});
  refused("lacks the tensor 'index'");
  write({1, 0}, {2}, {1, 1}, {2});
  refused("'index' is not a table of n rows and k columns");
  write({}, {2, 0}, {}, {2, 0});
  refused("'index' is not a table of n rows and k columns");
  write({1, 0}, {2, 1}, {1, 1}, {1, 2});
  refused("'index' is 2 × 1, 'distance' is 1 × 2; both must be n × k");
  write({1, std::int64_t{1} << 32}, {2, 1}, {1, 1}, {2, 1});
  refused("row 1, neighbor 0 is 4294967296; it must be a row, 0 to 1");
  write({1, 2}, {2, 1}, {1, 1}, {2, 1});
  refused("row 1, neighbor 0 is 2; it must be a row, 0 to 1");
  const std::vector<float> wrong{1, 0};
  safetensors::write(
      path, {{"index", safetensors::Type::f32, {2, 1}, std::as_bytes(std::span(wrong))},
             {"distance", safetensors::Type::f32, {2, 1}, std::as_bytes(std::span(wrong))}});
  refused("'index' is of type F32, expected I64");
}

struct GraphArrays : testing::Test {
  void TearDown() override {
    std::filesystem::remove(index);
    std::filesystem::remove(distance);
  }
  static std::filesystem::path named(const char* name) {
    return std::filesystem::temp_directory_path() /
           sentence("latlas_graph_arrays_", testing::UnitTest::GetInstance()->random_seed(), "_",
                    name, ".npy");
  }
  const std::filesystem::path index = named("index"), distance = named("distance");

  std::string said() const {
    try {
      read_graph(index, distance);
    } catch (const std::exception& e) {
      return e.what();
    }
    return "";
  }
};

TEST_F(GraphArrays, GiveBackWhatWasWritten) {
  const Neighbors graph = ring(1234);
  npy::write(index, graph.index.view());
  npy::write(distance, graph.distance);
  const Neighbors back = read_graph(index, distance);
  ASSERT_EQ(back.rows(), 1234);
  ASSERT_EQ(back.k(), 4);
  expect_equal(back, graph);
}

TEST_F(GraphArrays, ThatAreWrongAreRefusedWithOneSentence) {
  const auto refused = [&](const Neighbors& graph, const std::string& why) {
    npy::write(index, graph.index.view());
    npy::write(distance, graph.distance);
    EXPECT_NE(said().find(why), std::string::npos) << "said: " << said();
  };
  const auto with = [](std::int32_t row, float far) {
    Neighbors graph = ring(20);
    graph.index(7, 2) = row;
    graph.distance(7, 2) = far;
    return graph;
  };
  refused(with(20, 2), "row 7, neighbor 2 is 20; it must be a row, 0 to 19");
  refused(with(-1, 2), "row 7, neighbor 2 is -1; it must be a row, 0 to 19");
  refused(with(7, 2), "row 7, neighbor 2 is the row itself");
  refused(with(8, 2), "row 7, neighbor 2 is 8, which the row lists before");
  refused(with(9, 0.5F), "sort each row by distance");
  refused(with(9, std::nanf("")), "has the distance nan");
  Neighbors narrow = ring(20);
  narrow.distance = Matrix(20, 3);
  refused(narrow, "both must be n × k");
  npy::write(index, ring(20).distance);
  EXPECT_NE(said().find("is of type f4; the rows of a graph are counted in i4, i8 or u4"),
            std::string::npos);
  npy::write(index, ring(20).index.view());
  npy::write(distance, ring(20).index.view());
  EXPECT_NE(said().find("is of type i4; distances are f2, f4 or f8"), std::string::npos);
}

}  // namespace
}  // namespace latlas
