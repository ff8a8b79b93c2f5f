// PNG (ISO/IEC 15948), the few chunks that we need:
//
//   \x89PNG\r\n\x1a\n
//   IHDR  width, height, 8 bits a channel, color type 2 (RGB) or 6 (RGBA), no interlacing
//   pHYs  pixels a meter
//   IDAT  zlib stream of the rows, each with its filter's number before it
//   IEND
//
// Rows are compressed in bands of a fixed height, each by itself: raw deflate streams that end on
// a byte (Z_SYNC_FLUSH) may be put one after the other between a zlib header and the checksum of
// everything. The bands, not the threads, decide the bytes.

#include "latlas/render/png.h"

#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "latlas/core/error.h"
#include "latlas/core/parallel.h"

namespace latlas::render {
namespace {

constexpr int kBand = 128;  // rows compressed together
constexpr int kLevel = 3;   // the next takes twice the time for a hundredth of the size

void append_u32(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

void append_chunk(std::string& out, const char* name, std::string_view data) {
  append_u32(out, static_cast<std::uint32_t>(data.size()));
  const std::size_t begin = out.size();
  out.append(name, 4);
  out.append(data);
  const auto crc =
      ::crc32_z(0, reinterpret_cast<const Bytef*>(out.data() + begin), data.size() + 4);
  append_u32(out, static_cast<std::uint32_t>(crc));
}

/// Rows with their filter. Where a row equals the one above, "up" leaves nothing but zeros; else
/// the bytes as they are, since dots and letters on a plain ground repeat themselves.
std::vector<std::uint8_t> filtered(const std::uint8_t* rows, std::int64_t count, std::int64_t bytes,
                                   bool row_above) {
  std::vector<std::uint8_t> out(static_cast<std::size_t>(count * (bytes + 1)), 0);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint8_t* row = rows + i * bytes;
    std::uint8_t* to = out.data() + i * (bytes + 1);
    if ((i > 0 || row_above) && std::equal(row, row + bytes, row - bytes))
      to[0] = 2;
    else
      std::copy_n(row, bytes, to + 1);
  }
  return out;
}

std::string deflated(const std::vector<std::uint8_t>& bytes, bool last) {
  z_stream z{};
  if (::deflateInit2(&z, kLevel, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc();
  std::string out(::deflateBound(&z, bytes.size()) + 16, '\0');
  z.next_in = const_cast<Bytef*>(bytes.data());
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  ::deflate(&z, last ? Z_FINISH : Z_SYNC_FLUSH);
  out.resize(z.total_out);
  ::deflateEnd(&z);
  return out;
}

}  // namespace

std::string encode_png(std::span<const std::uint8_t> pixels, int width, int height, int channels,
                       double dpi) {
  const std::int64_t row_bytes = static_cast<std::int64_t>(width) * channels;
  require(width > 0 && height > 0 && (channels == 3 || channels == 4) &&
              static_cast<std::int64_t>(pixels.size()) == row_bytes * height,
          "png: ", pixels.size(), " bytes are not ", width, " × ", height, " pixels of ", channels,
          " channels");

  const std::int64_t bands = (height + kBand - 1) / kBand;
  std::vector<std::string> compressed(static_cast<std::size_t>(bands));
  std::vector<uLong> checksums(compressed.size());
  std::vector<std::int64_t> lengths(compressed.size());
  parallel_for(bands, 1, [&](std::int64_t band, std::int64_t) {
    const std::int64_t first = band * kBand, count = std::min<std::int64_t>(kBand, height - first);
    const auto rows = filtered(pixels.data() + first * row_bytes, count, row_bytes, band > 0);
    const auto at = static_cast<std::size_t>(band);
    checksums[at] = ::adler32_z(1, rows.data(), rows.size());
    lengths[at] = static_cast<std::int64_t>(rows.size());
    compressed[at] = deflated(rows, band == bands - 1);
  });

  std::string data = "\x78\x5e";  // zlib: deflate, window of 32 KiB
  uLong checksum = 1;
  for (std::size_t b = 0; b < compressed.size(); ++b) {
    data += compressed[b];
    checksum = ::adler32_combine(checksum, checksums[b], static_cast<z_off_t>(lengths[b]));
  }
  append_u32(data, static_cast<std::uint32_t>(checksum));

  std::string header;
  append_u32(header, static_cast<std::uint32_t>(width));
  append_u32(header, static_cast<std::uint32_t>(height));
  header += {8, static_cast<char>(channels == 3 ? 2 : 6), 0, 0, 0};
  std::string density;
  const auto per_meter = static_cast<std::uint32_t>(std::lround(dpi / 0.0254));
  append_u32(density, per_meter);
  append_u32(density, per_meter);
  density += '\1';

  std::string out = "\x89PNG\r\n\x1a\n";
  append_chunk(out, "IHDR", header);
  append_chunk(out, "pHYs", density);
  append_chunk(out, "IDAT", data);
  append_chunk(out, "IEND", "");
  return out;
}

}  // namespace latlas::render
