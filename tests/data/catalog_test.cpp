#include "latlas/data/catalog.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>

#include "latlas/core/error.h"
#include "latlas/core/hash.h"
#include "latlas/data/idx.h"
#include "tests/data/temporary_folder.h"

namespace latlas {
namespace {

TEST(Catalog, HoldsWhatADownloadNeeds) {
  std::set<std::string> digests;
  for (const KnownDataset& d : known_datasets()) {
    EXPECT_EQ(d.class_names.size(), 10U);
    EXPECT_FALSE(d.license.empty());
    EXPECT_FALSE(d.citation.empty());
    ASSERT_EQ(d.files.size(), 4U);
    for (const KnownFile& f : d.files) {
      EXPECT_GT(f.size, 0);
      EXPECT_EQ(f.sha256.size(), 64U);
      EXPECT_EQ(f.sha256.find_first_not_of("0123456789abcdef"), std::string::npos);
      EXPECT_TRUE(digests.insert(f.sha256).second) << "twice: " << f.sha256;
      EXPECT_GE(f.urls.size(), 2U);
      for (const std::string& url : f.urls) {
        EXPECT_TRUE(url.starts_with("https://")) << url;
        EXPECT_TRUE(url.ends_with("/" + f.name)) << url;
      }
    }
  }
  EXPECT_EQ(known_dataset("mnist").size(), 9912422 + 28881 + 1648877 + 4542);
}

TEST(Catalog, SuggestsTheNearestName) {
  try {
    known_dataset("minst");
    FAIL();
  } catch (const InvalidArgument& e) {
    EXPECT_STREQ(e.what(), "dataset 'minst' is unknown; did you mean 'mnist'?");
  }
}

/// An environment of its own: two empty folders for LATLAS_DATA and the cache.
class Datasets : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"LATLAS_DATA", "XDG_CACHE_HOME", "HOME"}) {
      const char* value = std::getenv(name);
      before_.emplace_back(name, value == nullptr ? "" : value);
    }
    ::setenv("LATLAS_DATA", data_.path().c_str(), 1);
    ::setenv("XDG_CACHE_HOME", cache_.path().c_str(), 1);
  }
  void TearDown() override {
    for (const auto& [name, value] : before_)
      value.empty() ? ::unsetenv(name.c_str()) : ::setenv(name.c_str(), value.c_str(), 1);
  }
  static void fill(const std::filesystem::path& folder) {  // one image of one pixel, four times
    std::filesystem::create_directories(folder);
    for (const char* part : {"train", "t10k"}) {
      std::ofstream(folder / (std::string(part) + "-images-idx3-ubyte"), std::ios::binary)
          << std::string("\0\0\x08\3\0\0\0\1\0\0\0\1\0\0\0\1x", 17);
      std::ofstream(folder / (std::string(part) + "-labels-idx1-ubyte"), std::ios::binary)
          << std::string("\0\0\x08\1\0\0\0\1\0", 9);
    }
  }
  std::vector<std::pair<std::string, std::string>> before_;
  test::TemporaryFolder data_, cache_;
};

TEST_F(Datasets, AreFoundUnderLatlasDataFirstThenInTheCache) {
  EXPECT_FALSE(find_dataset("mnist"));
  fill(cache_.path() / "latlas" / "mnist");
  EXPECT_EQ(find_dataset("mnist"), cache_.path() / "latlas" / "mnist");
  fill(data_.path() / "mnist");
  EXPECT_EQ(find_dataset("mnist"), data_.path() / "mnist");
}

TEST_F(Datasets, AreFetchedIntoLatlasDataElseTheCache) {
  EXPECT_EQ(dataset_folder("mnist"), data_.path() / "mnist");
  ::unsetenv("LATLAS_DATA");
  EXPECT_EQ(dataset_folder("mnist"), cache_.path() / "latlas" / "mnist");
  ::unsetenv("XDG_CACHE_HOME");
  ::setenv("HOME", "/somewhere/someone", 1);
  EXPECT_EQ(dataset_folder("mnist"), "/somewhere/someone/.cache/latlas/mnist");
  ::unsetenv("HOME");
  EXPECT_THROW(dataset_folder("mnist"), IoError);
}

TEST_F(Datasets, ThatAreNotThereNameTheCommandThatFetchesThem) {
  try {
    load_dataset("kmnist");
    FAIL();
  } catch (const IoError& e) {
    const std::string error = e.what();
    EXPECT_NE(error.find("`latlas datasets fetch kmnist`"), std::string::npos) << error;
    EXPECT_NE(error.find((data_.path() / "kmnist").string()), std::string::npos) << error;
    EXPECT_NE(error.find((cache_.path() / "latlas" / "kmnist").string()), std::string::npos)
        << error;
  }
}

TEST_F(Datasets, MustBeThoseOfTheCatalog) {
  fill(data_.path() / "mnist");
  try {
    load_dataset("mnist");
    FAIL();
  } catch (const IoError& e) {
    EXPECT_NE(std::string(e.what()).find("holds 1 + 1 images, mnist has 60000 + 10000"),
              std::string::npos)
        << e.what();
  }
}

TEST(Mnist, IsTheOriginalWhereItIsAtHand) {
  const auto folder = find_dataset("mnist");
  if (!folder) GTEST_SKIP() << "MNIST is not on this machine";
  for (const KnownFile& f : known_dataset("mnist").files)
    if (std::filesystem::exists(*folder / f.name)) {
      EXPECT_EQ(sha256_of_file(*folder / f.name), f.sha256);
    }
  const Dataset d = load_dataset("mnist");
  EXPECT_EQ(std::vector<std::uint8_t>(d.train_labels.begin(), d.train_labels.begin() + 5),
            (std::vector<std::uint8_t>{5, 0, 4, 1, 9}));
  // Of the 47,040,000 inflated training pixels: hashlib.sha256 of Python.
  EXPECT_EQ(sha256(d.train.view()),
            "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757");
}

}  // namespace
}  // namespace latlas
