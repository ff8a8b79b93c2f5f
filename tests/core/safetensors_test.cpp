#include "latlas/core/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <limits>

namespace latlas::safetensors {
namespace {

std::string file_of(const std::string& header, std::size_t values) {
  std::string out(8, '\0');
  const std::uint64_t length = header.size();
  std::memcpy(out.data(), &length, 8);
  return out + header + std::string(values, '\1');
}

Contents parse_text(const std::string& bytes) {
  return parse(std::as_bytes(std::span(bytes.data(), bytes.size())), "test");
}

std::filesystem::path scratch(const char* name) {
  return std::filesystem::path(testing::TempDir()) / name;
}

TEST(Safetensors, ReadBackWhatWasWritten) {
  Matrix a(3, 2);
  for (std::int64_t i = 0; i < a.size(); ++i) a.data()[i] = static_cast<float>(i) * 0.1F;
  BasicMatrix<double> b(1, 3);
  b(0, 2) = -1e300;
  const auto path = scratch("latlas_safetensors_roundtrip");
  write(path, {tensor_of("a", a.view()), tensor_of("b.\"ü\"", b.view())},
        {{"key", "wörd\n"}, {"other", ""}});

  const File file = open(path);
  EXPECT_EQ(file.contents.metadata.at("key"), "wörd\n");
  EXPECT_EQ(file.contents.metadata.at("other"), "");
  const Matrix a_back = to_matrix(find(file.contents, "a", "test"), "test");
  EXPECT_EQ(a_back.rows(), 3);
  EXPECT_EQ(std::memcmp(a_back.data(), a.data(), 24), 0);
  EXPECT_EQ(to_doubles(find(file.contents, "b.\"ü\"", "test"), "test")(0, 2), -1e300);
  // Values begin at a multiple of eight bytes, so that they can be mapped.
  EXPECT_EQ((file.contents.tensors[0].values.data() - file.file.bytes().data()) % 8, 0);

  EXPECT_THROW(find(file.contents, "c", "test"), IoError);
  EXPECT_THROW(to_doubles(find(file.contents, "a", "test"), "test"), IoError);
  std::filesystem::remove(path);
}

TEST(Safetensors, ReadsWhatOthersWrite) {
  // Unordered entries, odd offsets, spaces after the header, numbers without dimension, no values.
  const auto contents = parse_text(file_of(
      R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}, "__metadata__":{},
          "flag":{"dtype":"U8","shape":[],"data_offsets":[0,1]},
          "none":{"dtype":"F16","shape":[0,7],"data_offsets":[9,9]},
          "half":{"shape":[1,1,1],"dtype":"F16","data_offsets":[9,11]}}   )",
      11));
  ASSERT_EQ(contents.tensors.size(), 4U);
  EXPECT_EQ(contents.tensors[0].name, "flag");
  EXPECT_EQ(to_matrix(find(contents, "x", "test"), "test").cols(), 2);
  EXPECT_TRUE(parse_text(file_of("{}", 0)).tensors.empty());
}

TEST(Safetensors, RejectsEveryMalformedFile) {
  const std::string good = R"({"x":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}})";
  ASSERT_NO_THROW(parse_text(file_of(good, 8)));
  std::string lying = file_of(good, 8);
  const std::uint64_t huge = std::numeric_limits<std::uint64_t>::max() - 4;
  std::memcpy(lying.data(), &huge, 8);
  const std::string files[] = {
      "",
      "1234567",
      std::string(8, '\xff'),
      lying,
      file_of("", 0),
      file_of(good, 8).substr(0, 20),
      file_of(good, 7),
      file_of(good, 9),
      file_of("[]", 0),
      file_of("nul", 0),
      file_of(" {}", 0),
      file_of("{} x", 0),
      file_of("{\"x\":1}", 0),
      file_of("{\"\xff\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}", 1),
      file_of(R"({"__metadata__":[]})", 0),
      file_of(R"({"__metadata__":{"a":1}})", 0),
      file_of(R"({"__metadata__":{"a":"1","a":"2"}})", 0),
      file_of(R"({"x":{"dtype":"F32","shape":[2,1]}})", 8),
      file_of(R"({"x":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8],"more":1}})", 8),
      file_of(R"({"x":{"dtype":"F32","dtype":"F32","shape":[2,1],"data_offsets":[0,8]}})", 8),
      file_of(R"({"x":{"dtype":"F8","shape":[2,1],"data_offsets":[0,8]}})", 8),
      file_of(R"({"x":{"dtype":32,"shape":[2,1],"data_offsets":[0,8]}})", 8),
      file_of(R"({"x":{"dtype":"F32","shape":2,"data_offsets":[0,8]}})", 8),
      file_of(R"({"x":{"dtype":"F32","shape":[-2,-1],"data_offsets":[0,8]}})", 8),
      file_of(R"({"x":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})", 8),
      file_of(R"({"x":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]}})", 8),
      file_of(R"({"x":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}})", 0),
      file_of(R"({"x":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,8]}})", 8),
      file_of(R"({"x":{"dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,8]}})", 8),
      file_of(R"({"x":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8),
      file_of(R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8),
      file_of(R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}})", 8),
      file_of(R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})", 8),
      file_of(R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})", 16),
      file_of(R"({"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},
                  "y":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
              3),
      file_of(R"({"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},
                  "y":{"dtype":"U8","shape":[2],"data_offsets":[3,5]}})",
              5),
      file_of(R"({"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},
                  "x":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
              4),
      file_of(std::string(100'000, '[') + std::string(100'000, ']'), 0),
      file_of("{\"a\":" + std::string(100'000, '['), 0),
  };
  for (const std::string& bytes : files)
    EXPECT_THROW(parse_text(bytes), IoError) << bytes.substr(0, 120);
}

TEST(Safetensors, RefusesToWriteWhatItWouldNotRead) {
  const Matrix a(2, 2);
  const auto path = scratch("latlas_safetensors_refused");
  std::filesystem::remove(path);  // of a run that failed
  EXPECT_THROW(write(path, {tensor_of("a", a.view()), tensor_of("a", a.view())}), InvalidArgument);
  EXPECT_THROW(write(path, {tensor_of("__metadata__", a.view())}), InvalidArgument);
  Tensor wrong = tensor_of("a", a.view());
  wrong.shape = {5};
  EXPECT_THROW(write(path, {wrong}), InvalidArgument);
  EXPECT_THROW(write(path, {tensor_of("\xff", a.view())}), InvalidArgument);
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_THROW(write("/nowhere/at/all", {tensor_of("a", a.view())}), IoError);
}

}  // namespace
}  // namespace latlas::safetensors
