// The file: safetensors (core/safetensors.h).
//
//   metadata   format "latlas t-SNE checkpoint 3"; data, parameters, notes (a line each): texts
//   progress   F64, 1 × 10   iteration, last, exaggerated, exaggerating, converged, widest spacing;
//                            the watch: seen, rising, before, slow
//   trace      F64, t × 2    iteration, KL
//   order      I64, n
//   places     F32, n × c
//   motion     F32, 2c × n
#include "latlas/layout/checkpoint.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>

#include "latlas/core/error.h"
#include "latlas/core/safetensors.h"

namespace latlas {
namespace {

constexpr const char* kFormat = "latlas t-SNE checkpoint 3";
// The first knew its data by SHA-256, the second another default spacing of the field.
constexpr const char* kFormerFormats[] = {"latlas t-SNE checkpoint 1", "latlas t-SNE checkpoint 2"};
constexpr std::int64_t kProgress = 10;
constexpr std::int64_t kMostIterations = 1'000'000;
constexpr std::int64_t kMostRows = 2'147'483'647;

/// Reads one file's tensors; `what` begins every sentence.
class StateReader {
 public:
  StateReader(const safetensors::Contents& contents, std::string_view what)
      : contents_(contents), what_(what) {}

  TsneState read() const {
    if (std::ranges::find(kFormerFormats, text("format")) != std::end(kFormerFormats))
      fail("is a checkpoint of an earlier version of latlas; begin the fit anew");
    if (text("format") != kFormat) fail("is no checkpoint of a t-SNE fit that this version reads");
    TsneState s;
    s.data = text("data");
    s.parameters = text("parameters");
    s.notes = lines(text("notes"));
    read_progress(s);
    read_rows(s);
    const auto trace = safetensors::to_doubles(tensor("trace"), what_);
    if (trace.rows() > 0 && trace.cols() != 2) fail("has a trace of ", trace.cols(), " columns");
    for (std::int64_t i = 0; i < trace.rows(); ++i)
      s.trace.push_back({whole(trace(i, 0), 0, s.iteration, "an iteration of its trace"),
                         finite(trace(i, 1), "a divergence of its trace")});
    return s;
  }

 private:
  template <class... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    throw IoError(sentence(what_, ": ", parts...));
  }
  const safetensors::Tensor& tensor(std::string_view name) const {
    return safetensors::find(contents_, name, what_);
  }
  std::string text(const char* key) const {
    const auto found = contents_.metadata.find(key);
    return found == contents_.metadata.end() ? std::string() : found->second;
  }
  static std::vector<std::string> lines(const std::string& text) {
    std::vector<std::string> out;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      out.push_back(text.substr(at, end - at));
      at = end + 1;
    }
    return out;
  }
  double finite(double x, const char* name) const {
    if (!std::isfinite(x)) fail(name, " is not finite");
    return x;
  }
  std::int64_t whole(double x, std::int64_t low, std::int64_t high, const char* name) const {
    if (!(x >= static_cast<double>(low) && x <= static_cast<double>(high)) || x != std::floor(x))
      fail(name, " is no whole number from ", low, " to ", high);
    return static_cast<std::int64_t>(x);
  }

  void read_progress(TsneState& s) const {
    const auto p = safetensors::to_doubles(tensor("progress"), what_);
    if (p.rows() != 1 || p.cols() != kProgress) fail("has a progress of another shape");
    s.last = whole(p(0, 1), 1, kMostIterations, "its last iteration");
    s.iteration = whole(p(0, 0), 0, s.last, "its iteration");
    s.exaggerated = whole(p(0, 2), 0, s.iteration, "its exaggerated iterations");
    s.exaggerating = whole(p(0, 3), 0, 1, "whether it exaggerates") == 1;
    s.converged = whole(p(0, 4), 0, 1, "whether it converged") == 1;
    s.widest_spacing = finite(p(0, 5), "its spacing");
    s.watch = {whole(p(0, 6), 0, 1, "its watch") == 1, whole(p(0, 7), 0, 1, "its watch") == 1,
               finite(p(0, 8), "its watch"), whole(p(0, 9), 0, kMostIterations, "its watch")};
  }

