// The rows of largest inner product: exactly, by a scan of its own, and as a question about
// distances, for the approximate search. Internal to the room.
//
// The distance of this metric is −x·y, so that it ascends in a list as every other distance does;
// it may be negative.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "latlas/core/matrix.h"
#include "latlas/core/progress.h"
#include "latlas/neighbors/neighbors.h"

namespace latlas::scan {

/// −x·y as it is returned: summed in double by eight lanes and one tree, rounded once; magnitudes
/// below 1.2e-38 are 0. Throws nothing; see require_products for what fits.
float negative_product(const float* x, const float* y, std::int64_t d);

/// Throws InvalidArgument where an inner product with a row of norm `longest` might exceed float32.
void require_products(ConstRows queries, double longest);

/// For each chosen query the `count` first of the listed rows of the data by (distance, index), in
/// the list of the same row; no list at all when progress asked to stop. The listed rows are
/// different ones, at least `count`.
Neighbors largest_products(ConstRows queries, std::span<const std::int32_t> chosen, ConstRows data,
                           std::vector<std::int32_t> rows, std::int64_t count,
                           const Progress& progress);

/// The largest norm of a row.
double largest_norm(ConstRows rows);

/// The rows with a column more that brings each to the norm given, which none exceeds: (y,
/// √(norm² − |y|²)). The nearest of these to a query are those of largest inner product, since
/// |(x, 0) − (y, …)|² = |x|² + norm² − 2 x·y.
/// Bachrach et al., Speeding up the Xbox recommender system using a Euclidean transformation for
/// inner-product spaces, 2014.
Matrix lifted_rows(ConstRows rows, double norm);
/// (x, 0), of the same norm, which changes no order and puts queries where the rows are.
Matrix lifted_queries(ConstRows queries, double norm);

}  // namespace latlas::scan
