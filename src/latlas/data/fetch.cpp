// A download is a list of attempts. Each asks one mirror for the bytes that are still missing and
// ends in one of four ways: the file has all its bytes; the connection broke (try again, later);
// this mirror will not serve the file (go to the next); the caller wants to stop. Whatever arrived
// stays in <target>.part, and only bytes with the right SHA-256 ever get the target's name.
#include "latlas/data/fetch.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "latlas/core/error.h"
#include "latlas/core/hash.h"
#include "latlas/data/catalog.h"

namespace latlas {
namespace {

using Clock = std::chrono::steady_clock;

bool is_loopback_http(std::string_view url) { return url.starts_with("http://127.0.0.1:"); }

// The file <target>.part, locked against other processes while it lives.
class Part {
 public:
  explicit Part(const std::filesystem::path& target) : target_(target), path_(target) {
    path_ += ".part";
    struct stat mine {
    }, there{};
    do {  // another process may have given the file its final name between open() and flock()
      if (descriptor_ >= 0) ::close(descriptor_);
      descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
      if (descriptor_ < 0) fail("cannot be created");
      if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
        ::close(descriptor_);
        throw IoError(sentence(path_.string(), ": another process is downloading it; wait for it"));
      }
    } while (::fstat(descriptor_, &mine) != 0 || ::stat(path_.c_str(), &there) != 0 ||
             mine.st_ino != there.st_ino);
    size_ = mine.st_size;
  }
  ~Part() {
    if (size_ == 0) ::unlink(path_.c_str());  // nothing to resume, nothing to leave behind
    ::close(descriptor_);
  }
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;

  std::int64_t size() const { return size_; }

  void append(const char* bytes, std::size_t count) {
    while (count > 0) {
      const ssize_t written = ::pwrite(descriptor_, bytes, count, size_);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail("cannot be written");
      size_ += written;
      bytes += written;
      count -= static_cast<std::size_t>(written);
    }
  }
  void clear() {
    if (::ftruncate(descriptor_, 0) != 0) fail("cannot be written");
    size_ = 0;
  }
  bool has(std::string_view sha256) const { return sha256_of_file(path_) == sha256; }

  // Gives the complete bytes the target's name.
  void move_to_target() {
    if (::fsync(descriptor_) != 0) fail("cannot be written");
    if (::rename(path_.c_str(), target_.c_str()) != 0) fail("cannot be put in place");
  }

 private:
  [[noreturn]] void fail(const char* why) const {
    throw IoError(sentence(path_.string(), ": ", why, " (", std::strerror(errno), ")"));
  }

  std::filesystem::path target_, path_;
  int descriptor_ = -1;
  std::int64_t size_ = 0;
};

enum class Outcome { all_bytes, broken, refused, stopped };

// One file, its progress, and what the mirrors answered.
class Download {
 public:
  Download(const std::filesystem::path& target, std::int64_t size, const TransferProgress& progress,
           const FetchOptions& options)
      : part_(target),
        name_(target.filename().string()),
        size_(size),
        progress_(progress),
        options_(options) {
    if (part_.size() > size_) part_.clear();
    held_at_begin_ = part_.size();
  }

  Part& part() { return part_; }
  const std::string& why() const { return why_; }  // of the last attempt, when it failed

  bool stop() {
    if (!progress_) return false;
    const double rate =
        static_cast<double>(std::max<std::int64_t>(0, part_.size() - held_at_begin_)) /
        std::max(1e-9, seconds_since(begin_));
    return progress_({name_, part_.size(), size_, rate}) == Next::stop;
  }

  // Waits, asking ten times a second whether to stop; false when so.
  bool pause(double seconds) {
    const auto begin = Clock::now();
    while (seconds_since(begin) < seconds) {
      if (stop()) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return true;
  }

  Outcome attempt(const std::string& url);

 private:
  struct Answer {  // what the server has said in this attempt
    long status = 0;
    std::int64_t length = -1;  // Content-Length
    std::int64_t begin = -1;   // Content-Range: bytes <begin>-
    bool body = false;         // the body has begun
  };

  static std::size_t on_header(char* text, std::size_t, std::size_t count, void* self);
  static std::size_t on_body(char* bytes, std::size_t, std::size_t count, void* self);
  static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t);
  void read_header(std::string_view line);
  bool accept_body();
  Outcome refuse(std::string why);
  Outcome judge(CURLcode code, const char* curl_says);

  Part part_;
  std::string name_;
  std::int64_t size_, held_at_begin_ = 0;
  const TransferProgress& progress_;
  const FetchOptions& options_;
  Clock::time_point begin_ = Clock::now();

