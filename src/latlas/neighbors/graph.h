// Graphs that come from elsewhere: checked before they are used, read from files and written to.
//
// A graph file is .safetensors with two tensors of n rows and k columns:
//
//   index      I64 or I32   the k nearest rows of every row, counted from 0; never the row itself
//   distance   F32   (or F64) their distances, ascending in each row
//
// Such arrays are what openTSNE, umap-learn (precomputed_knn), faiss and scikit-learn's
// kneighbors() hand out; in Python safetensors.numpy.save_file({"index": …, "distance": …}, path)
// writes them. Saved by numpy.save, one .npy each, they are read as well.
#pragma once

#include <filesystem>
#include <string_view>

#include "latlas/core/file.h"
#include "latlas/core/npy.h"
#include "latlas/neighbors/neighbors.h"

namespace latlas {

/// Throws InvalidArgument, beginning with `what`, unless both parts are n × k and every row holds k
/// different rows, none of them itself, with distances that are finite, not negative and ascending.
/// The sentence names the first such row and the place in it. Equal distances may come in any
/// order.
void require_graph(const Neighbors& graph, std::string_view what);

/// The same for lists of the neighbors that other rows have among n: m × k, and row i may list i.
void require_lists(const Neighbors& lists, std::int64_t n, std::string_view what);

/// Reads a graph from the bytes of a graph file. `what` (a path) begins every sentence.
/// @throws IoError          for bytes that are no safetensors file, lack a tensor, or hold another
///                          type or shape.
/// @throws InvalidArgument  as require_graph does.
Neighbors parse_graph(Bytes bytes, std::string_view what);
Neighbors read_graph(const std::filesystem::path& path);

/// Reads a graph from two .npy arrays, n × k each: whole numbers (i4, i8 or u4) and distances.
/// @param what  begins every sentence about the index, `distance_what` those about the distances.
/// @throws IoError          for another type or shape.
/// @throws InvalidArgument  as require_graph does.
Neighbors parse_graph(const npy::Array& index, std::string_view what, const npy::Array& distance,
                      std::string_view distance_what);
Neighbors read_graph(const std::filesystem::path& index, const std::filesystem::path& distance);

/// Writes the file whole or not at all.
/// @param metric  what the distances are by, kept in the metadata; empty: not told.
void write_graph(const std::filesystem::path& path, const Neighbors& graph,
                 const std::string& metric = "");
/// What the distances of such a file are by; empty where it does not tell.
std::string graph_metric(const std::filesystem::path& path);

}  // namespace latlas
