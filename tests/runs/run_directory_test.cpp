#include "latlas/runs/run_directory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>

#include "latlas/core/error.h"
#include "latlas/core/file.h"

namespace latlas {
namespace {

class RunFolder : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("latlas-run-" + std::to_string(getpid()));
    std::filesystem::remove_all(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
};

TEST_F(RunFolder, RemembersAFinishedStage) {
  {
    RunDirectory run(folder_, false);
    EXPECT_FALSE(run.is_done("train", "k1"));
    write_file(run.path("a.npy"), "abc");
    Metrics metrics;
    metrics.set("model.loss", 0.5);
    run.finish("train", "k1", 1.5, {"a.npy"}, metrics);
  }
  RunDirectory again(folder_, false);
  EXPECT_TRUE(again.is_done("train", "k1"));
  EXPECT_FALSE(again.is_done("train", "k2"));
  EXPECT_FALSE(again.is_done("map", "k1"));
  EXPECT_EQ(again.metrics().get("model.loss"), 0.5);
  EXPECT_EQ(again.stages().at(0).second.seconds, 1.5);
}

TEST_F(RunFolder, MakesALostMetricsFileAgain) {
  RunDirectory run(folder_, false);
  Metrics metrics;
  metrics.set("model.loss", 0.5);
  run.finish("train", "k", 0, {}, metrics);
  const std::string before = read_text(run.path("metrics.json"));
  std::filesystem::remove(run.path("metrics.json"));
  RunDirectory again(folder_, false);
  EXPECT_TRUE(again.is_done("train", "k"));
  again.save();
  EXPECT_EQ(read_text(again.path("metrics.json")), before);
}

TEST_F(RunFolder, RemovesWhatAStageLeavesNoLonger) {
  RunDirectory run(folder_, false);
  for (const char* name : {"a.svg", "a.png"}) write_file(run.path(name), name);
  run.finish("figures", "k1", 0, {"a.svg", "a.png"});
  run.finish("figures", "k2", 0, {"a.png"});
  EXPECT_FALSE(std::filesystem::exists(run.path("a.svg")));
  EXPECT_TRUE(std::filesystem::exists(run.path("a.png")));
}

TEST_F(RunFolder, KeepsFactsThatAreNotUtf8) {
  RunDirectory run(folder_, false);
  run.describe("recipe", "caf\xE9");
  run.finish("train", "k", 0, {});
  EXPECT_TRUE(RunDirectory(folder_, false).is_done("train", "k"));
}

TEST_F(RunFolder, RunsAStageAgainWhenItsFileWasChangedOrLost) {
  RunDirectory run(folder_, false);
  write_file(run.path("a.npy"), "abc");
  run.finish("train", "k", 0, {"a.npy"});
  EXPECT_TRUE(run.is_done("train", "k"));
  write_file(run.path("a.npy"), "abd");
  EXPECT_FALSE(run.is_done("train", "k"));
  EXPECT_EQ(run.take_notes().size(), 1U);
  std::filesystem::remove(run.path("a.npy"));
  EXPECT_FALSE(run.is_done("train", "k"));
}

TEST_F(RunFolder, FreshForgetsWhatWasDone) {
  RunDirectory run(folder_, false);
  run.finish("train", "k", 0, {});
  EXPECT_FALSE(RunDirectory(folder_, true).is_done("train", "k"));
}

TEST_F(RunFolder, IgnoresADamagedManifestWithANote) {
  {
    RunDirectory run(folder_, false);
    run.finish("train", "k", 0, {});
  }
  for (const char* bad : {"", "{", "[]", "{\"stages\": 3}", "{\"stages\": {\"train\": {}}}"}) {
    write_file(folder_ / "manifest.json", bad);
    RunDirectory run(folder_, false);
    EXPECT_FALSE(run.is_done("train", "k")) << bad;
    EXPECT_EQ(run.take_notes().size(), 1U) << bad;
  }
}

TEST_F(RunFolder, RefusesAFolderThatIsAFile) {
  write_file(folder_, "file");
  EXPECT_THROW(RunDirectory(folder_ / "below", false), IoError);
  std::filesystem::remove(folder_);
}

TEST(Metrics, WritesNestedNumbersAndReadsThemBack) {
  Metrics m;
  m.set("tsne.kl", 2.5);
  m.set("tsne.iterations", 750);
  m.set("pca.explained_variance_ratio", std::vector<double>{0.25, 0.125});
  m.set("total_seconds", std::nan(""));
  const Metrics back = Metrics::parse(m.json(), "m");
  EXPECT_EQ(back.json(), m.json());
  EXPECT_EQ(back.get("tsne.kl"), 2.5);
  EXPECT_EQ(back.list("pca.explained_variance_ratio").size(), 2U);
  EXPECT_FALSE(back.get("total_seconds").has_value());
  EXPECT_NE(m.json().find("\"iterations\": 750"), std::string::npos);
}

TEST(Metrics, KeepsNamesThatAreEmptyOrBeginWithADot) {
  for (const char* text : {R"({".x": 30})", R"({"": {"x": 1, "": 2}})", R"({"": 5})",
                           R"({"a": {"": {"b": [1, 2]}}})", R"({"..": 1, "a.": 2})"}) {
    const std::string once = Metrics::parse(text, "m").json();
    EXPECT_EQ(Metrics::parse(once, "m").json(), once) << text;
  }
  EXPECT_EQ(Metrics::parse(R"({".x": 30})", "m").get(".x"), 30);
}

TEST(Metrics, ForgetsANameAndAllBelowIt) {
  Metrics m;
  m.set("tsne.kl", 1);
  m.set("tsnex", 2);
  m.erase("tsne");
  EXPECT_FALSE(m.get("tsne.kl").has_value());
  EXPECT_TRUE(m.get("tsnex").has_value());
}

TEST(StageKey, TellsPartsApart) {
  EXPECT_NE(stage_key({"ab", "c"}), stage_key({"a", "bc"}));
  EXPECT_EQ(stage_key({"ab", "c"}), stage_key({"ab", "c"}));
}

}  // namespace
}  // namespace latlas