  Answer answer_;
  bool stopped_ = false, refused_ = false;
  std::exception_ptr error_;  // thrown in a callback, which libcurl must not see
  std::string why_;
};

Outcome Download::refuse(std::string why) {
  refused_ = true;
  why_ = std::move(why);
  return Outcome::refused;
}

void Download::read_header(std::string_view line) {
  const auto number_after = [&](std::string_view name) -> std::int64_t {
    if (line.size() < name.size()) return -1;
    for (std::size_t i = 0; i < name.size(); ++i) {
      const char c = line[i];
      if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != name[i]) return -1;
    }
    std::string_view rest = line.substr(name.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    if (rest.starts_with("bytes ")) rest.remove_prefix(6);
    std::int64_t number = -1;
    std::from_chars(rest.data(), rest.data() + rest.size(), number);
    return number;
  };
  if (line.starts_with("HTTP/")) {  // a new answer: after a redirection, or after "100 Continue"
    answer_ = {};
    const std::size_t space = std::min(line.find(' '), line.size());
    std::from_chars(line.data() + std::min(space + 1, line.size()), line.data() + line.size(),
                    answer_.status);
  }
  if (const auto n = number_after("content-length:"); n >= 0) answer_.length = n;
  if (const auto n = number_after("content-range:"); n >= 0) answer_.begin = n;
}

// Before the first byte of a body: is it what was asked for, and where does it begin?
bool Download::accept_body() {
  if (answer_.status == 200 && part_.size() > 0)
    part_.clear();  // it knows no ranges: from the start
  if (answer_.status == 206 && answer_.begin != part_.size()) {
    refuse("sends other bytes than were asked for");
    return false;
  }
  if (answer_.status != 200 && answer_.status != 206) return false;  // judged by its status
  if (answer_.length >= 0 && part_.size() + answer_.length != size_) {
    refuse(sentence("offers ", part_.size() + answer_.length, " bytes, the file has ", size_));
    return false;
  }
  return true;
}

std::size_t Download::on_header(char* text, std::size_t, std::size_t count, void* self) {
  static_cast<Download*>(self)->read_header({text, count});
  return count;
}

std::size_t Download::on_body(char* bytes, std::size_t, std::size_t count, void* self) {
  auto& d = *static_cast<Download*>(self);
  try {
    if (!std::exchange(d.answer_.body, true) && !d.accept_body()) return 0;
    if (static_cast<std::int64_t>(count) > d.size_ - d.part_.size()) {
      d.refuse(sentence("sends more bytes than the ", d.size_, " of the file"));
      d.part_.clear();
      return 0;
    }
    d.part_.append(bytes, count);
    return count;
  } catch (...) {
    d.error_ = std::current_exception();
    return 0;
  }
}

int Download::on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& d = *static_cast<Download*>(self);
  try {
    d.stopped_ = d.stop();
  } catch (...) {
    d.error_ = std::current_exception();
  }
  return d.stopped_ || d.error_ ? 1 : 0;
}

Outcome Download::attempt(const std::string& url) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  const std::unique_ptr<CURL, void (*)(CURL*)> owner(curl_easy_init(), curl_easy_cleanup);
  CURL* curl = owner.get();
  if (ready != CURLE_OK || curl == nullptr) throw IoError("libcurl cannot be started");

  answer_ = {};
  stopped_ = refused_ = false;
  why_.clear();
  char curl_says[CURL_ERROR_SIZE] = "";
  const std::string range = std::to_string(part_.size()) + "-";
  const char* protocols = options_.allow_loopback_http ? "https,http" : "https";

  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, protocols);
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, protocols);
  if (options_.allow_loopback_http) curl_easy_setopt(curl, CURLOPT_NOPROXY, "127.0.0.1");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 5L);
  curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);  // bodies of error pages are not ours
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "latlas");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(options_.connect_seconds * 1000));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME,
                   std::max(1L, static_cast<long>(options_.stall_seconds)));
  if (part_.size() > 0) curl_easy_setopt(curl, CURLOPT_RANGE, range.c_str());
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, curl_says);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &Download::on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Download::on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &Download::on_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, this);
  return judge(curl_easy_perform(curl), curl_says);
}

