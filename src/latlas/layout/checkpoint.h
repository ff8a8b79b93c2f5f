// Checkpoints: a t-SNE fit under way, from which it goes on to the same bits.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "latlas/core/file.h"
#include "latlas/core/matrix.h"
#include "latlas/layout/tsne.h"

namespace latlas {

/// What the rule that ends a phase remembers of the divergence.
struct WatchState {
  bool seen = false, rising = false;
  double before = 0;
  std::int64_t slow = 0;
};

/// Everything that the loop of tsne() needs to go on, between two iterations.
struct TsneState {
  std::string data;        ///< Fingerprint of affinities, start and anchors.
  std::string parameters;  ///< "perplexity 30; exaggeration 12; …"

  std::int64_t iteration = 0;  ///< Done.
  std::int64_t last = 0;       ///< The fit ends after that many.
  std::int64_t exaggerated = 0;
  bool exaggerating = false, converged = false;
  WatchState watch;
  double widest_spacing = 0;  ///< Of the field so far.

  std::vector<std::int32_t> order;  ///< n: the caller's row at each place; a permutation.
  Matrix places;                    ///< n × columns of the map, in that order.
  Matrix motion;                    ///< 2 · columns × n, in that order: velocities, then gains.
  std::vector<TsneTrace> trace;
  std::vector<std::string> notes;
};

/// As safetensors; the file appears whole or not at all.
void write_state(const std::filesystem::path& path, const TsneState& state);

/// @throws IoError  when the file cannot be read, or is no such state: another format, tensors that
/// are missing, of another type or of shapes that do not fit each other, values that are not
/// finite, an order that is no permutation, numbers outside their range. That it belongs to the
/// data and the parameters of a fit is for tsne() to check.
TsneState read_tsne_state(const std::filesystem::path& path);
/// The same from bytes; `what` (a path) begins the sentence.
TsneState parse_tsne_state(Bytes bytes, std::string_view what);

}  // namespace latlas
