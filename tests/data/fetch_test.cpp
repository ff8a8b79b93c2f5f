#include "latlas/data/fetch.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>

#include <filesystem>
#include <fstream>

#include "latlas/core/error.h"
#include "latlas/core/hash.h"
#include "latlas/core/random.h"
#include "latlas/data/catalog.h"
#include "tests/data/loopback_server.h"
#include "tests/data/temporary_folder.h"

namespace latlas {
namespace {

using test::LoopbackServer;
using test::Request;

constexpr std::int64_t kSize = 200000;

const std::string& content() {
  static const std::string bytes = [] {
    std::string b(kSize, '\0');
    for (std::size_t i = 0; i < b.size(); ++i) b[i] = static_cast<char>(random::bits({.index = i}));
    return b;
  }();
  return bytes;
}
std::string digest(const std::string& bytes) { return sha256(std::as_bytes(std::span(bytes))); }

std::string status(int code, const std::string& extra = "", const std::string& body = "") {
  return "HTTP/1.1 " + std::to_string(code) + " Whatever\r\n" + extra + "\r\n" + body;
}
std::string length(std::size_t n) { return "Content-Length: " + std::to_string(n) + "\r\n"; }

/// The honest answer, from the range's beginning on.
std::string honest(const Request& r) {
  if (r.range_begin < 0) return status(200, length(content().size()), content());
  const std::string rest = content().substr(static_cast<std::size_t>(r.range_begin));
  return status(206,
                length(rest.size()) + "Content-Range: bytes " + std::to_string(r.range_begin) +
                    "-" + std::to_string(kSize - 1) + "/" + std::to_string(kSize) + "\r\n",
                rest);
}

class Fetch : public testing::Test {
 protected:
  Fetched fetch(const std::vector<std::string>& urls, const TransferProgress& progress = {}) {
    return fetch_file(urls, target(), kSize, digest(content()), progress, options_);
  }
  std::string error_of(const std::vector<std::string>& urls) {
    try {
      fetch(urls);
    } catch (const IoError& e) {
      return e.what();
    }
    return "";
  }
  std::filesystem::path target() const { return folder_.path() / "sub" / "file.gz"; }
  std::filesystem::path part() const { return folder_.path() / "sub" / "file.gz.part"; }
  bool right() const {
    return std::filesystem::exists(target()) && sha256_of_file(target()) == digest(content());
  }
  bool nothing_left() const {
    return !std::filesystem::exists(target()) && !std::filesystem::exists(part());
  }
  void leave_part(const std::string& bytes) const {
    std::filesystem::create_directories(part().parent_path());
    std::ofstream(part(), std::ios::binary) << bytes;
  }