Outcome Download::judge(CURLcode code, const char* curl_says) {
  if (error_) std::rethrow_exception(error_);
  if (stopped_) return Outcome::stopped;
  if (refused_) return Outcome::refused;
  if (part_.size() == size_) return Outcome::all_bytes;

  if (code == CURLE_HTTP_RETURNED_ERROR) {
    // 416: the range is not there, so what we hold is not the beginning of this file.
    const bool from_start = answer_.status == 416 && part_.size() > 0;
    if (from_start) part_.clear();
    const bool passing =
        from_start || answer_.status == 408 || answer_.status == 429 || answer_.status >= 500;
    why_ = sentence("answers HTTP ", answer_.status);
    return passing ? Outcome::broken : Outcome::refused;
  }
  switch (code) {
    case CURLE_OK:
      why_ = sentence("ended after ", part_.size(), " of ", size_, " bytes");
      return Outcome::broken;
    case CURLE_UNSUPPORTED_PROTOCOL:
      why_ = "redirects to an address that is not HTTPS";
      return Outcome::refused;
    case CURLE_TOO_MANY_REDIRECTS:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_URL_MALFORMAT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
      why_ = *curl_says != '\0' ? curl_says : curl_easy_strerror(code);
      return Outcome::refused;
    default:  // cut, stalled; a mirror that never said a word gets no second chance
      why_ = *curl_says != '\0' ? curl_says : curl_easy_strerror(code);
      return answer_.status == 0 && code == CURLE_OPERATION_TIMEDOUT ? Outcome::refused
                                                                     : Outcome::broken;
  }
}

// All attempts at one mirror, until the part has the right bytes, the mirror gives up, or we do.
Outcome fetch_from(Download& download, const std::string& url, std::string_view sha256,
                   const FetchOptions& options, std::string& why) {
  double pause = options.pause_seconds;
  for (int attempt = 0; attempt < options.attempts; ++attempt) {
    if (attempt > 0 && !download.pause(std::exchange(pause, 2 * pause))) return Outcome::stopped;
    const bool resumed = download.part().size() > 0;
    const Outcome outcome = download.attempt(url);
    why = download.why();
    if (outcome == Outcome::stopped || outcome == Outcome::refused) return outcome;
    if (outcome == Outcome::broken) continue;
    if (download.part().has(sha256)) return Outcome::all_bytes;
    // A wrong beginning may have come from elsewhere; only a whole file speaks against the mirror.
    download.part().clear();
    why = "serves bytes with another SHA-256 than the file's";
    if (!resumed) return Outcome::refused;
  }
  return Outcome::broken;
}

bool is_in_place(const std::filesystem::path& target, std::int64_t size, std::string_view sha256) {
  std::error_code error;
  return std::filesystem::is_regular_file(target, error) &&
         static_cast<std::int64_t>(std::filesystem::file_size(target, error)) == size && !error &&
         sha256_of_file(target) == sha256;
}

void make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  if (!folder.empty()) std::filesystem::create_directories(folder, error);
  if (error)
    throw IoError(sentence(folder.string(), ": cannot be created (", error.message(), ")"));
}

}  // namespace

Fetched fetch_file(std::span<const std::string> urls, const std::filesystem::path& target,
                   std::int64_t size, std::string_view sha256, const TransferProgress& progress,
                   const FetchOptions& options) {
  require(!urls.empty(), "fetch ", target.filename().string(), ": no address to fetch it from");
  for (const std::string& url : urls)
    require(url.starts_with("https://") || (options.allow_loopback_http && is_loopback_http(url)),
            "fetch ", target.filename().string(), ": ", url, " is not an https:// address");
  require(size >= 1 && sha256.size() == 64, "fetch ", target.filename().string(),
          ": needs the file's size in bytes and its SHA-256 in 64 digits");
  require(options.attempts >= 1, "fetch: attempts is ", options.attempts,
          ", it must be at least 1");
  if (is_in_place(target, size, sha256)) return Fetched::complete;

  make_folder(target.parent_path());
  Download download(target, size, progress, options);
  bool complete = false;
  if (download.part().size() == size) {  // stopped just before it was put in place
    complete = download.part().has(sha256);
    if (!complete) download.part().clear();
  }
  std::string tried;
  for (auto url = urls.begin(); !complete && url != urls.end(); ++url) {
    std::string why;
    const Outcome outcome = fetch_from(download, *url, sha256, options, why);
    if (outcome == Outcome::stopped) return Fetched::stopped;
    complete = outcome == Outcome::all_bytes;
    tried += (tried.empty() ? "" : "; ") + *url + " " + why;
  }
  if (!complete)
    throw IoError(sentence(target.string(), ": could not be downloaded (", tried,
                           "); check the network and try again, or put the file there yourself"));
  download.part().move_to_target();
  download.stop();  // the last report: all bytes; too late to stop
  return Fetched::complete;
}

Fetched fetch_dataset(std::string_view name, const std::filesystem::path& folder,
                      const TransferProgress& progress, const FetchOptions& options) {
  for (const KnownFile& file : known_dataset(name).files)
    if (fetch_file(file.urls, folder / file.name, file.size, file.sha256, progress, options) ==
        Fetched::stopped)
      return Fetched::stopped;
  return Fetched::complete;
}

}  // namespace latlas
