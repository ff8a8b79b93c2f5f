#include "latlas/core/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>
#include <vector>

#include "tests/core/helpers.h"

namespace latlas {
namespace {

TEST(MappedFile, ShowsTheBytesOfAFile) {
  const TemporaryFolder folder;
  write_file(folder / "a", "abc");
  EXPECT_EQ(MappedFile(folder / "a").bytes().size(), 3U);
  EXPECT_EQ(read_text(folder / "a"), "abc");
}

TEST(MappedFile, ReadsAnEmptyFile) {
  const TemporaryFolder folder;
  write_file(folder / "a", "");
  EXPECT_TRUE(MappedFile(folder / "a").bytes().empty());
  EXPECT_EQ(read_text(folder / "a"), "");
}

TEST(MappedFile, MovesItsBytesAlong) {
  const TemporaryFolder folder;
  write_file(folder / "a", "abc");
  write_file(folder / "b", "de");
  MappedFile a(folder / "a"), b(folder / "b");
  a = std::move(b);
  EXPECT_EQ(a.bytes().size(), 2U);
  const MappedFile c = std::move(a);
  EXPECT_EQ(static_cast<char>(c.bytes()[1]), 'e');
}

TEST(MappedFile, NamesWhatCannotBeRead) {
  const TemporaryFolder folder;
  EXPECT_ERROR(IoError, "none: cannot be opened (No such file or directory)",
               MappedFile(folder / "none"));
  EXPECT_ERROR(IoError, "is a folder, a regular file is expected", MappedFile{folder.path()});
  EXPECT_ERROR(IoError, "/dev/null: is a device", MappedFile("/dev/null"));
}

TEST(MappedFile, DoesNotWaitForAPipe) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_ERROR(IoError, "is a pipe", MappedFile(folder / "pipe"));
}

TEST(FileWriter, ShowsNothingBeforeItsCommit) {
  const TemporaryFolder folder;
  FileWriter writer(folder / "a");
  writer.write("half");
  EXPECT_FALSE(std::filesystem::exists(folder / "a"));
  writer.write(" and half");
  writer.commit();
  EXPECT_EQ(read_text(folder / "a"), "half and half");
  EXPECT_EQ(folder.entries(), 1);
}

TEST(FileWriter, LeavesNothingWithoutACommit) {
  const TemporaryFolder folder;
  write_file(folder / "a", "old");
  {
    FileWriter writer(folder / "a");
    writer.write("new");
  }
  EXPECT_EQ(read_text(folder / "a"), "old");
  EXPECT_EQ(folder.entries(), 1);
}

TEST(FileWriter, KeepsTheOldFileWhenTheDiskIsFull) {
  // A process that may write files of 1000 bytes only stands for a full disk.
  const TemporaryFolder folder;
  write_file(folder / "a", "old");
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1000, 1000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      write_file(folder / "a", std::string(2000, 'x'));
    } catch (const IoError& error) {
      const std::string message = error.what();
      ::_exit(message.find("a: cannot be written (File too large)") != std::string::npos ? 0 : 2);
    }
    ::_exit(1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(read_text(folder / "a"), "old");
  EXPECT_EQ(folder.entries(), 1);
}

TEST(FileWriter, NamesAFolderThatIsMissingOrNotWritable) {
  const TemporaryFolder folder;
  EXPECT_ERROR(IoError, "none/a: cannot be created (No such file or directory)",
               FileWriter(folder / "none/a"));
  EXPECT_ERROR(IoError, "cannot be created", FileWriter("/proc/latlas-test"));
  EXPECT_ERROR(IoError, "cannot be created", FileWriter(folder / std::string(300, 'n')));
}

TEST(FileWriter, DoesNotReplaceFoldersAndDevices) {
  const TemporaryFolder folder;
  EXPECT_ERROR(IoError, "is a folder, it cannot be replaced", FileWriter(folder.path()));
  EXPECT_ERROR(IoError, "/dev/null: is a device, it cannot be replaced", FileWriter("/dev/null"));
}

TEST(FileWriter, WritesThroughASymbolicLink) {
  const TemporaryFolder folder;
  write_file(folder / "a", "old");
  std::filesystem::create_symlink("a", folder / "link");
  write_file(folder / "link", "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(read_text(folder / "a"), "new");
}

TEST(FileWriter, KeepsToTheUmask) {
  const TemporaryFolder folder;
  const mode_t before = ::umask(027);
  write_file(folder / "a", "x");
  ::umask(before);
  EXPECT_EQ(static_cast<int>(std::filesystem::status(folder / "a").permissions()), 0640);
}

TEST(FileWriter, LetsTheLastOfManyWritersWin) {
  const TemporaryFolder folder;
  std::vector<std::thread> writers;
  for (int i = 0; i < 8; ++i)
    writers.emplace_back(
        [&, i] { write_file(folder / "a", std::string(1000, static_cast<char>('a' + i))); });
  for (auto& writer : writers) writer.join();
  const std::string text = read_text(folder / "a");
  EXPECT_EQ(text, std::string(1000, text[0]));
  EXPECT_EQ(folder.entries(), 1);
}

}  // namespace
}  // namespace latlas
