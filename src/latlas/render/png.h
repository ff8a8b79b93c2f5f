// PNG files from pixels, compressed in parallel.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace latlas::render {

/// A PNG of 8 bits a channel.
/// @param pixels    height rows of width · channels bytes.
/// @param channels  3 (RGB) or 4 (RGBA, straight alpha).
/// @param dpi       stored as pixels a meter.
std::string encode_png(std::span<const std::uint8_t> pixels, int width, int height, int channels,
                       double dpi);

}  // namespace latlas::render
