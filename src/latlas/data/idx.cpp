#include "latlas/data/idx.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <span>

#include "latlas/core/error.h"
#include "latlas/core/parallel.h"
#include "latlas/data/gzip.h"

namespace latlas::idx {
namespace {

constexpr int kImages = 3, kLabels = 1;  // dimensions, which tell the two kinds of file apart

std::string_view kind(int dimensions) { return dimensions == kImages ? "images" : "labels"; }

// Reads plain or gzipped bytes in order.
class Source {
 public:
  Source(Bytes bytes, std::string_view what) : bytes_(bytes), rest_(bytes) {
    if (is_gzip(bytes)) gzip_ = std::make_unique<GzipReader>(bytes, what);
  }

  /// Fills `out` as far as the bytes reach; returns how many that were.
  std::size_t read(std::span<std::byte> out) {
    if (gzip_) return gzip_->read(out);
    const std::size_t n = std::min(out.size(), rest_.size());
    std::copy_n(rest_.data(), n, out.data());
    rest_ = rest_.subspan(n);
    return n;
  }

  bool gzipped() const { return gzip_ != nullptr; }
  std::size_t size() const { return bytes_.size(); }  // as stored
  std::size_t rest() const { return rest_.size(); }   // of plain bytes

 private:
  Bytes bytes_, rest_;
  std::unique_ptr<GzipReader> gzip_;
};

struct Header {
  std::array<std::uint32_t, 3> shape = {1, 1, 1};
  std::uint64_t promised = 0;  // bytes after the header
};

class Reader {
 public:
  Reader(Bytes bytes, std::string_view what, int dimensions)
      : bytes_(bytes), what_(what), dimensions_(dimensions), source_(bytes, what) {}

  Header header() {
    if (bytes_.empty()) fail("is empty; expected IDX ", kind(dimensions_));
    std::array<std::byte, 4 + 4 * 3> raw{};
    const std::size_t size = 4 + 4 * static_cast<std::size_t>(dimensions_);
    const std::size_t held = source_.read(std::span(raw).first(size));
    check_magic(std::span(raw).first(std::min<std::size_t>(held, 4)));
    if (held < size) fail("is truncated within its header; fetch it again");

    Header h;
    for (int d = 0; d < dimensions_; ++d) {
      std::uint32_t extent = 0;
      for (int b = 0; b < 4; ++b)
        extent =
            extent << 8 | static_cast<std::uint32_t>(raw[static_cast<std::size_t>(4 + 4 * d + b)]);
      h.shape[static_cast<std::size_t>(d)] = extent;
    }
    if (h.shape[0] == 0) fail("holds no ", kind(dimensions_), "; at least one is needed");
    if (h.shape[1] == 0 || h.shape[2] == 0)
      fail("has images of ", h.shape[1], " × ", h.shape[2], " pixels; at least 1 × 1 is needed");

    // The product of three 32-bit numbers, cut off where no memory could follow.
    const std::uint64_t pixels = std::uint64_t{h.shape[1]} * h.shape[2];
    constexpr std::uint64_t kMost = std::uint64_t{1} << 48;
    h.promised = pixels > kMost / h.shape[0] ? kMost : h.shape[0] * pixels;
    return h;
  }

  // Holds the header's promise against the bytes, before memory is asked for. Gzip tells its true
  // length only by inflating: a promise that is unlikely is counted first, without keeping a byte.
  void check_promise(const Header& h) {
    if (!source_.gzipped()) {
      if (source_.rest() < h.promised) truncated(h);
      if (source_.rest() > h.promised) oversized(h);
      return;
    }
    if (h.promised > most_inflated(source_.size())) truncated(h);
    constexpr std::uint64_t kLikelyRatio = 16;  // MNIST's images have 5
    if (h.promised / kLikelyRatio > source_.size()) count(h);
  }

  // The promised bytes, all of them and no more.
  void body(const Header& h, std::span<std::byte> out) {
    if (source_.read(out) < out.size()) truncated(h);
    std::byte beyond{};
    if (source_.read({&beyond, 1}) > 0) oversized(h);
  }

 private:
  template <class... Why>
  [[noreturn]] void fail(const Why&... why) const {
    throw IoError(sentence(what_, ": ", why...));
  }
  [[noreturn]] void truncated(const Header& h) const {
    fail("is truncated: its header promises ", shape(h), ", which is more than the file holds; ",
         "fetch it again");
  }
  [[noreturn]] void oversized(const Header& h) const {
    fail("holds more bytes than the ", shape(h), " that its header promises; fetch it again");
  }
  std::string shape(const Header& h) const {
    return dimensions_ == kImages
               ? sentence(h.shape[0], " images of ", h.shape[1], " × ", h.shape[2], " pixels")
               : sentence(h.shape[0], " labels");
  }

  void check_magic(std::span<const std::byte> found) const {
    const auto begins_with = [&](int last) {
      const std::array<std::byte, 4> magic = {std::byte{0}, std::byte{0}, std::byte{8},
                                              static_cast<std::byte>(last)};
      return std::equal(found.begin(), found.end(), magic.begin());
    };
    if (begins_with(dimensions_)) return;
    const int other = kImages + kLabels - dimensions_;
    if (found.size() == 4 && begins_with(other))
      fail("holds ", kind(other), " where ", kind(dimensions_),
           " are expected; are two files swapped?");
    fail("is not an IDX file of ", kind(dimensions_), " (expected the bytes 00 00 08 0",
         dimensions_, " at its beginning, plain or gzipped)");
  }

