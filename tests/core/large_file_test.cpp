#include <gtest/gtest.h>

#include <fstream>

#include "latlas/core/npy.h"
#include "tests/core/helpers.h"

namespace latlas {
namespace {

TEST(NpyReader, ReadsTheEndOfAFileOfMoreThanFourBillionBytes) {
  const TemporaryFolder folder;
  constexpr std::int64_t kRows = (std::int64_t{1} << 30) + 3;  // × 2: 2^31 + 6 values, 8.6 GB
  const std::string text =
      sentence("{'descr': '<f4', 'fortran_order': False, 'shape': (", kRows, ", 2), }\n");
  std::string head("\x93NUMPY\x01\x00", 8);
  head += static_cast<char>(text.size());
  head += '\0';
  head += text;
  const std::filesystem::path path = folder / "a.npy";
  write_file(path, std::string_view(head));
  // All but the last row is a hole, which takes no place on a disk.
  std::filesystem::resize_file(path, head.size() + static_cast<std::uint64_t>((kRows - 1) * 8));
  const float row[2] = {1.5F, -2.5F};
  std::ofstream(path, std::ios::binary | std::ios::app)
      .write(reinterpret_cast<const char*>(row), sizeof row);
  {
    const npy::File file = npy::open(path);
    EXPECT_EQ(file.array.rows, kRows);
    EXPECT_EQ(std::ssize(file.array.values), kRows * 8);
    npy::Array last = file.array;  // its last two rows
    last.rows = 2;
    last.values = file.array.values.last(16);
    const Matrix rows = npy::to_matrix(last);
    EXPECT_EQ(rows(0, 0), 0);
    EXPECT_EQ(rows(1, 0), 1.5F);
    EXPECT_EQ(rows(1, 1), -2.5F);
  }
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  EXPECT_ERROR(IoError, sentence("holds ", kRows * 8 - 1, " bytes"), npy::open(path));
}

}  // namespace
}  // namespace latlas
