#include "latlas/nn/autoencoder.h"

#include <algorithm>
#include <sstream>

#include "latlas/core/error.h"
#include "latlas/core/parallel.h"
#include "latlas/core/safetensors.h"
#include "latlas/nn/model_file.h"

namespace latlas {
namespace {

constexpr std::int64_t kTileRows = 64;  // rows that pass through the layers together

// Rows through layers [begin, end): a tile of rows at a time, in two buffers that take turns.
Matrix pass(const Autoencoder& model, std::size_t begin, std::size_t end, const Samples& rows,
            const char* what) {
  const std::int64_t inputs = model.layers[begin]->inputs();
  require(rows.cols() == inputs, what, ": rows have ", rows.cols(), " values, the model takes ",
          inputs);
  rows.require_valid(false, what);
  std::int64_t widest = inputs;
  for (std::size_t l = begin; l < end; ++l) widest = std::max(widest, model.layers[l]->outputs());

  Matrix out(rows.rows(), model.layers[end - 1]->outputs());
  const auto team = static_cast<std::size_t>(threads());
  std::vector<Matrix> buffers(2 * team);
  for (Matrix& buffer : buffers) buffer = Matrix(kTileRows, padded(widest));
  parallel_for_worker(
      rows.rows(), kTileRows, [&](std::int64_t first, std::int64_t last, int worker) {
        const std::int64_t n = last - first;
        const auto buffer = [&](std::size_t turn, std::int64_t cols) {
          Matrix& b = buffers[2 * static_cast<std::size_t>(worker) + turn % 2];
          return Rows(b.data(), n, cols, b.cols());
        };
        Rows x = buffer(0, inputs);
        for (std::int64_t i = 0; i < n; ++i) rows.copy_row(first + i, x.row(i));
        for (std::size_t l = begin; l < end; ++l) {
          const bool is_last = l + 1 == end;
          const Rows y =
              is_last ? out.rows(first, last) : buffer(l - begin + 1, model.layers[l]->outputs());
          model.layers[l]->forward(x, y);
          x = y;
        }
      });
  return out;
}

std::string place(const Autoencoder& model, std::size_t layer) {
  return layer < model.encoder_layers ? sentence("encoder.", layer)
                                      : sentence("decoder.", layer - model.encoder_layers);
}

std::string with_commas(std::int64_t n) {
  std::string text = std::to_string(n);
  for (auto at = static_cast<std::int64_t>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), ",");
  return text;
}

// A layer from its line of text, "dense 784 32 relu". It must not have more than `most` parameters:
// nothing is allocated on a file's word alone.
std::unique_ptr<Layer> layer_from(const std::string& text, std::int64_t most,
                                  std::string_view what) {
  std::istringstream words(text);
  std::string kind, activation, rest;
  std::int64_t inputs = 0, outputs = 0;
  words >> kind >> inputs >> outputs >> activation;
  if (!words || (words >> rest) || kind != "dense" || inputs < 1 || outputs < 1 ||
      inputs > kWidest || outputs > kWidest)
    throw IoError(sentence(what, ": '", text, "' is no layer that latlas knows"));
  if ((inputs + 1) * outputs > most)
    throw IoError(sentence(what, ": the layer '", text, "' has ", (inputs + 1) * outputs,
                           " parameters, the file has room for ", most));
  try {
    return dense(inputs, outputs, activation_named(activation, what));
  } catch (const InvalidArgument& error) {
    throw IoError(error.what());
  }
}

}  // namespace

std::vector<Field> fields(AutoencoderParams& p) {
  const auto widest = static_cast<double>(kWidest);
  return {{"hidden", &p.hidden, "widths between input and latent; more and wider layers fit closer",
           1, widest},
          {"latent", &p.latent, "numbers a row is compressed to; more lose less", 1, widest},
          {.name = "activation",
           .value = &p.activation,
           .help = "of hidden layers",
           .choices = activation_names()},
          {.name = "latent_activation",
           .value = &p.latent_activation,
           .help = "of the latent",
           .choices = activation_names()},
          {.name = "output_activation",
           .value = &p.output_activation,
           .help = "of the restored row; sigmoid for values between 0 and 1",
           .choices = activation_names()},
          {.name = "seed", .value = &p.seed, .help = "of the initial weights"}};
}