  void count(const Header& h) const {
    Source again(bytes_, what_);
    std::array<std::byte, 65536> scratch;
    const std::uint64_t header = 4 + 4 * static_cast<std::uint64_t>(dimensions_);
    std::uint64_t held = 0;
    while (held <= header + h.promised) {
      const std::size_t n = again.read(scratch);
      held += n;
      if (n < scratch.size()) break;
    }
    if (held < header + h.promised) truncated(h);
    if (held > header + h.promised) oversized(h);
  }

  Bytes bytes_;
  std::string_view what_;
  int dimensions_;
  Source source_;
};

constexpr std::array<std::string_view, 4> kNames = {
    "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte"};

// The file of that name in the folder, in one of its four spellings; empty when there is none.
std::filesystem::path find_file(const std::filesystem::path& folder, std::string_view name) {
  std::string dotted(name);
  dotted[name.find("-idx")] = '.';
  for (const std::string& spelling : {std::string(name), dotted})
    for (const char* ending : {"", ".gz"}) {
      std::error_code error;
      auto path = folder / (spelling + ending);
      if (std::filesystem::is_regular_file(path, error)) return path;
    }
  return {};
}

}  // namespace

Images parse_images(Bytes bytes, std::string_view what) {
  Reader reader(bytes, what, kImages);
  const Header header = reader.header();
  reader.check_promise(header);
  Images images{{}, header.shape[1], header.shape[2]};
  images.pixels = ByteMatrix(header.shape[0], images.height * images.width);
  reader.body(header, std::as_writable_bytes(std::span(
                          images.pixels.data(), static_cast<std::size_t>(images.pixels.size()))));
  return images;
}

std::vector<std::uint8_t> parse_labels(Bytes bytes, std::string_view what) {
  Reader reader(bytes, what, kLabels);
  const Header header = reader.header();
  reader.check_promise(header);
  std::vector<std::uint8_t> labels(header.shape[0]);
  reader.body(header, std::as_writable_bytes(std::span(labels)));
  return labels;
}

Images read_images(const std::filesystem::path& path) {
  return parse_images(MappedFile(path).bytes(), path.string());
}

std::vector<std::uint8_t> read_labels(const std::filesystem::path& path) {
  return parse_labels(MappedFile(path).bytes(), path.string());
}

std::optional<Files> find_files(const std::filesystem::path& folder) {
  Files files{find_file(folder, kNames[0]), find_file(folder, kNames[1]),
              find_file(folder, kNames[2]), find_file(folder, kNames[3])};
  if (files.train_images.empty() || files.train_labels.empty() || files.test_images.empty() ||
      files.test_labels.empty())
    return std::nullopt;
  return files;
}

}  // namespace latlas::idx

namespace latlas {
namespace {

idx::Files require_files(const std::filesystem::path& folder) {
  if (const auto files = idx::find_files(folder)) return *files;
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error))
    throw IoError(sentence(folder.string(), ": is not a folder; expected one with the four IDX ",
                           "files of a dataset"));
  std::string missing;
  for (const auto name : idx::kNames)
    if (idx::find_file(folder, name).empty())
      missing += (missing.empty() ? "" : ", ") + std::string(name);
  throw IoError(sentence(folder.string(), ": lacks ", missing, " (each with or without .gz); put ",
                         "the four IDX files of a dataset there"));
}

void require_one_label_an_image(const std::filesystem::path& images, std::int64_t image_count,
                                const std::filesystem::path& labels, std::size_t label_count) {
  if (image_count != static_cast<std::int64_t>(label_count))
    throw IoError(sentence(images.string(), ": holds ", image_count, " images, but ",
                           labels.string(), " holds ", label_count,
                           " labels; are they of one dataset?"));
}

std::vector<std::string> numbered_classes(const Dataset& d) {
  const auto highest = std::max(*std::max_element(d.train_labels.begin(), d.train_labels.end()),
                                *std::max_element(d.test_labels.begin(), d.test_labels.end()));
  std::vector<std::string> names;
  for (int c = 0; c <= highest; ++c) names.push_back(std::to_string(c));
  return names;
}

}  // namespace

Dataset read_idx_folder(const std::filesystem::path& folder) {
  const idx::Files files = require_files(folder);

  // The training images take most of the time; the other three files fill a second thread.
  idx::Images train, test;
  Dataset d;
  parallel_for(4, 1, [&](std::int64_t i, std::int64_t) {
    if (i == 0) train = idx::read_images(files.train_images);
    if (i == 1) test = idx::read_images(files.test_images);
    if (i == 2) d.train_labels = idx::read_labels(files.train_labels);
    if (i == 3) d.test_labels = idx::read_labels(files.test_labels);
  });

  require_one_label_an_image(files.train_images, train.pixels.rows(), files.train_labels,
                             d.train_labels.size());
  require_one_label_an_image(files.test_images, test.pixels.rows(), files.test_labels,
                             d.test_labels.size());
  if (train.height != test.height || train.width != test.width)
    throw IoError(sentence(files.train_images.string(), ": has images of ", train.height, " × ",
                           train.width, " pixels, but ", files.test_images.string(), " of ",
                           test.height, " × ", test.width, "; are they of one dataset?"));

  d.name = (folder / "").parent_path().filename().string();
  d.train = std::move(train.pixels);
  d.test = std::move(test.pixels);
  d.height = train.height;
  d.width = train.width;
  d.class_names = numbered_classes(d);
  d.source = "IDX files in " + folder.string();
  return d;
}

}  // namespace latlas
