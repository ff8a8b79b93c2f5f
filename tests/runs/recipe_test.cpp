#include "latlas/runs/recipe.h"

#include <gtest/gtest.h>

#include "latlas/core/error.h"

namespace latlas {
namespace {

struct Example {
  std::uint64_t seed = 0;
  std::int64_t epochs = 50;
  double rate = 1e-3;
  bool shuffle = true;
  std::string loss = "bce", title = "";
  std::vector<std::int64_t> hidden = {};

  std::vector<Section> sections() {
    return {{"", {{.name = "seed", .value = &seed, .help = "of every draw"}}},
            {"training",
             {{.name = "epochs", .value = &epochs, .help = "passes", .low = 1, .high = 1e6},
              {.name = "rate", .value = &rate, .help = "step", .low = 0, .high = 1},
              {.name = "shuffle", .value = &shuffle, .help = "reorder"},
              {.name = "loss", .value = &loss, .help = "what falls", .choices = {"bce", "mse"}},
              {.name = "hidden", .value = &hidden, .help = "widths", .low = 1},
              {.name = "title", .value = &title, .help = "any text", .changes_result = false}}}};
  }
};

std::string error_of(std::string_view text) {
  Example e;
  auto sections = e.sections();
  try {
    read_recipe(text, "r.toml", sections);
    check_recipe(sections);
  } catch (const InvalidArgument& error) {
    return error.what();
  }
  return "";
}

TEST(Recipe, SetsWhatTheTextNamesAndLeavesTheRest) {
  Example e;
  auto sections = e.sections();
  read_recipe("seed = 7\n[training]\nepochs = 4\nrate = 1\nhidden = [512, 128]\n", "r", sections);
  EXPECT_EQ(e.seed, 7U);
  EXPECT_EQ(e.epochs, 4);
  EXPECT_EQ(e.rate, 1.0);
  EXPECT_EQ(e.hidden, (std::vector<std::int64_t>{512, 128}));
  EXPECT_EQ(e.loss, "bce");
}

TEST(Recipe, ReadsBackItsOwnTextToTheSameBits) {
  Example e;
  e.rate = 0.1 + 0.2;
  e.seed = 123456789012345678U;
  e.hidden = {3};
  e.title = "naïve \"maps\" \\ of\ttabs\x01";
  const std::string text = recipe_text(e.sections(), "an example");
  Example back;
  auto sections = back.sections();
  read_recipe(text, "r", sections);
  EXPECT_EQ(back.rate, e.rate);
  EXPECT_EQ(back.seed, e.seed);
  EXPECT_EQ(back.title, e.title);
  EXPECT_EQ(recipe_text(sections, "an example"), text);
}

TEST(Recipe, SuggestsTheNearestName) {
  EXPECT_NE(error_of("[training]\nepoch = 3\n").find("did you mean 'epochs'"), std::string::npos);
  EXPECT_NE(error_of("[trainin]\nepochs = 3\n").find("did you mean 'training'"), std::string::npos);
}

TEST(Recipe, NamesFileAndLine) {
  EXPECT_NE(error_of("\n[training]\nepochs = \"many\"\n").find("r.toml, line 3"),
            std::string::npos);
  EXPECT_NE(error_of("a = [").find("r.toml, line 1"), std::string::npos);
}

TEST(Recipe, RejectsMalformedText) {
  for (const char* text : {"[#",
                           "D\xEF\xBB\xBB = 1",
                           "seed = -1",
                           "seed = 1.5",
                           "seed = true",
                           "[training]\nepochs = 0",
                           "[training]\nepochs = 99999999999999999999",
                           "[training]\nrate = nan",
                           "[training]\nrate = inf",
                           "[training]\nloss = \"mae\"",
                           "[training]\nhidden = [1, \"2\"]",
                           "[training]\nhidden = [0]",
                           "[training]\nhidden = 5",
                           "[training]\nshuffle = 1",
                           "seed = 1\nseed = 2",
                           "training = 3",
                           "\xFF",
                           "# \xC3\n",
                           "[training]\ntitle = '\xC3\xA9'",
                           "[[training]]\nepochs = 3",
                           "seed",
                           "[training.more]\nx = 1"})
    EXPECT_NE(error_of(text), "") << text;
}

TEST(Recipe, AcceptsLettersBeyondAsciiInCommentsAndTexts) {
  EXPECT_EQ(error_of("# Zürich\n[training]\ntitle = \"\xC3\xA9\"  # ä\n"), "");
}

TEST(Recipe, SetTakesOneAssignment) {
  Example e;
  auto sections = e.sections();
  set_in_recipe("training.epochs=4", sections);
  set_in_recipe("seed=9", sections);
  set_in_recipe("training.hidden=512,256", sections);
  EXPECT_EQ(e.epochs, 4);
  EXPECT_EQ(e.seed, 9U);
  EXPECT_EQ(e.hidden.size(), 2U);
  for (const char* bad : {"", "=4", "training.epochs", "training.epochs=four", "training.epoch=4",
                          "train.epochs=4", "epochs=4"})
    EXPECT_THROW(set_in_recipe(bad, sections), InvalidArgument) << bad;
}

TEST(Recipe, FingerprintLeavesOutWhatOnlyChangesTheTime) {
  Example e;
  const std::string before = fingerprint(e.sections()[1].fields);
  e.title = "another";
  EXPECT_EQ(fingerprint(e.sections()[1].fields), before);
  e.epochs = 51;
  EXPECT_NE(fingerprint(e.sections()[1].fields), before);
}

}  // namespace
}  // namespace latlas
