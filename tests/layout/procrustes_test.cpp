#include "latlas/layout/procrustes.h"

#include <gtest/gtest.h>

#include <cmath>

#include "latlas/core/error.h"
#include "tests/layout/clusters.h"

namespace latlas {
namespace {

/// y ↦ scale · Q y + shift, Q a turn by the angle in the first two columns, mirrored in the last.
Matrix moved(ConstRows rows, double angle, double scale, bool mirrored) {
  Matrix out(rows.rows(), rows.cols());
  for (std::int64_t i = 0; i < rows.rows(); ++i) {
    std::vector<double> y(rows[i].begin(), rows[i].end());
    if (mirrored) y.back() = -y.back();
    const double a = y[0], b = y.size() > 1 ? y[1] : 0;
    y[0] = std::cos(angle) * a - std::sin(angle) * b;
    if (y.size() > 1) y[1] = std::sin(angle) * a + std::cos(angle) * b;
    for (std::int64_t c = 0; c < rows.cols(); ++c)
      out(i, c) =
          static_cast<float>(scale * y[static_cast<std::size_t>(c)] + 3 + static_cast<double>(c));
  }
  return out;
}

void expect_orthogonal(const Procrustes& p) {
  const std::int64_t d = p.rotation.rows();
  for (std::int64_t i = 0; i < d; ++i)
    for (std::int64_t j = 0; j < d; ++j) {
      double dot = 0;
      for (std::int64_t c = 0; c < d; ++c) dot += p.rotation(i, c) * p.rotation(j, c);
      EXPECT_NEAR(dot, i == j ? 1 : 0, 1e-12);
    }
}

TEST(Procrustes, UndoesEveryMotion) {
  for (const std::int64_t d : {2, 3, 5}) {
    const Matrix map = clusters(50, d, 4);
    for (const bool mirrored : {false, true})
      for (const double angle : {0.0, 0.3, 2.0, 3.14159, -1.0})
        for (const double scale : {1.0, 0.5, 20.0}) {
          const Matrix other = moved(map, angle, scale, mirrored);
          const Procrustes p = procrustes(map, other, {.scale = scale != 1.0});
          expect_orthogonal(p);
          EXPECT_NEAR(p.scale, scale, 1e-6 * scale);
          EXPECT_LT(p.residual, 1e-5 * scale);  // float32 places of size 10
          const Matrix aligned = transform(p, map);
          for (std::int64_t i = 0; i < 50; ++i)
            for (std::int64_t c = 0; c < d; ++c)
              EXPECT_NEAR(aligned(i, c), other(i, c), 2e-5 * scale);
        }
  }
}

TEST(Procrustes, IsNearerThanAnyOtherTurn) {
  const Matrix map = clusters(40, 2, 4), other = clusters(40, 2, 4, 2);
  const Procrustes best = procrustes(map, other);
  Matrix centered(40, 2), target(40, 2);
  for (std::int64_t i = 0; i < 40; ++i)
    for (int c = 0; c < 2; ++c) {
      const auto u = static_cast<std::size_t>(c);
      centered(i, c) = static_cast<float>(static_cast<double>(map(i, c)) - best.from[u]);
      target(i, c) = static_cast<float>(static_cast<double>(other(i, c)) - best.to[u]);
    }
  for (const bool mirrored : {false, true})
    for (int step = 0; step < 360; ++step) {
      const double a = step * 3.14159265358979 / 180;
      double square = 0;
      for (std::int64_t i = 0; i < 40; ++i) {
        const double x = static_cast<double>(centered(i, 0));
        const double y = static_cast<double>(centered(i, 1)) * (mirrored ? -1 : 1);
        square +=
            std::pow(std::cos(a) * x - std::sin(a) * y - static_cast<double>(target(i, 0)), 2);
        square +=
            std::pow(std::sin(a) * x + std::cos(a) * y - static_cast<double>(target(i, 1)), 2);
      }
      EXPECT_GE(std::sqrt(square / 40), best.residual - 1e-6);
    }
}

TEST(Procrustes, DoesNotMirrorWhenToldSo) {
  const Matrix map = clusters(30, 2, 4), other = moved(map, 0.4, 1, true);
  const Procrustes p = procrustes(map, other, {.reflection = false});
  expect_orthogonal(p);
  EXPECT_NEAR(p.rotation(0, 0) * p.rotation(1, 1) - p.rotation(0, 1) * p.rotation(1, 0), 1, 1e-12);
  EXPECT_GT(p.residual, 0.1);
}

TEST(Procrustes, IsDefinedWhereTheMapsLeaveItOpen) {
  Matrix equal(5, 2), line(5, 2);
  for (std::int64_t i = 0; i < 5; ++i) {
    equal(i, 0) = 2;
    line(i, 0) = static_cast<float>(i);
  }
  const Procrustes nothing = procrustes(equal, equal, {.scale = true});
  EXPECT_EQ(nothing.scale, 1);
  EXPECT_EQ(nothing.residual, 0);
  EXPECT_NEAR(nothing.rotation(0, 0), 1, 1e-12);
  EXPECT_NEAR(nothing.rotation(1, 1), 1, 1e-12);
  const Procrustes onto_a_point = procrustes(line, equal, {.scale = true});
  EXPECT_EQ(onto_a_point.scale, 1);
  EXPECT_NEAR(onto_a_point.residual, std::sqrt(2.0), 1e-6);
  const Procrustes turned = procrustes(line, moved(line, 1.0, 1, false));
  expect_orthogonal(turned);
  EXPECT_LT(turned.residual, 1e-5);
  EXPECT_LT(procrustes(line, line).residual, 1e-6);
  const Matrix one(1, 2);
  EXPECT_EQ(procrustes(one, one).residual, 0);
  const Matrix column = clusters(9, 1, 2);
  EXPECT_LT(procrustes(column, moved(column, 0, 1, true)).residual, 1e-5);
}

TEST(Procrustes, RejectsMapsThatDoNotBelongTogether) {
  EXPECT_THROW(procrustes(Matrix(3, 2), Matrix(4, 2)), InvalidArgument);
  EXPECT_THROW(procrustes(Matrix(3, 2), Matrix(3, 3)), InvalidArgument);
  EXPECT_THROW(procrustes(Matrix(0, 2), Matrix(0, 2)), InvalidArgument);
  Matrix bad(3, 2);
  bad(1, 1) = INFINITY;
  EXPECT_THROW(procrustes(bad, Matrix(3, 2)), InvalidArgument);
  EXPECT_THROW(transform(procrustes(Matrix(3, 2), Matrix(3, 2)), Matrix(3, 3)), InvalidArgument);
}

}  // namespace
}  // namespace latlas
