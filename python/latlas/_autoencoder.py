"""The autoencoder, by scikit-learn's manners and Keras's names."""

import json

import numpy as np

from latlas import _core
from latlas._arrays import as_float_rows
from latlas._estimator import Transformer, _decode, _encode, check_is_fitted, write_whole
from latlas._parameters import given, with_parameters
from latlas._progress import Reporter


@with_parameters(
    own={
        "latent": (32, "numbers a row is compressed to; more lose less"),
        "hidden": ((), "widths between input and latent, e.g. (512, 128); the decoder mirrors them"),
        "activation": ("relu", "of hidden layers"),
        "latent_activation": ("relu", "of the latent"),
        "output_activation": ("auto", "'auto': sigmoid where the loss is binary_crossentropy, else "
                                      "linear"),
        "loss": ("auto", "binary_crossentropy, mean_squared_error, or 'auto': the first where all "
                         "values lie in [0, 1]"),
        "epochs": (50, "passes over the data; more fit closer"),
        "batch_size": (256, "rows a step; larger steps are fewer and smoother"),
    },
    structs={"autoencoder": {}, "training": {}},
    fixed={"seed"},
    last={"verbose": (0, "1 shows progress"),
          "random_state": (None, "a seed; None is 0: the same input gives the same model"),
          "n_jobs": (None, "threads; None or -1: as many as there are"),
          "callback": (None, "called with a Report some times a second and after every epoch; True "
                             "ends training")})
class Autoencoder(Transformer):
    """A network that compresses a row into a few numbers, its latent, and restores it from them.

    fit trains it by Adam on the rows themselves; transform encodes, inverse_transform decodes,
    score is the negative loss. Rows of uint8 are pixels and read as value / 255, without becoming
    floats. Attributes: history_ (loss, val_loss, seconds: one number an epoch), loss_,
    output_activation_, n_parameters_.
    """

    _bytes = True
    # What the fitted rows were: "pixels" (uint8), "fractions", of which bytes are 255ths too, or
    # "numbers"; a model that does not tell is of fractions.
    _values = "fractions"

    def fit(self, X, y=None, *, validation_data=None):
        """Trains. validation_data: rows (or, as in Keras, a pair that begins with them) whose loss
        is taken after every epoch; y is ignored."""
        X = self._rows(X, reset=True)
        values = _values_of(X)
        held_back = self._validation(validation_data, X, values)
        seed = self._seed()
        self.loss_ = self._chosen_loss(values)
        self.output_activation_ = self.output_activation if self.output_activation != "auto" else \
            ("sigmoid" if self.loss_ == "binary_crossentropy" else "linear")
        hidden = [self.hidden] if isinstance(self.hidden, (int, np.integer)) else list(self.hidden)
        model = _core.Model(X.shape[1], given(
            self, "autoencoder", seed=seed, hidden=hidden,
            output_activation=self.output_activation_))
        with Reporter(self.verbose, self.callback) as report:
            history = model.train(X, held_back, given(self, "training", seed=seed, loss=self.loss_),
                                  report.hear, self._threads())
        self._set_model(model)
        self._values = values
        self.history_ = {"loss": [h[1] for h in history]}
        if len(held_back):
            self.history_["val_loss"] = [h[2] for h in history]
        self.history_["seconds"] = [h[3] for h in history]
        self.n_iter_ = len(history)
        return self

    def _set_model(self, model):
        self._model = model
        self.n_parameters_ = model.parameters
        self._n_features_out = model.latent

    def _validation(self, data, X, values):
        if data is None:
            return np.zeros((0, X.shape[1]), np.float32)
        if isinstance(data, (tuple, list)) and len(data) == 2 and np.ndim(data[0]) == 2:
            data = data[0]
        return self._rows(data, values=values)

    def _rows(self, X, reset=False, values=None):
        X = super()._rows(X, reset)
        values = values or self._values
        if reset:
            return X
        if values == "numbers" and X.dtype == np.uint8:
            X = X.astype(np.float32)  # the same numbers that it was fitted on, as whole ones
        elif values == "pixels" and X.dtype != np.uint8 and X.max(initial=0) > 1:
            self._note([f"it was fitted on pixels (uint8, read as value / 255), and X has other "
                        f"numbers, up to {X.max():.4g}; divide them by 255, or give uint8"])
        return X

    def _chosen_loss(self, values):
        if self.loss != "auto":
            return self.loss
        return "mean_squared_error" if values == "numbers" else "binary_crossentropy"

    def transform(self, X):
        """Rows → latents, n × latent."""
        check_is_fitted(self)
        return self._model.encode(self._rows(X), self._threads())

    def inverse_transform(self, X):
        """Latents → rows."""
        check_is_fitted(self)
        return self._model.decode(as_float_rows(X, "X"), self._threads())

    def reconstruct(self, X):
        """Rows → latents → rows, without keeping the latents."""
        check_is_fitted(self)
        return self._model.reconstruct(self._rows(X), self._threads())

    def score(self, X, y=None):
        """The negative loss of the rows: larger is better."""
        check_is_fitted(self)
        return -self._model.loss(self._rows(X), self.loss_, self._threads())

    def summary(self):
        """A table of the layers: kind, activation, output, parameters."""
        check_is_fitted(self)
        return self._model.summary()

    # --- files: a model is kept in the program's own format ------------------------------------------

    def save(self, path):
        """Writes the model as the program does (safetensors: weights by layer, the layers and this
        estimator's parameters in the metadata). latlas.load(path) reads it, and so does the program."""
        check_is_fitted(self)
        about = {"params": {k: self._encoded(k, v) for k, v in self.get_params().items()
                            if k != "callback"},
                 "history": self.history_, "features": self.n_features_in_, "values": self._values}
        write_whole(path, self._model.to_bytes({"loss": self.loss_, "python": json.dumps(about)}))

    def _encoded(self, name, value):
        try:
            return _encode(value.tolist() if isinstance(value, np.ndarray) else value, name, None)
        except TypeError:
            raise self._unwritable(name, value) from None

    @classmethod
    def _of_model_file(cls, data, metadata, what):
        model = _core.model_from_bytes(data, what)
        try:
            about = json.loads(metadata.get("python", "{}"))
            params = {k: _decode(v, {}) for k, v in about.get("params", {}).items()}
            self = cls(**{k: v for k, v in params.items() if k in cls()._get_param_names()})
            self.history_ = about.get("history", {})
            self.n_iter_ = len(self.history_.get("loss", []))
            self._values = str(about.get("values", cls._values))
        except (AttributeError, KeyError, OverflowError, RecursionError, TypeError,
                ValueError) as error:
            raise OSError(f"{what}: its parameters are damaged ({error})") from None
        self.loss_ = metadata.get("loss", "mean_squared_error")
        self.n_features_in_ = model.inputs
        self.latent = model.latent
        layers = [layer.split() for layer in metadata["layers"].split(";")]
        self.output_activation_ = layers[-1][-1]
        self._set_model(model)
        return self

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_model")


def _values_of(X):
    if X.dtype == np.uint8:
        return "pixels"
    return "fractions" if X.min() >= 0 and X.max() <= 1 else "numbers"
