// The vote of neighbors on a label. Internal to the room.
#pragma once

#include <cstdint>
#include <span>

#include "latlas/evaluate/scores.h"

namespace latlas::scoring {

/// The label of most of the neighbors; of equally many the one that holds the nearest.
/// @param neighbors  rows, nearest first, at least one.
std::int32_t winner(std::span<const std::int32_t> neighbors, Labels labels);

}  // namespace latlas::scoring
