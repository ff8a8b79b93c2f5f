// What several tests need: a folder that goes away, and the sentence of an error.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "latlas/core/error.h"
#include "latlas/core/file.h"

namespace latlas {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "latlas.XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw IoError(name + ": no temporary folder");
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }
  std::int64_t entries() const {
    return std::distance(std::filesystem::directory_iterator(path_), {});
  }

 private:
  std::filesystem::path path_;
};

/// The sentence of the Error that the work throws; fails the test when it throws none.
template <class Error, class Work>
std::string message_of(Work&& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  } catch (const std::exception& error) {
    ADD_FAILURE() << "another kind of error: " << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return {};
}

/// Expects that the work throws Error with a sentence that holds the text.
#define EXPECT_ERROR(Error, text, ...)                                                      \
  EXPECT_PRED2([](const std::string& all,                                                   \
                  const std::string& part) { return all.find(part) != std::string::npos; }, \
               (::latlas::message_of<Error>([&] { __VA_ARGS__; })), std::string(text))

}  // namespace latlas
