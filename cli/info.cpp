// latlas info: what a file or a run holds.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>

#include "cli/commands.h"
#include "latlas/core/error.h"
#include "latlas/core/file.h"
#include "latlas/core/npy.h"
#include "latlas/core/safetensors.h"
#include "latlas/data/idx.h"
#include "latlas/layout/checkpoint.h"
#include "latlas/nn/autoencoder.h"
#include "latlas/runs/run_directory.h"

namespace latlas::cli {
namespace {

using Rows = std::vector<std::pair<std::string, std::string>>;

void describe_array(const std::string& path, Console& console) {
  const npy::File file = npy::open(path);
  const npy::Array& a = file.array;
  const Matrix values = npy::to_matrix(a);
  double low = INFINITY, high = -INFINITY, sum = 0;
  std::int64_t strange = 0;
  for (std::int64_t i = 0; i < values.size(); ++i) {
    const float x = values.data()[i];
    if (!std::isfinite(x)) {
      ++strange;
      continue;
    }
    low = std::min<double>(low, x);
    high = std::max<double>(high, x);
    sum += x;
  }
  const std::int64_t counted = values.size() - strange;
  Rows rows = {
      {"shape", a.dimensions == 1 ? fmt::format("{}", count_text(a.rows))
                                  : fmt::format("{} × {}", count_text(a.rows), count_text(a.cols))},
      {"values", fmt::format("{}, {}{}", npy::name(a.type),
                             bytes_text(static_cast<std::int64_t>(a.values.size())),
                             a.fortran_order ? ", Fortran order" : "")}};
  if (counted > 0)
    rows.emplace_back("range", fmt::format("{:g} … {:g}, mean {:g}", low, high,
                                           sum / static_cast<double>(counted)));
  if (strange > 0)
    rows.emplace_back("not finite",
                      fmt::format("{} values are NaN or infinite", count_text(strange)));
  console.facts(path, rows);
}

// How far a fit has come, if that is what the tensors hold.
void describe_checkpoint(const std::string& path, const safetensors::Contents& contents, Rows& rows,
                         Console& console) {
  const auto format = contents.metadata.find("format");
  if (format == contents.metadata.end() || !format->second.starts_with("latlas t-SNE checkpoint"))
    return;
  try {
    const TsneState state = read_tsne_state(path);
    rows.emplace_back("iterations", fmt::format("{} of at most {}", count_text(state.iteration),
                                                count_text(state.last)));
    if (!state.trace.empty())
      rows.emplace_back("KL", fmt::format("{:.3f}, at iteration {}", state.trace.back().kl,
                                          state.trace.back().iteration));
  } catch (const IoError& e) {
    // Of another version, or harmed: the tensors can be told all the same.
    console.note(e.what());
  }
}

void describe_tensors(const std::string& path, Console& console) {
  const safetensors::File file = safetensors::open(path);
  Rows rows;
  for (const auto& tensor : file.contents.tensors) {
    std::string shape;
    for (const auto n : tensor.shape) shape += (shape.empty() ? "" : " × ") + count_text(n);
    rows.emplace_back(tensor.name, fmt::format("{} {}", safetensors::name(tensor.type), shape));
  }
  for (const auto& [key, value] : file.contents.metadata) rows.emplace_back(key, value);
  describe_checkpoint(path, file.contents, rows, console);
  console.facts(path, rows);
  if (console.json()) return;
  std::string text;
  try {
    text = summary(read_model(path));
  } catch (const std::exception&) {
    return;  // tensors of something else
  }
  console.print("\n" + text + "\n");
}

// Files of tensors have any name: a length of eight bytes, then JSON.
bool holds_tensors(const std::string& path) {
  const MappedFile file(path);
  return file.bytes().size() > 8 && file.bytes()[8] == std::byte{'{'};
}

void describe_run(const std::string& path, Console& console) {
  RunDirectory run(path, false);
  for (const auto& note : run.take_notes()) console.note(note);
  Rows rows;
  for (const char* fact : {"recipe", "data", "seed", "latlas", "simd", "processor", "started"})
    if (!run.fact(fact).empty()) rows.emplace_back(fact, run.fact(fact));
  for (const auto& [name, stage] : run.stages())
    rows.emplace_back(name, seconds_text(stage.seconds));
  console.table(path, rows);
  console.print(run.metrics().json());
}

void describe(const std::string& path, Console& console) {
  if (std::filesystem::is_directory(path)) {
    require(std::filesystem::exists(std::filesystem::path(path) / "manifest.json"), path,
            ": is no run of latlas (it has no manifest.json)");
    return describe_run(path, console);
  }
  if (path.ends_with(".npy")) return describe_array(path, console);
  if (path.ends_with(".safetensors")) return describe_tensors(path, console);
  if (path.find("idx3") != std::string::npos) {
    const idx::Images images = idx::read_images(path);
    return console.facts(path,
                         {{"images", fmt::format("{} of {} × {}", count_text(images.pixels.rows()),
                                                 images.height, images.width)}});
  }
  if (path.find("idx1") != std::string::npos)
    return console.facts(
        path, {{"labels", count_text(static_cast<std::int64_t>(idx::read_labels(path).size()))}});
  if (holds_tensors(path)) return describe_tensors(path, console);
  throw InvalidArgument(sentence(path,
                                 ": is of no kind that latlas knows (.npy, .safetensors, IDX, "
                                 "or a run's folder)"));
}

}  // namespace

Action add_info(CLI::App& program, Common& common) {
  auto paths = std::make_shared<std::vector<std::string>>();
  CLI::App* command = add_command(program, common, "info", "Say what a file or a run holds",
                                  "  latlas info map.npy model.safetensors\n"
                                  "  latlas info runs/mnist");
  command->add_option("files", *paths, ".npy, .safetensors, IDX files, or a run's folder")
      ->type_name("");
  return [paths, &common] {
    require(!paths->empty(), "latlas info: name a file, e.g. latlas info map.npy");
    Console console(common.verbosity);
    for (const auto& path : *paths) {
      if (!std::filesystem::exists(path)) throw IoError(sentence(path, ": does not exist"));
      describe(path, console);
    }
  };
}

}  // namespace latlas::cli
