// Tables from outside: parse_column() either throws IoError or gives one value a row.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "latlas/core/error.h"
#include "latlas/data/table.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const char separator : {'\t', ','}) {
    try {
      latlas::parse_column(text, separator, "x", "fuzz");
    } catch (const latlas::IoError&) {
    }
  }
  latlas::categories_of(latlas::parse_lines(text));
  return 0;
}
