#include "latlas/layout/checkpoint.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>

#include "latlas/core/error.h"
#include "latlas/core/hash.h"
#include "latlas/core/parallel.h"
#include "latlas/core/safetensors.h"
#include "latlas/core/simd.h"
#include "tests/core/helpers.h"
#include "tests/layout/clusters.h"

namespace latlas {
namespace {

std::string bits(const TsneResult& r) {
  std::string out = sha256(r.map) + " " + std::to_string(r.iterations) + " " +
                    std::to_string(r.exaggerated) + (r.converged ? " converged" : "");
  for (const TsneTrace& t : r.trace)
    out += " " + sha256(std::as_bytes(std::span(&t.kl, 1))).substr(0, 8);
  return out;
}

TsneParams quick(std::int64_t exact_below) {
  return {.perplexity = 5,
          .exaggeration_iterations = 60,
          .iterations = 160,
          .exact_below = exact_below};
}

/// The states of a fit, every so many iterations.
std::vector<TsneState> states_of(const Case& c, const TsneParams& params, std::int64_t every,
                                 const Anchors* anchors = nullptr) {
  std::vector<TsneState> states;
  tsne(c.graph, c.data, params, {},
       {.anchors = anchors, .save_every = every, .save = [&](TsneState&& s) {
          states.push_back(std::move(s));
        }});
  return states;
}

TEST(TsneCheckpoint, GoesOnToTheSameBitsFromAnyIterationThreadsAndInstructions) {
  const Case c = make_case(200, 15);
  const TemporaryFolder folder;
  const auto path = folder / "state";
  for (const std::int64_t exact_below : {0, 2000}) {
    const TsneParams params = quick(exact_below);
    const std::string whole = bits(tsne(c.graph, c.data, params));
    int turn = 0;
    for (const TsneState& state : states_of(c, params, 37)) {
      write_state(path, state);
      const TsneState read = read_tsne_state(path);
      EXPECT_EQ(read.iteration, state.iteration);
      const ThreadLimit threads(std::array{1, 2, 3, 7}[static_cast<std::size_t>(turn % 4)]);
      simd::select(turn++ % 2 == 0 ? simd::available().back() : simd::available().front());
      EXPECT_EQ(bits(tsne(c.graph, c.data, params, {}, {.resume = &read})), whole)
          << state.iteration;
    }
    EXPECT_EQ(turn, 4);
    simd::select(simd::available().front());
  }
}

TEST(TsneCheckpoint, GoesOnWhereAFitWasStopped) {
  const Case c = make_case(300, 15);
  TsneParams params = quick(0);
  params.iterations = 3000;
  const std::string whole = bits(tsne(c.graph, c.data, params));
  TsneState state;
  for (std::int64_t stop : {50, 125, 225, 275}) {  // from stop to stop
    TsneState next;
    const TsneResult part =
        tsne(c.graph, c.data, params,
             [&](const Report& r) { return r.step >= stop ? Next::stop : Next::proceed; },
             {.resume = state.iteration > 0 ? &state : nullptr,
              .save = [&](TsneState&& s) { next = std::move(s); }});
    EXPECT_TRUE(part.stopped);
    EXPECT_EQ(next.iteration, stop + 1);
    state = std::move(next);
  }
  EXPECT_EQ(bits(tsne(c.graph, c.data, params, {}, {.resume = &state})), whole);
}

TEST(TsneCheckpoint, IsRefusedForOtherDataOrParameters) {
  const Case c = make_case(200, 15), other = make_case(200, 15, 9);
  const Anchors anchors = anchors_of(std::array{3}, Matrix(1, 2), 200);
  const TsneParams params = quick(0);
  const std::vector<TsneState> states = states_of(c, params, 100);
  const TsneState& state = states.front();
  const auto refusal = [&](const Case& data, ConstRows start, const TsneParams& p,
                           const Anchors* held) {
    return message_of<InvalidArgument>(
        [&] { tsne(data.graph, start, p, {}, {.anchors = held, .resume = &state}); });
  };
  EXPECT_NE(refusal(other, c.data, params, nullptr).find("other rows"), std::string::npos);
  EXPECT_NE(refusal(c, other.data, params, nullptr).find("another start"), std::string::npos);
  EXPECT_NE(refusal(c, c.data, params, &anchors).find("anchors"), std::string::npos);
  TsneParams changed = params;
  changed.momentum = 0.9;
  EXPECT_NE(refusal(c, c.data, changed, nullptr)
                .find("made with momentum 0.93, the fit has momentum 0.9;"),
            std::string::npos)
      << refusal(c, c.data, changed, nullptr);
}

TEST(TsneCheckpoint, IsRefusedWhereItsBytesDoNotFit) {
  const Case c = make_case(40, 15, 3);
  const TemporaryFolder folder;
  const auto path = folder / "state", harmed = folder / "harmed";
  const std::vector<TsneState> states = states_of(c, quick(0), 100);
  write_state(path, states.front());
  const MappedFile mapped(path);
  const safetensors::Contents whole = safetensors::parse(mapped.bytes(), "whole");

  // The file with some tensors or metadata changed.
  const auto message = [&](const auto& change) {
    safetensors::Contents now = whole;
    change(now);
    safetensors::write(harmed, now.tensors, now.metadata);
    return message_of<IoError>([&] { read_tsne_state(harmed); });
  };
  const auto tensor = [](safetensors::Contents& now, const char* name) -> safetensors::Tensor& {
    for (auto& t : now.tensors)
      if (t.name == name) return t;
    throw InvalidArgument(name);
  };
  // One value of a tensor replaced.
  std::vector<std::byte> bytes;
  const auto with = [&](const char* name, std::int64_t at, auto value) {
    return message([&](safetensors::Contents& now) {
      safetensors::Tensor& t = tensor(now, name);
      bytes.assign(t.values.begin(), t.values.end());
      std::memcpy(bytes.data() + at * static_cast<std::int64_t>(sizeof value), &value,
                  sizeof value);
      t.values = bytes;
    });
  };
  const auto says = [](const std::string& text, const char* part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  says(message([](auto& now) { now.metadata["format"] = "latlas checkpoint"; }), "no checkpoint");
  says(message([](auto& now) { now.metadata.clear(); }), "no checkpoint");
  says(message([](auto& now) { now.metadata["format"] = "latlas t-SNE checkpoint 2"; }),
       "earlier version of latlas; begin the fit anew");
  for (const char* name : {"progress", "trace", "order", "places", "motion"}) {
    says(message([&](auto& now) {
           std::erase_if(now.tensors, [&](const auto& t) { return t.name == name; });
         }),
         name);
    says(message([&](auto& now) {
           auto& t = tensor(now, name);
           t.type = safetensors::Type::u8;
           t.shape = {static_cast<std::int64_t>(t.values.size())};
         }),
         name);
  }
  says(message([&](auto& now) { tensor(now, "motion").shape = {8, 20}; }), "motion is 8 × 20");
  says(message([&](auto& now) { tensor(now, "places").shape = {20, 4}; }), "map is 20 × 4");
  says(message([&](auto& now) { tensor(now, "order").shape = {20, 2}; }), "order");
  says(message([&](auto& now) { tensor(now, "progress").shape = {2, 5}; }), "progress");
  says(with("places", 7, std::numeric_limits<float>::quiet_NaN()), "NaN");
  says(with("motion", 3, std::numeric_limits<float>::infinity()), "infinity");
  says(with("motion", 81, 0.0F), "gain");
  says(with("order", 0, std::int64_t{-1}), "permutation");
  says(with("order", 0, std::int64_t{40}), "permutation");
  says(with("order", 0, static_cast<std::int64_t>(states.front().order[1])), "permutation");
  for (const double bad : {-1.0, 0.5, 1e300, std::numeric_limits<double>::quiet_NaN()})
    for (const std::int64_t at : {0, 1, 2, 3, 4, 6, 7, 9}) with("progress", at, bad);
  with("progress", 5, std::numeric_limits<double>::infinity());
  with("progress", 8, std::numeric_limits<double>::quiet_NaN());
  with("trace", 0, 1e9);
  with("trace", 1, std::numeric_limits<double>::quiet_NaN());
  for (std::size_t cut = 0; cut < mapped.bytes().size(); cut += 1 + cut / 7)
    EXPECT_THROW(parse_tsne_state(mapped.bytes().first(cut), "cut"), IoError) << cut;
  EXPECT_THROW(read_tsne_state("/nonexistent/state"), IoError);
}

TEST(TsneSnapshots, ShowTheMapOnItsWayAndChangeNothing) {
  const Case c = make_case(300, 15);
  const Affinities a = perplexity_affinities(c.graph, {.perplexity = 5});
  const TsneParams params = quick(2000);
  const TsneResult whole = tsne(a, c.data, params);
  std::vector<std::int64_t> seen;
  const TsneResult watched = tsne(
      a, c.data, params, {}, {.snapshots = {.every = 40, .show = [&](const Snapshot& s) {
                                              seen.push_back(s.iteration);
                                              EXPECT_EQ(s.map.rows(), 300);
                                              EXPECT_NEAR(s.kl, kl_twin(dense(a), s.map), 1e-4);
                                              return Next::proceed;
                                            }}});
  EXPECT_EQ(bits(watched), bits(whole));
  EXPECT_EQ(seen, (std::vector<std::int64_t>{40, 80, 120}));
}

TEST(TsneSnapshots, MayStopTheFit) {
  const Case c = make_case(300, 15);
  Matrix last;
  const TsneResult r = tsne(c.graph, c.data, quick(0), {},
                            {.snapshots = {.every = 30, .show = [&](const Snapshot& s) {
                                             last = copy_of(s.map);
                                             return s.iteration == 90 ? Next::stop : Next::proceed;
                                           }}});
  EXPECT_TRUE(r.stopped);
  EXPECT_EQ(r.iterations, 91);  // the step that was under way is done
  expect_centered_and_finite(r.map);
}

TEST(TsneKeepStart, GoesOnFromAnEarlierMap) {
  const Case c = make_case(500, 30);
  const TsneResult map = tsne(c.graph, c.data, {.perplexity = 10});
  const TsneResult more = tsne(c.graph, map.map, {.perplexity = 10, .keep_start = true});
  EXPECT_EQ(more.exaggerated, 0);
  EXPECT_LT(more.kl, map.kl + 1e-3);  // it had nearly stopped falling
  double extent = 0;
  for (std::int64_t i = 0; i < 500; ++i)
    extent = std::max(extent, std::abs(static_cast<double>(map.map(i, 0))));
  for (std::int64_t i = 0; i < 500; ++i)  // rows stay about where they were
    for (int k = 0; k < 2; ++k) EXPECT_NEAR(more.map(i, k), map.map(i, k), 0.1 * extent);
}

}  // namespace
}  // namespace latlas
