#include "latlas/core/params.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "latlas/core/random.h"
#include "tests/core/helpers.h"

namespace latlas {
namespace {

struct Params {
  double perplexity = 30;
  std::int64_t epochs = 50;
  std::uint64_t seed = 0;
  bool center = true;
  std::string method = "pca";
  std::vector<std::int64_t> layers = {512, 256};
};

std::vector<Field> fields(Params& p) {
  return {{"perplexity", &p.perplexity, "larger favors global structure", 1, 1e6},
          {"epochs", &p.epochs, "larger trains longer", 1},
          {"seed", &p.seed, "another number, another draw", -kNoLimit, 1e15},
          {"center", &p.center, "subtract the mean"},
          {"method", &p.method, "how to lay out", -kNoLimit, kNoLimit, {"pca", "tsne"}},
          {"layers", &p.layers, "units a layer", 1, 65536}};
}

Field field(double& x) { return {"x", &x, "a number"}; }

TEST(Params, PassTheirDefaults) {
  Params p;
  check(fields(p), "map");
}

TEST(Params, SayValueAndBoundsOfTheFirstFieldOutOfRange) {
  const auto rejected = [](auto change, std::string_view sentence) {
    Params p;
    change(p);
    EXPECT_EQ(message_of<InvalidArgument>([&] { check(fields(p), "map"); }), sentence);
  };
  rejected([](Params& p) { p.perplexity = 0.5; },
           "map: perplexity is 0.5, it must be between 1 and 1000000");
  rejected([](Params& p) { p.perplexity = NAN; },
           "map: perplexity is nan, it must be between 1 and 1000000");
  rejected([](Params& p) { p.perplexity = 2e6, p.epochs = 0; },
           "map: perplexity is 2000000, it must be between 1 and 1000000");
  rejected([](Params& p) { p.epochs = -100000; }, "map: epochs is -100000, it must be at least 1");
  rejected([](Params& p) { p.seed = 2000000000000000; },
           "map: seed is 2000000000000000, it must be at most 1e+15");
  rejected([](Params& p) { p.method = "umap"; },
           "map: method is 'umap', it must be one of pca, tsne");
  rejected(
      [](Params& p) {
        p.layers = {512, 0};
      },
      "map: layers is 0, it must be between 1 and 65536");
}

TEST(Params, MustBeFinite) {
  for (double x : {INFINITY, -INFINITY, NAN})
    EXPECT_ERROR(InvalidArgument, "it must be a finite number", check({field(x)}, "map"));
}

TEST(Params, ReadBackToTheSameBits) {
  Params from;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    from.perplexity = std::bit_cast<double>(random::bits({.index = i}));
    if (!std::isfinite(from.perplexity)) continue;
    from.epochs = static_cast<std::int64_t>(random::bits({.sub = 1, .index = i}));
    from.seed = random::bits({.sub = 2, .index = i});
    from.center = i % 2 == 0;
    from.method = i % 3 == 0 ? "" : "a b, c = 'd'";
    from.layers.assign(i % 4, from.epochs);
    Params to;
    auto source = fields(from), target = fields(to);
    for (std::size_t f = 0; f < source.size(); ++f) parse(target[f], to_text(source[f]));
    EXPECT_EQ(std::bit_cast<std::uint64_t>(to.perplexity),
              std::bit_cast<std::uint64_t>(from.perplexity));
    EXPECT_EQ(to.epochs, from.epochs);
    EXPECT_EQ(to.seed, from.seed);
    EXPECT_EQ(to.center, from.center);
    EXPECT_EQ(to.method, from.method);
    EXPECT_EQ(to.layers, from.layers);
  }
  double x = 1;
  Field f = field(x);
  for (const double special : {-0.0, 5e-324, 1.7976931348623157e308, 0.1}) {
    double y = special;
    parse(f, to_text(field(y)));
    EXPECT_EQ(std::bit_cast<std::uint64_t>(x), std::bit_cast<std::uint64_t>(special));
  }
}

TEST(Params, RejectTextOfAnotherKind) {
  Params p;
  auto all = fields(p);
  const auto rejected = [&](std::string_view name, std::string_view text,
                            std::string_view sentence) {
    EXPECT_EQ(message_of<InvalidArgument>([&] { parse(find(all, name, "map"), text); }), sentence);
  };
  for (const char* text : {"", " 30", "30 ", "thirty", "3,0", "0x1p3", "+30"})
    rejected("perplexity", text, sentence("perplexity: '", text, "' is not a number"));
  rejected("perplexity", "1e999", "perplexity: '1e999' is beyond what 64 bits hold");
  rejected("epochs", "1.5", "epochs: '1.5' is not a whole number");
  rejected("epochs", "9223372036854775808",
           "epochs: '9223372036854775808' is beyond what 64 bits hold");
  rejected("seed", "-1", "seed: '-1' is not a whole number of 0 or more");
  rejected("center", "yes", "center: 'yes' is neither true nor false");
  for (const char* text : {",", "512,", ",512", "512,,256"})
    rejected("layers", text, "layers: '' is not a list of whole numbers");
  rejected("layers", "512;256", "layers: '512;256' is not a list of whole numbers");
  EXPECT_EQ(p.perplexity, 30);
  EXPECT_EQ(p.layers, (std::vector<std::int64_t>{512, 256}));
}

TEST(Params, SuggestTheNearestName) {
  Params p;
  auto all = fields(p);
  EXPECT_EQ(find(all, "epochs", "map").name, "epochs");
  EXPECT_ERROR(InvalidArgument, "map: 'perplexty' is unknown; did you mean 'perplexity'?",
               find(all, "perplexty", "map"));
  EXPECT_ERROR(InvalidArgument,
               "map: 'zzzz' is unknown; known are perplexity, epochs, seed, center, method, layers",
               find(all, "zzzz", "map"));
}

TEST(NearestName, CountsEdits) {
  EXPECT_EQ(nearest_name("pac", {"umap", "pca", "tsne"}), "pca");
  EXPECT_EQ(nearest_name("tsen", {"umap", "pca", "tsne"}), "tsne");
  EXPECT_EQ(nearest_name("same", {"sane", "some"}), "sane");  // of equals, the first
  EXPECT_EQ(nearest_name("x", {"y", "xy"}), "");
  EXPECT_EQ(nearest_name("", {"a"}), "");
  EXPECT_EQ(nearest_name("seed", {}), "");
}

}  // namespace
}  // namespace latlas
