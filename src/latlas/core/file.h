// Files: read by mapping, written whole or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace latlas {

using Bytes = std::span<const std::byte>;

/// A regular file's bytes, mapped read-only. Throws IoError naming path and reason. The file must
/// keep its length while it is mapped; files written by FileWriter are replaced, never shortened.
class MappedFile {
 public:
  MappedFile() = default;
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  Bytes bytes() const { return {data_, size_}; }

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Writes a file that appears whole or not at all: bytes go to a temporary file beside the target
/// (its name, a dot, "partial", two numbers), commit() syncs and renames it over the target.
/// Destroyed without commit(), nothing remains and an older file stays as it was. Throws IoError
/// naming the target: disk full, folder missing or not writable, or a target that is there and is
/// no regular file (a folder, a device such as /dev/null). A symbolic link stays; what it points to
/// is replaced.
class FileWriter {
 public:
  explicit FileWriter(std::filesystem::path target);
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  void write(Bytes bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  void commit();

 private:
  std::filesystem::path target_, temporary_;
  int descriptor_ = -1;
};

void write_file(const std::filesystem::path& path, Bytes bytes);
void write_file(const std::filesystem::path& path, std::string_view text);
/// Throws what write_file() would, without touching the file; to be asked before long work.
void require_writable(const std::filesystem::path& path);
std::string read_text(const std::filesystem::path& path);

}  // namespace latlas
