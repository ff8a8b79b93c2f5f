#include "latlas/render/text.h"

#include <algorithm>

namespace latlas::render {

std::string fitted(const std::string& text, const TextStyle& style, double room) {
  if (measure(text, style).width <= room) return text;
  std::size_t low = 0, high = text.size();  // the longest beginning that fits
  const auto shortened = [&](std::size_t length) {
    while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) --length;
    return text.substr(0, length) + "…";
  };
  while (low + 1 < high) {
    const std::size_t middle = (low + high) / 2;
    (measure(shortened(middle), style).width <= room ? low : high) = middle;
  }
  return shortened(low);
}

std::vector<std::string> wrapped(const std::string& text, const TextStyle& style, double room) {
  std::vector<std::string> lines;
  std::string line;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    const std::string longer = line.empty() ? word : line + " " + word;
    if (!line.empty() && measure(longer, style).width > room) {
      lines.push_back(line);
      line = word;
    } else {
      line = longer;
    }
    at = end + 1;
  }
  if (!line.empty()) lines.push_back(line);
  for (std::string& l : lines) l = fitted(l, style, room);
  return lines;
}

}  // namespace latlas::render