  test::TemporaryFolder folder_;
  FetchOptions options_{.attempts = 3,
                        .pause_seconds = 0.001,
                        .connect_seconds = 5,
                        .stall_seconds = 1,
                        .allow_loopback_http = true};
};

TEST_F(Fetch, BringsTheFileAndReportsItsProgress) {
  const LoopbackServer server(honest);
  Transfer last;
  std::string name;
  EXPECT_EQ(fetch({server.url("/a")},
                  [&](const Transfer& t) {
                    EXPECT_GE(t.done, last.done);
                    EXPECT_LE(t.done, t.size);
                    last = t;
                    name = t.file;
                    return Next::proceed;
                  }),
            Fetched::complete);
  EXPECT_TRUE(right());
  EXPECT_FALSE(std::filesystem::exists(part()));
  EXPECT_EQ(last.done, kSize);
  EXPECT_EQ(last.size, kSize);
  EXPECT_GT(last.rate, 0);
  EXPECT_EQ(name, "file.gz");
}

TEST_F(Fetch, LeavesARightFileAlone) {
  const LoopbackServer server(honest);
  fetch({server.url("/a")});
  EXPECT_EQ(fetch({server.url("/a")}), Fetched::complete);
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(Fetch, ReplacesAWrongFile) {
  const LoopbackServer server(honest);
  leave_part("");
  std::ofstream(target(), std::ios::binary) << "something else";
  fetch({server.url("/a")});
  EXPECT_TRUE(right());
}

TEST_F(Fetch, ResumesWhereAnEarlierDownloadStopped) {
  const LoopbackServer server(honest);
  leave_part(content().substr(0, 150000));
  fetch({server.url("/a")});
  EXPECT_TRUE(right());
  ASSERT_EQ(server.requests().size(), 1U);
  EXPECT_EQ(server.requests()[0].range_begin, 150000);
}

TEST_F(Fetch, PutsACompletePartInPlaceWithoutAConnection) {
  const LoopbackServer server(honest);
  leave_part(content());
  fetch({server.url("/a")});
  EXPECT_TRUE(right());
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(Fetch, BeginsAgainWhenTheServerIgnoresRanges) {
  const LoopbackServer server(
      [](const Request&) { return status(200, length(content().size()), content()); });
  leave_part(content().substr(0, 150000));
  fetch({server.url("/a")});
  EXPECT_TRUE(right());
}

TEST_F(Fetch, BeginsAgainWhenTheServerRefusesTheRange) {
  const LoopbackServer server(
      [](const Request& r) { return r.range_begin >= 0 ? status(416, length(0)) : honest(r); });
  leave_part(content().substr(0, 150000));
  fetch({server.url("/a")});
  EXPECT_TRUE(right());
  EXPECT_EQ(server.requests().size(), 2U);
}

TEST_F(Fetch, GoesOnAfterACutConnection) {
  const LoopbackServer server([](const Request& r) {  // 90,000 bytes of each answer's body
    const std::string answer = honest(r);
    return answer.substr(0, answer.find("\r\n\r\n") + 4 + 90000);
  });
  fetch({server.url("/a")});
  EXPECT_TRUE(right());
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 3U);
  EXPECT_EQ(requests[1].range_begin, 90000);
  EXPECT_EQ(requests[2].range_begin, 180000);
}

TEST_F(Fetch, GoesOnAtTheNextMirrorWhereTheFirstOneBroke) {
  const LoopbackServer cuts([](const Request& r) {
    return r.number == 0 ? honest(r).substr(0, 100000) : status(404, length(0));
  });
  const LoopbackServer works(honest);
  fetch({cuts.url("/a"), works.url("/b")});
  EXPECT_TRUE(right());
  ASSERT_EQ(works.requests().size(), 1U);
  EXPECT_GT(works.requests()[0].range_begin, 90000);
}

TEST_F(Fetch, GivesUpAfterABoundedNumberOfAttemptsAndKeepsWhatItHas) {
  const LoopbackServer server([](const Request& r) {
    const std::string answer = honest(r);
    return answer.substr(0, answer.find("\r\n\r\n") + 4 + 100);
  });
  const std::string error = error_of({server.url("/a")});
  EXPECT_EQ(server.requests().size(), 3U);
  EXPECT_NE(error.find(server.url("/a")), std::string::npos) << error;
  EXPECT_FALSE(std::filesystem::exists(target()));
  EXPECT_EQ(std::filesystem::file_size(part()), 300U);
}

TEST_F(Fetch, RetriesAServerThatIsBusy) {
  const LoopbackServer server(
      [](const Request& r) { return r.number < 2 ? status(503, length(0)) : honest(r); });
  fetch({server.url("/a")});
  EXPECT_TRUE(right());
}

TEST_F(Fetch, AsksAMirrorOnlyOnceForAFileThatItLacks) {
  const LoopbackServer server(
      [](const Request& r) { return r.path == "/b" ? honest(r) : status(404, length(4), "gone"); });
  fetch({server.url("/a"), server.url("/b")});
  EXPECT_TRUE(right());
  EXPECT_EQ(server.requests().size(), 2U);
}

TEST_F(Fetch, RejectsWrongBytesAndTriesTheNextMirror) {
  const LoopbackServer server([](const Request& r) {
    std::string answer = honest(r);
    if (r.path == "/wrong") answer.back() ^= 1;
    return answer;
  });
  fetch({server.url("/wrong"), server.url("/b")});
  EXPECT_TRUE(right());
  EXPECT_EQ(server.requests().size(), 2U);
}

TEST_F(Fetch, LeavesNothingOfWrongBytes) {
  const LoopbackServer server([](const Request& r) {
    std::string answer = honest(r);
    answer.back() ^= 1;
    return answer;
  });
  const std::string error = error_of({server.url("/a"), server.url("/b")});
  EXPECT_NE(error.find("/a serves bytes with another SHA-256"), std::string::npos) << error;
  EXPECT_NE(error.find("/b serves bytes with another SHA-256"), std::string::npos) << error;
  EXPECT_TRUE(nothing_left());
}

TEST_F(Fetch, DoesNotBlameAMirrorForAWrongPart) {
  const LoopbackServer server(honest);
  leave_part(std::string(1000, 'x'));
  fetch({server.url("/a")});
  EXPECT_TRUE(right());
  EXPECT_EQ(server.requests().size(), 2U);
}

TEST_F(Fetch, RejectsAPartThatIsTooLong) {
  const LoopbackServer server(honest);
  leave_part(content() + "x");
  fetch({server.url("/a")});
  EXPECT_TRUE(right());
  EXPECT_EQ(server.requests()[0].range_begin, -1);
}

TEST_F(Fetch, RejectsAnAnnouncedLengthThatIsNotTheFiles) {
  for (const std::size_t announced :
       {std::size_t{100}, std::size_t{kSize - 1}, std::size_t{kSize + 1}, std::size_t{1} << 50}) {
    const LoopbackServer server(
        [&](const Request&) { return status(200, length(announced), content()); });
    const std::string error = error_of({server.url("/a")});
    EXPECT_NE(error.find("offers " + std::to_string(announced) + " bytes"), std::string::npos)
        << error;
    EXPECT_TRUE(nothing_left());
  }
}

TEST_F(Fetch, StopsAServerThatSendsWithoutEnd) {
  const LoopbackServer server([](const Request&) {  // no length: the body lasts until the close
    return status(200, "", content() + std::string(1000000, 'x'));
  });
  const std::string error = error_of({server.url("/a")});
  EXPECT_NE(error.find("sends more bytes than the 200000"), std::string::npos) << error;
  EXPECT_TRUE(nothing_left());
}

TEST_F(Fetch, TriesAgainWhenABodyOfUnknownLengthEndsEarly) {
  const LoopbackServer server([](const Request& r) {
    return r.number == 0 ? status(200, "", content().substr(0, 5000)) : honest(r);
  });
  fetch({server.url("/a")});
  EXPECT_TRUE(right());
  EXPECT_EQ(server.requests()[1].range_begin, 5000);
}

TEST_F(Fetch, RejectsARangeThatWasNotAskedFor) {
  const LoopbackServer server([](const Request& r) {
    return r.range_begin < 0
               ? status(404, length(0))
               : status(206, length(kSize) + "Content-Range: bytes 0-199999/200000\r\n", content());
  });
  leave_part(content().substr(0, 1000));
  const std::string error = error_of({server.url("/a")});
  EXPECT_NE(error.find("sends other bytes than were asked for"), std::string::npos) << error;
}

TEST_F(Fetch, FollowsRedirectionsButNotForever) {
  const LoopbackServer server([](const Request& r) {
    if (r.path == "/moved") return status(302, "Location: /here\r\n" + length(0));
    if (r.path == "/circle") return status(302, "Location: /circle\r\n" + length(0));
    return honest(r);
  });
  EXPECT_NE(error_of({server.url("/circle")}), "");
  EXPECT_LE(server.requests().size(), 6U);
  fetch({server.url("/moved")});
  EXPECT_TRUE(right());
}

TEST_F(Fetch, NeverLeavesTheWebByARedirection) {
  const LoopbackServer server(
      [](const Request&) { return status(302, "Location: file:///etc/passwd\r\n" + length(0)); });
  const std::string error = error_of({server.url("/a")});
  EXPECT_NE(error.find("not HTTPS"), std::string::npos) << error;
}

TEST_F(Fetch, GivesUpOnSilence) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);  // accepts, and never says a word
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener, 4), 0);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  const std::string url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/a";
  EXPECT_NE(error_of({url}), "");
  EXPECT_TRUE(nothing_left());
  ::close(listener);
}

