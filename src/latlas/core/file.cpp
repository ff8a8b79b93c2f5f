#include "latlas/core/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "latlas/core/error.h"

namespace latlas {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const char* what) {
  throw IoError(sentence(path.string(), ": ", what, " (", std::strerror(errno), ")"));
}

struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

const char* kind(const std::filesystem::file_status& status) {
  switch (status.type()) {
    case std::filesystem::file_type::directory:
      return "a folder";
    case std::filesystem::file_type::fifo:
      return "a pipe";
    case std::filesystem::file_type::character:
    case std::filesystem::file_type::block:
      return "a device";
    default:
      return "no regular file";
  }
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) {
  // Without O_NONBLOCK, opening a named pipe would wait for a writer.
  const Descriptor descriptor{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (descriptor.number < 0) fail(path, "cannot be opened");
  struct stat status {};
  if (::fstat(descriptor.number, &status) != 0) fail(path, "cannot be read");
  if (!S_ISREG(status.st_mode))
    throw IoError(sentence(path.string(), ": is ", kind(std::filesystem::status(path)),
                           ", a regular file is expected"));
  size_ = static_cast<std::size_t>(status.st_size);
  if (size_ == 0) return;
  void* memory = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor.number, 0);
  if (memory == MAP_FAILED) fail(path, "cannot be mapped");
  data_ = static_cast<const std::byte*>(memory);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}
MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

FileWriter::FileWriter(std::filesystem::path target) : target_(std::move(target)) {
  // Renaming over /dev/null would do away with it.
  std::error_code ignored;
  const auto there = std::filesystem::status(target_, ignored);
  if (std::filesystem::exists(there)) {
    if (!std::filesystem::is_regular_file(there))
      throw IoError(
          sentence(target_.string(), ": is ", kind(there), ", it cannot be replaced by a file"));
    target_ = std::filesystem::canonical(target_);
  }
  // O_EXCL: a name that is taken, by another writer or one that was killed, is passed over.
  static std::atomic<unsigned> count{0};
  do {
    temporary_ = target_;
    temporary_ += sentence(".partial-", ::getpid(), "-", count++);
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (descriptor_ < 0 && errno == EEXIST);
  if (descriptor_ < 0) fail(target_, "cannot be created");
}

FileWriter::~FileWriter() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void FileWriter::write(Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(target_, "cannot be written");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void FileWriter::commit() {
  if (::fsync(descriptor_) != 0) fail(target_, "cannot be written");
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail(target_, "cannot be put in place");
  ::close(std::exchange(descriptor_, -1));
  // The new name is safe once its folder is; file systems that cannot sync folders need not.
  const auto folder = target_.has_parent_path() ? target_.parent_path() : ".";
  const Descriptor opened{::open(folder.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY)};
  if (opened.number >= 0) ::fsync(opened.number);
}

void write_file(const std::filesystem::path& path, Bytes bytes) {
  FileWriter writer(path);
  writer.write(bytes);
  writer.commit();
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  write_file(path, std::as_bytes(std::span(text)));
}

void require_writable(const std::filesystem::path& path) { const FileWriter writer(path); }

std::string read_text(const std::filesystem::path& path) {
  const MappedFile file(path);
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

}  // namespace latlas
