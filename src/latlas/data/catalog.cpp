#include "latlas/data/catalog.h"

#include <algorithm>
#include <cstdlib>

#include "latlas/core/error.h"
#include "latlas/core/params.h"
#include "latlas/data/idx.h"

namespace latlas {
namespace {

struct Published {
  const char* name;
  std::int64_t size;
  const char* sha256;
};

// Every mirror is a folder that holds the files under their own names.
std::vector<KnownFile> at(const std::vector<std::string>& mirrors,
                          const std::vector<Published>& published) {
  std::vector<KnownFile> files;
  for (const Published& p : published) {
    KnownFile file{p.name, p.size, p.sha256, {}};
    for (const std::string& mirror : mirrors) file.urls.push_back(mirror + p.name);
    files.push_back(std::move(file));
  }
  return files;
}

// Two mirrors for each dataset; what they serve is held against the SHA-256. The authors' own
// address of MNIST no longer serves its files, that of Fashion-MNIST has no HTTPS.
std::vector<KnownDataset> catalog() {
  return {
      {.name = "mnist",
       .description = "Handwritten digits of NIST's employees and of high school students",
       .license = "CC BY-SA 3.0",
       .citation =
           "LeCun, Y., Bottou, L., Bengio, Y., & Haffner, P. (1998). Gradient-based learning "
           "applied to document recognition. Proceedings of the IEEE, 86(11), 2278–2324.",
       .homepage = "http://yann.lecun.com/exdb/mnist/",
       .train_rows = 60000,
       .test_rows = 10000,
       .height = 28,
       .width = 28,
       .class_names = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
       .files = at({"https://ossci-datasets.s3.amazonaws.com/mnist/",
                    "https://storage.googleapis.com/cvdf-datasets/mnist/"},
                   {{"train-images-idx3-ubyte.gz", 9912422,
                     "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"},
                    {"train-labels-idx1-ubyte.gz", 28881,
                     "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"},
                    {"t10k-images-idx3-ubyte.gz", 1648877,
                     "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"},
                    {"t10k-labels-idx1-ubyte.gz", 4542,
                     "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"}})},
      {.name = "fashion-mnist",
       .description = "Zalando's photographs of clothes and shoes, a harder MNIST",
       .license = "MIT",
       .citation =
           "Xiao, H., Rasul, K., & Vollgraf, R. (2017). Fashion-MNIST: a novel image dataset "
           "for benchmarking machine learning algorithms. arXiv:1708.07747.",
       .homepage = "https://github.com/zalandoresearch/fashion-mnist",
       .train_rows = 60000,
       .test_rows = 10000,
       .height = 28,
       .width = 28,
       .class_names = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt",
                       "Sneaker", "Bag", "Ankle boot"},
       .files = at({"https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/"
                    "fashion/",
                    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"},
                   {{"train-images-idx3-ubyte.gz", 26421880,
                     "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"},
                    {"train-labels-idx1-ubyte.gz", 29515,
                     "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"},
                    {"t10k-images-idx3-ubyte.gz", 4422102,
                     "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"},
                    {"t10k-labels-idx1-ubyte.gz", 5148,
                     "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"}})},
      {.name = "kmnist",
       .description = "Kuzushiji-MNIST: ten hiragana in cursive script from classical books",
       .license = "CC BY-SA 4.0",
       .citation = "Clanuwat, T., Bober-Irizar, M., Kitamoto, A., Lamb, A., Yamamoto, K., & Ha, D. "
                   "(2018). Deep learning for classical Japanese literature. arXiv:1812.01718.",
       .homepage = "https://codh.rois.ac.jp/kmnist/",
       .train_rows = 60000,
       .test_rows = 10000,
       .height = 28,
       .width = 28,
       .class_names = {"お", "き", "す", "つ", "な", "は", "ま", "や", "れ", "を"},
       .files = at({"https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
                    "https://huggingface.co/datasets/tanganke/kmnist/resolve/"
                    "756d43e894032ce8838db8b32e7500c9c3b5d050/raw/"},
                   {{"train-images-idx3-ubyte.gz", 18165135,
                     "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4"},
                    {"train-labels-idx1-ubyte.gz", 29497,
                     "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"},
                    {"t10k-images-idx3-ubyte.gz", 3041136,
                     "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5"},
                    {"t10k-labels-idx1-ubyte.gz", 5120,
                     "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"}})}};
}

std::optional<std::filesystem::path> environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

// Folders in which datasets lie, in the order in which they are looked through.
std::vector<std::filesystem::path> roots() {
  std::vector<std::filesystem::path> out;
  if (const auto data = environment("LATLAS_DATA")) out.push_back(*data);
  if (const auto cache = environment("XDG_CACHE_HOME")) {
    out.push_back(*cache / "latlas");
  } else if (const auto home = environment("HOME")) {
    out.push_back(*home / ".cache" / "latlas");
  }
  return out;
}

// The files must be those of the catalog in everything that a reader can tell without hashing.
void require_as_cataloged(const Dataset& d, const KnownDataset& known,
                          const std::filesystem::path& folder) {
  const auto fail = [&](const auto&... why) {
    throw IoError(sentence(folder.string(), ": ", why..., "; `latlas datasets fetch ", known.name,
                           "` brings the original files"));
  };
  if (d.train.rows() != known.train_rows || d.test.rows() != known.test_rows)
    fail("holds ", d.train.rows(), " + ", d.test.rows(), " images, ", known.name, " has ",
         known.train_rows, " + ", known.test_rows);
  if (d.height != known.height || d.width != known.width)
    fail("has images of ", d.height, " × ", d.width, " pixels, those of ", known.name, " have ",
         known.height, " × ", known.width);
  if (d.class_names.size() > known.class_names.size())
    fail("has labels up to ", d.class_names.size() - 1, ", ", known.name, " has ",
         known.class_names.size(), " classes");
}

}  // namespace

std::int64_t KnownDataset::size() const {
  std::int64_t sum = 0;
  for (const KnownFile& file : files) sum += file.size;
  return sum;
}

const std::vector<KnownDataset>& known_datasets() {
  static const std::vector<KnownDataset> datasets = catalog();
  return datasets;
}

const KnownDataset& known_dataset(std::string_view name) {
  std::vector<std::string> names;
  for (const KnownDataset& d : known_datasets()) {
    if (d.name == name) return d;
    names.push_back(d.name);
  }
  const std::string near = nearest_name(name, names);
  std::string list;
  for (const auto& n : names) list += (list.empty() ? "" : ", ") + n;
  throw InvalidArgument(
      near.empty() ? sentence("dataset '", name, "' is unknown; known are ", list)
                   : sentence("dataset '", name, "' is unknown; did you mean '", near, "'?"));
}

std::filesystem::path dataset_folder(std::string_view name) {
  const auto candidates = roots();
  if (candidates.empty())
    throw IoError("no folder for datasets: set LATLAS_DATA, XDG_CACHE_HOME or HOME to one");
  return candidates.front() / name;
}

std::optional<std::filesystem::path> find_dataset(std::string_view name) {
  for (const auto& root : roots())
    if (idx::find_files(root / name)) return root / name;
  return std::nullopt;
}

Dataset load_dataset(std::string_view name) {
  const KnownDataset& known = known_dataset(name);
  const auto folder = find_dataset(known.name);
  if (!folder) {
    std::string places;
    for (const auto& root : roots())
      places += (places.empty() ? "" : " and ") + (root / known.name).string();
    throw IoError(sentence("dataset ", known.name, " is not on this machine",
                           places.empty() ? "" : " (looked into " + places + ")",
                           "; `latlas datasets fetch ", known.name, "` brings it"));
  }
  Dataset d = read_idx_folder(*folder);
  require_as_cataloged(d, known, *folder);
  d.name = known.name;
  d.class_names = known.class_names;
  return d;
}

}  // namespace latlas