TEST_F(Fetch, SaysWhatToDoWhenNobodyAnswers) {
  std::string url;
  {
    const LoopbackServer gone(honest);
    url = gone.url("/a");
  }
  const std::string error = error_of({url});
  EXPECT_NE(error.find("could not be downloaded"), std::string::npos) << error;
  EXPECT_NE(error.find("check the network and try again"), std::string::npos) << error;
  EXPECT_TRUE(nothing_left());
}

TEST_F(Fetch, StopsWhenAskedAndGoesOnLater) {
  const LoopbackServer server(honest);
  EXPECT_EQ(fetch({server.url("/a")},
                  [](const Transfer& t) { return t.done > 0 ? Next::stop : Next::proceed; }),
            Fetched::stopped);
  EXPECT_FALSE(std::filesystem::exists(target()));
  const auto held = std::filesystem::file_size(part());
  EXPECT_GT(held, 0U);
  fetch({server.url("/a")});
  EXPECT_TRUE(right());
  if (held < kSize) {
    EXPECT_EQ(server.requests()[1].range_begin, static_cast<std::int64_t>(held));
  }
}

TEST_F(Fetch, LeavesAPartAloneThatAnotherProcessWrites) {
  const LoopbackServer server(honest);
  leave_part("abc");
  const int other = ::open(part().c_str(), O_RDWR);
  ASSERT_EQ(::flock(other, LOCK_EX), 0);
  const std::string error = error_of({server.url("/a")});
  EXPECT_NE(error.find("another process is downloading it"), std::string::npos) << error;
  ::close(other);
  EXPECT_EQ(std::filesystem::file_size(part()), 3U);
}

