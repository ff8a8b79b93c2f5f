#include "latlas/data/table.h"

#include <gtest/gtest.h>

#include "latlas/core/error.h"

namespace latlas {
namespace {

using Texts = std::vector<std::string>;

TEST(Lines, AreReadWithEitherLineEnd) {
  EXPECT_EQ(parse_lines("a\nb\r\n\nc"), (Texts{"a", "b", "", "c"}));
  EXPECT_EQ(parse_lines("a, \"b\n"), (Texts{"a, \"b"}));
  EXPECT_TRUE(parse_lines("").empty());
}

TEST(Column, IsFoundByItsHeader) {
  EXPECT_EQ(parse_column("x\ty\n1\t2\n3\t4\n", '\t', "y", "t"), (Texts{"2", "4"}));
  EXPECT_EQ(parse_column("x\ty\n\"1\t2\n", '\t', "x", "t"), (Texts{"\"1"}));
}

TEST(Column, UnderstandsQuotesBetweenCommas) {
  EXPECT_EQ(parse_column("n,v\n\"a, \"\"b\"\"\nc\",1\nd,\"\"\n", ',', "n", "t"),
            (Texts{"a, \"b\"\nc", "d"}));
}

TEST(Column, RejectsMalformedTables) {
  EXPECT_THROW(parse_column("", '\t', "x", "t"), IoError);
  EXPECT_THROW(parse_column("x\ty\n1\n", '\t', "y", "t"), IoError);
  EXPECT_THROW(parse_column("x,y\n\"1,2\n", ',', "x", "t"), IoError);
  try {
    parse_column("package\tsection\n", '\t', "sektion", "t.tsv");
    FAIL();
  } catch (const IoError& error) {
    EXPECT_STREQ(error.what(), "t.tsv: has no column 'sektion'; did you mean 'section'?");
  }
}

TEST(Categories, AreNumberedByFrequencyThenName) {
  const Categories c = categories_of({"b", "a", "c", "b", "c"});
  EXPECT_EQ(c.names, (Texts{"b", "c", "a"}));
  EXPECT_EQ(c.values, (std::vector<std::int32_t>{0, 2, 1, 0, 1}));
}

}  // namespace
}  // namespace latlas
