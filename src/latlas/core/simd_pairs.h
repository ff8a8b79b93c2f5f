// Products of 16-bit whole numbers, two to a lane, where one instruction multiplies pairs and adds
// them: vpdpwssd of AVX-512 VNNI, at twice the rate of two instructions. A file of its own, since
// Highway's targets that have it would ask for more than it needs. Sums are whole numbers, the same
// as by add_pairs (simd-inl.h).
#pragma once

#include <cstdint>

namespace latlas {

constexpr int kPairRows = 8, kPairColumns = 32;  // of a tile

/// Whether this processor has the instruction.
bool has_pair_product();

/// out[i][j] = Σ of the products of rows[i][k] and columns[k][j], two numbers each. No sum may
/// leave 32 bits.
/// @param rows     kPairRows × pairs.
/// @param columns  pairs × kPairColumns.
/// @param out      kPairRows × kPairColumns.
void pair_product(std::int64_t pairs, const std::int32_t* rows, const std::int32_t* columns,
                  std::int32_t* out);

}  // namespace latlas
