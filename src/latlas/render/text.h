// Text that is made to fit.
#pragma once

#include <string>
#include <vector>

#include "latlas/render/canvas.h"

namespace latlas::render {

/// The text, cut with "…" where it is wider than the room.
std::string fitted(const std::string& text, const TextStyle& style, double room);

/// The text in lines no wider than the room, broken between words.
std::vector<std::string> wrapped(const std::string& text, const TextStyle& style, double room);

}  // namespace latlas::render
