#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/map.h>

#include <sstream>

#include "latlas/nn/autoencoder.h"
#include "latlas/nn/train.h"
#include "module/convert.h"
#include "module/host.h"

// Its vector of owners claims to be copyable, and is not.
template <>
struct nanobind::detail::is_copy_constructible<latlas::Autoencoder> : std::false_type {};

namespace latlas::python {
namespace {

// Rows of numbers, taken as they are, or of bytes, read as value / 255; with the array that owns
// them.
class Rows {
 public:
  explicit Rows(nb::handle array) {
    if (nb::isinstance<RowsIn<std::uint8_t>>(array)) {
      bytes_ = nb::cast<RowsIn<std::uint8_t>>(array);
      samples_ = Samples(view(bytes_));
    } else {
      floats_ = nb::cast<FloatsIn>(array);
      samples_ = Samples(view(floats_));
    }
  }
  const Samples& samples() const { return samples_; }

 private:
  RowsIn<std::uint8_t> bytes_;
  FloatsIn floats_;
  Samples samples_;
};

nb::bytes bytes_of(const std::string& text) { return nb::bytes(text.data(), text.size()); }

}  // namespace

void bind_model(nb::module_& m) {
  nb::class_<Autoencoder>(m, "Model", "An autoencoder: its layers and their weights.")
      .def(
          "__init__",
          [](Autoencoder* self, std::int64_t inputs, nb::dict given) {
            const auto params = params_from<AutoencoderParams>(given, "autoencoder");
            new (self) Autoencoder(make_autoencoder(inputs, params));
          },
          nb::arg("inputs"), nb::arg("params"), "With random weights.")
      .def_prop_ro("inputs", &Autoencoder::inputs)
      .def_prop_ro("latent", &Autoencoder::latent)
      .def_prop_ro("parameters", &Autoencoder::parameters)
      .def("summary", [](const Autoencoder& model) { return summary(model); })
      .def(
          "train",
          [](Autoencoder& model, nb::object data, nb::object validation, nb::dict given,
             nb::object callback, int threads) {
            const auto params = params_from<TrainParams>(given, "training");
            const Rows rows(data), held_back(validation);
            const History history = Host(callback, threads).run([&](const Progress& progress) {
              return train(model, rows.samples(), held_back.samples(), params, progress);
            });
            nb::list out;
            for (const Epoch& e : history)
              out.append(nb::make_tuple(e.epoch, e.loss, e.val_loss, e.seconds));
            return out;
          },
          nb::arg("data"), nb::arg("validation"), nb::arg("params"),
          nb::arg("callback").none() = nb::none(), nb::arg("threads") = 0,
          "Trains in place; a list of (epoch, loss, val_loss, seconds).")
      .def(
          "encode",
          [](const Autoencoder& model, nb::object data, int threads) {
            const Rows rows(data);
            return array_of(Host(nb::none(), threads).run([&](const Progress&) {
              return encode(model, rows.samples());
            }));
          },
          nb::arg("data"), nb::arg("threads") = 0)
      .def(
          "decode",
          [](const Autoencoder& model, FloatsIn latents, int threads) {
            return array_of(Host(nb::none(), threads).run([&](const Progress&) {
              return decode(model, view(latents));
            }));
          },
          nb::arg("latents"), nb::arg("threads") = 0)
      .def(
          "reconstruct",
          [](const Autoencoder& model, nb::object data, int threads) {
            const Rows rows(data);
            return array_of(Host(nb::none(), threads).run([&](const Progress&) {
              return reconstruct(model, rows.samples());
            }));
          },
          nb::arg("data"), nb::arg("threads") = 0)
      .def(
          "loss",
          [](const Autoencoder& model, nb::object data, const std::string& loss, int threads) {
            const Rows rows(data);
            return Host(nb::none(), threads).run([&](const Progress&) {
              return evaluate_loss(model, rows.samples(), loss);
            });
          },
          nb::arg("data"), nb::arg("loss"), nb::arg("threads") = 0)
      .def(
          "to_bytes",
          [](const Autoencoder& model, const std::map<std::string, std::string>& more) {
            return bytes_of(model_bytes(model, more));
          },
          nb::arg("more"), "The safetensors file, as bytes.")
      .def(
          "write",
          [](const Autoencoder& model, const std::filesystem::path& path,
             const std::map<std::string, std::string>& more) { write_model(path, model, more); },
          nb::arg("path"), nb::arg("more"));
  m.def(
      "model_from_bytes",
      [](nb::bytes bytes, const std::string& what) {
        return parse_model({static_cast<const std::byte*>(bytes.data()), bytes.size()}, what);
      },
      nb::arg("bytes"), nb::arg("what"));
}

}  // namespace latlas::python