TEST_F(Fetch, HandsOnWhatTheCallbackThrows) {
  const LoopbackServer server(honest);
  EXPECT_THROW(fetch({server.url("/a")},
                     [](const Transfer&) -> Next { throw std::runtime_error("the host's own"); }),
               std::runtime_error);
}

TEST_F(Fetch, RefusesAddressesThatAreNotHttps) {
  options_.allow_loopback_http = false;
  const LoopbackServer server(honest);
  EXPECT_THROW(fetch({server.url("/a")}), InvalidArgument);
  EXPECT_THROW(fetch({"http://example.org/a"}), InvalidArgument);
  EXPECT_THROW(fetch({"file:///etc/passwd"}), InvalidArgument);
  EXPECT_THROW(fetch({}), InvalidArgument);
  EXPECT_TRUE(server.requests().empty());
  options_.allow_loopback_http = true;
  EXPECT_THROW(fetch({"http://127.0.0.1.example.org/a"}), InvalidArgument);
  EXPECT_THROW(fetch({"http://127.0.0.1@example.org/a"}), InvalidArgument);
}

TEST_F(Fetch, NamesAFolderThatCannotBeMade) {
  std::ofstream(folder_.path() / "sub") << "a file where the folder should be";
  const LoopbackServer server(honest);
  const std::string error = error_of({server.url("/a")});
  EXPECT_NE(error.find((folder_.path() / "sub").string()), std::string::npos) << error;
}

TEST_F(Fetch, KnowsNoOtherDatasetsThanTheCatalogs) {
  EXPECT_THROW(fetch_dataset("minst", folder_.path()), InvalidArgument);
}

}  // namespace
}  // namespace latlas