std::int64_t Autoencoder::parameters() const {
  std::int64_t sum = 0;
  for (const auto& layer : layers) sum += layer->parameters();
  return sum;
}

Autoencoder copy_of(const Autoencoder& model) {
  Autoencoder copy;
  copy.encoder_layers = model.encoder_layers;
  for (const auto& layer : model.layers) copy.layers.push_back(layer->copy());
  return copy;
}

Autoencoder make_autoencoder(std::int64_t inputs, const AutoencoderParams& params) {
  AutoencoderParams p = params;
  check(fields(p), "autoencoder");
  require(inputs >= 1 && inputs <= kWidest, "autoencoder: ", inputs,
          " inputs; it takes between 1 and ", kWidest);
  const auto named = [](const std::string& text) { return activation_named(text, "autoencoder"); };

  std::vector<std::int64_t> widths = p.hidden;  // of the encoder's outputs
  widths.push_back(p.latent);
  Autoencoder model;
  model.encoder_layers = widths.size();
  std::int64_t before = inputs;
  for (std::size_t l = 0; l < widths.size(); ++l) {
    const bool last = l + 1 == widths.size();
    model.layers.push_back(
        dense(before, widths[l], named(last ? p.latent_activation : p.activation)));
    before = widths[l];
  }
  for (std::size_t l = widths.size(); l-- > 0;) {
    const std::int64_t width = l == 0 ? inputs : widths[l - 1];
    model.layers.push_back(
        dense(before, width, named(l == 0 ? p.output_activation : p.activation)));
    before = width;
  }
  for (std::size_t l = 0; l < model.layers.size(); ++l)
    model.layers[l]->initialize(p.seed, static_cast<std::uint32_t>(l));
  return model;
}

Matrix encode(const Autoencoder& model, const Samples& rows) {
  return pass(model, 0, model.encoder_layers, rows, "encode");
}
Matrix decode(const Autoencoder& model, ConstRows latents) {
  return pass(model, model.encoder_layers, model.layers.size(), latents, "decode");
}
Matrix reconstruct(const Autoencoder& model, const Samples& rows) {
  return pass(model, 0, model.layers.size(), rows, "reconstruct");
}

std::string summary(const Autoencoder& model) {
  const std::vector<std::string> head = {"layer", "kind", "activation", "output", "parameters"};
  std::vector<std::vector<std::string>> table = {
      head, {"input", "", "", with_commas(model.inputs()), ""}};
  for (std::size_t l = 0; l < model.layers.size(); ++l) {
    const Layer& layer = *model.layers[l];
    table.push_back({place(model, l), std::string(layer.kind()),
                     std::string(name(layer.activation())), with_commas(layer.outputs()),
                     with_commas(layer.parameters())});
  }
  table.push_back({"total", "", "", "", with_commas(model.parameters())});

  std::vector<std::size_t> widths(head.size(), 0);
  for (const auto& row : table)
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  std::string out;
  for (std::size_t r = 0; r < table.size(); ++r) {
    for (std::size_t c = 0; c < head.size(); ++c) {
      const std::string space(widths[c] - table[r][c].size(), ' ');
      const bool number = c >= 3;
      out += number ? space + table[r][c] : table[r][c] + space;
      if (c + 1 < head.size()) out += "  ";
    }
    out += '\n';
  }
  return out;
}

// --- files (model_file.h) ----------------------------------------------------------------------

std::string describe(const Autoencoder& model) {
  std::string out;
  for (const auto& layer : model.layers)
    out += sentence(out.empty() ? "" : "; ", layer->kind(), ' ', layer->inputs(), ' ',
                    layer->outputs(), ' ', name(layer->activation()));
  return out;
}

void add_blocks(const Autoencoder& model, const std::string& prefix,
                const std::vector<const Matrix*>& blocks, TensorList& list) {
  for (std::size_t l = 0; l < model.layers.size(); ++l) {
    Matrix block = copy_of(*blocks[l]);
    for (const Part& part : model.layers[l]->parts(block)) {
      list.values.push_back(copy_of(ConstRows(part.values)));
      list.tensors.push_back(safetensors::tensor_of(prefix + place(model, l) + "." + part.name,
                                                    list.values.back().view()));
      // A vector is written as one, as other programs expect.
      if (part.values.rows() == 1) list.tensors.back().shape = {part.values.cols()};
    }
  }
}