  void read_rows(TsneState& s) const {
    s.places = safetensors::to_matrix(tensor("places"), what_);
    s.motion = safetensors::to_matrix(tensor("motion"), what_);
    const std::int64_t n = s.places.rows(), columns = s.places.cols();
    if (n < 2 || n > kMostRows || columns < 1 || columns > 3)
      fail("its map is ", n, " × ", columns);
    if (s.motion.rows() != 2 * columns || s.motion.cols() != n)
      fail("its motion is ", s.motion.rows(), " × ", s.motion.cols(), ", expected ", 2 * columns,
           " × ", n);
    for (const Matrix* m : {&s.places, &s.motion})
      for (std::int64_t i = 0; i < m->rows() * m->cols(); ++i)
        if (!std::isfinite(m->data()[i])) fail("its map or motion holds NaN or infinity");
    for (std::int64_t c = columns; c < 2 * columns; ++c)
      for (const float gain : s.motion[c])
        if (!(gain > 0)) fail("its motion has a gain that is not above 0");

    const safetensors::Tensor& order = tensor("order");
    if (order.type != safetensors::Type::i64 || order.shape != std::vector<std::int64_t>{n})
      fail("its order is not a list of ", n, " I64");
    std::vector<std::int64_t> wide(static_cast<std::size_t>(n));
    std::memcpy(wide.data(), order.values.data(), order.values.size());
    std::vector<bool> seen(wide.size());
    s.order.resize(wide.size());
    for (std::size_t i = 0; i < wide.size(); ++i) {
      if (wide[i] < 0 || wide[i] >= n || seen[static_cast<std::size_t>(wide[i])])
        fail("its order is no permutation of its rows");
      seen[static_cast<std::size_t>(wide[i])] = true;
      s.order[i] = static_cast<std::int32_t>(wide[i]);
    }
  }

  const safetensors::Contents& contents_;
  std::string_view what_;
};

}  // namespace

void write_state(const std::filesystem::path& path, const TsneState& s) {
  const auto number = [](auto x) { return static_cast<double>(x); };
  BasicMatrix<double> progress(1, kProgress);
  const double values[kProgress] = {
      number(s.iteration), number(s.last),       number(s.exaggerated), number(s.exaggerating),
      number(s.converged), s.widest_spacing,     number(s.watch.seen),  number(s.watch.rising),
      s.watch.before,      number(s.watch.slow),
  };
  std::copy_n(values, kProgress, progress.row(0));
  BasicMatrix<double> trace(std::ssize(s.trace), 2);
  for (std::int64_t i = 0; i < trace.rows(); ++i) {
    const TsneTrace& t = s.trace[static_cast<std::size_t>(i)];
    trace(i, 0) = number(t.iteration);
    trace(i, 1) = t.kl;
  }
  const std::vector<std::int64_t> order(s.order.begin(), s.order.end());
  std::string notes;
  for (const auto& note : s.notes) notes += note + '\n';
  safetensors::write(
      path,
      {safetensors::tensor_of("progress", progress.view()),
       safetensors::tensor_of("trace", trace.view()),
       {"order", safetensors::Type::i64, {std::ssize(order)}, std::as_bytes(std::span(order))},
       safetensors::tensor_of("places", s.places.view()),
       safetensors::tensor_of("motion", s.motion.view())},
      {{"format", kFormat}, {"data", s.data}, {"parameters", s.parameters}, {"notes", notes}});
}

TsneState parse_tsne_state(Bytes bytes, std::string_view what) {
  const safetensors::Contents contents = safetensors::parse(bytes, what);
  return StateReader(contents, what).read();
}

TsneState read_tsne_state(const std::filesystem::path& path) {
  const MappedFile file(path);
  return parse_tsne_state(file.bytes(), path.string());
}

}  // namespace latlas