void read_blocks(const safetensors::Contents& contents, const Autoencoder& model,
                 const std::string& prefix, std::vector<Matrix>& blocks, std::string_view what) {
  blocks.clear();
  for (std::size_t l = 0; l < model.layers.size(); ++l) {
    const Matrix& weights = model.layers[l]->weights();
    Matrix block(weights.rows(), weights.cols());
    for (const Part& part : model.layers[l]->parts(block)) {
      const std::string tensor = prefix + place(model, l) + "." + part.name;
      const Matrix values = safetensors::to_matrix(safetensors::find(contents, tensor, what), what);
      if (values.rows() != part.values.rows() || values.cols() != part.values.cols())
        throw IoError(sentence(what, ": ", tensor, " is ", values.rows(), " × ", values.cols(),
                               ", its layer needs ", part.values.rows(), " × ",
                               part.values.cols()));
      for (std::int64_t i = 0; i < values.rows(); ++i) {
        const auto row = values[i];
        if (!std::all_of(row.begin(), row.end(), [](float x) { return x - x == 0; }))
          throw IoError(sentence(what, ": ", tensor, " holds NaN or infinity in row ", i));
        std::copy(row.begin(), row.end(), part.values.row(i));
      }
    }
    blocks.push_back(std::move(block));
  }
}

namespace {

TensorList weights_of(const Autoencoder& model) {
  TensorList list;
  std::vector<const Matrix*> blocks;
  for (const auto& layer : model.layers) blocks.push_back(&layer->weights());
  add_blocks(model, "", blocks, list);
  return list;
}

std::map<std::string, std::string> metadata_of(const Autoencoder& model,
                                               std::map<std::string, std::string> more) {
  more["format"] = "latlas autoencoder";
  more["layers"] = describe(model);
  more["encoder_layers"] = std::to_string(model.encoder_layers);
  return more;
}

}  // namespace

void write_model(const std::filesystem::path& path, const Autoencoder& model,
                 const std::map<std::string, std::string>& more) {
  safetensors::write(path, weights_of(model).tensors, metadata_of(model, more));
}

std::string model_bytes(const Autoencoder& model, const std::map<std::string, std::string>& more) {
  const TensorList list = weights_of(model);
  std::string out = safetensors::header_of(list.tensors, metadata_of(model, more));
  for (const safetensors::Tensor& t : list.tensors)
    out.append(reinterpret_cast<const char*>(t.values.data()), t.values.size());
  return out;
}

Autoencoder read_model(const std::filesystem::path& path) {
  return parse_model(MappedFile(path).bytes(), path.string());
}

Autoencoder parse_model(Bytes bytes, std::string_view what) {
  const safetensors::Contents contents = safetensors::parse(bytes, what);
  const auto& metadata = contents.metadata;
  const auto entry = [&](const char* key) {
    const auto found = metadata.find(key);
    if (found == metadata.end())
      throw IoError(sentence(what, ": is no latlas model: its metadata lack '", key, "'"));
    return found->second;
  };
  if (entry("format") != "latlas autoencoder")
    throw IoError(sentence(what, ": is no latlas model: its format is '", entry("format"),
                           "', expected 'latlas autoencoder'"));

  Autoencoder model;
  const auto most = static_cast<std::int64_t>(bytes.size() / sizeof(float));
  std::istringstream text(entry("layers"));
  for (std::string layer; std::getline(text, layer, ';');) {
    model.layers.push_back(layer_from(layer, most, what));
    const std::size_t n = model.layers.size();
    if (n > 1 && model.layers[n - 2]->outputs() != model.layers[n - 1]->inputs())
      throw IoError(sentence(what, ": layer ", n - 1, " takes ", model.layers[n - 1]->inputs(),
                             " numbers, the one before it gives ", model.layers[n - 2]->outputs()));
  }
  std::istringstream(entry("encoder_layers")) >> model.encoder_layers;
  if (model.encoder_layers < 1 || model.encoder_layers >= model.layers.size())
    throw IoError(sentence(what, ": has ", model.layers.size(), " layers, of which '",
                           entry("encoder_layers"), "' are said to encode"));
  std::vector<Matrix> blocks;
  read_blocks(contents, model, "", blocks, what);
  for (std::size_t l = 0; l < blocks.size(); ++l) model.layers[l]->weights() = std::move(blocks[l]);
  return model;
}

}  // namespace latlas
