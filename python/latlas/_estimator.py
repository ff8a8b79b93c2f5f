"""What the estimators share: their way of taking rows, seeds and threads, and of being kept."""

import json
import os
import sys
import tempfile
import warnings
from typing import Union

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from latlas import _core, _safetensors
from latlas._arrays import dense, unwrapped
from latlas._parameters import check_of_namesakes, refuse_unknown
from latlas._threads import threads_of

FORMAT = "latlas estimator 2"
_WRAPPERS = {"latlas", "sklearn", "joblib"}  # set_output and pipelines stand between a call and ours


def _warn(sentence):
    """Warns at the user's line: the first outside of this package and of what wraps its methods."""
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] in _WRAPPERS:
        frame, level = frame.f_back, level + 1
    warnings.warn(sentence, UserWarning, stacklevel=level)


class Estimator(BaseEstimator):
    """Parameters by keyword, fitted attributes with a trailing underscore, as in scikit-learn."""

    _sparse = False     # whether sparse matrices are taken (as arrays)
    _bytes = False      # whether uint8 stays uint8
    _least_rows = 1
    _of_namesakes = {}  # parameters that change nothing → the values they may have

    def set_params(self, **params):
        """Sets parameters by name, as in scikit-learn; ValueError for a name that is none."""
        refuse_unknown(type(self).__name__, params, self._get_param_names())
        return super().set_params(**params)

    def _types(self, X):
        """The number types that rows keep; others become the first."""
        if not self._bytes:
            return [np.float32]
        columns = getattr(X, "dtypes", None)  # of a data frame
        kinds = [getattr(X, "dtype", None)] if columns is None else list(columns)
        pixels = len(kinds) > 0 and all(str(kind).lower() == "uint8" for kind in kinds)
        return [np.uint8 if pixels else np.float32]

    def _is_ready_made(self, X, reset):
        """Whether X is an array as the core wants it that scikit-learn's checks would hand on as it
        is. They take a fifth of a millisecond, a tenth of some fits."""
        if (type(X) is not np.ndarray or X.ndim != 2 or X.dtype not in self._types(X)
                or not X.flags.c_contiguous or hasattr(self, "feature_names_in_")):
            return False
        rows, cols = X.shape
        if reset:
            return rows >= self._least_rows and cols >= 1
        return rows >= 1 and cols == getattr(self, "n_features_in_", -1)

    def _rows(self, X, reset=False):
        """X as row-major float32 (or what _types says), checked as scikit-learn does; finite or not
        is the core's check. `reset`: a fit begins."""
        if reset:
            check_of_namesakes(self)
        if self._is_ready_made(X, reset):
            self.n_features_in_ = X.shape[1]
            return X
        X = unwrapped(X, "X")
        with np.errstate(over="ignore"):
            X = validate_data(
                self, X, reset=reset, dtype=self._types(X), order="C",
                accept_sparse=("csr", "csc", "coo", "bsr", "lil", "dok", "dia") if self._sparse
                else False, ensure_all_finite=False,
                ensure_min_samples=self._least_rows if reset else 1)
        return dense(X, "X", X.dtype) if hasattr(X, "toarray") else X

    def _seed(self):
        """random_state as a seed: None is 0, since the same input gives the same bytes here; from a
        RandomState or Generator one is drawn."""
        state = getattr(self, "random_state", None)
        if state is None:
            return 0
        if isinstance(state, (int, np.integer)) and not isinstance(state, bool):
            if state < 0:
                raise ValueError(f"random_state is {state}, it must be at least 0")
            return int(state)
        if isinstance(state, np.random.Generator):
            return int(state.integers(2**31 - 1))
        try:
            return int(check_random_state(state).randint(2**31 - 1))
        except ValueError:
            raise ValueError(f"random_state is {state!r}, it must be a whole number of at least 0, a "
                             f"RandomState or Generator of NumPy, or None") from None

    def _made_once(self, name, of, make):
        """make(*of), which serves every batch of new rows: made on first use, after loading, and
        when `of` is no longer the same."""
        ready = vars(self).setdefault("_ready", {})
        known = ready.get(name)
        if known is None or any(a is not b and not (isinstance(a, dict) and a == b)
                                for a, b in zip(known[0], of)):
            known = ready[name] = (of, make(*of, self._threads()))
        return known[1]

    def _threads(self):
        return threads_of(getattr(self, "n_jobs", None))

    def _note(self, notes):
        for note in notes:
            _warn(f"{type(self).__name__}: {note}")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self._sparse
        return tags

    # --- keeping: parameters and fitted attributes as one safetensors file, in pickles too ---------

    def _to_bytes(self):
        state, tensors, others = {}, {}, {}
        for name, value in vars(self).items():
            if name == "_ready":  # made again from the others
                continue
            try:
                state[name] = _encode(value, name, tensors)
            except TypeError:
                others[name] = value
        text = json.dumps(state)
        return _safetensors.to_bytes(
            tensors, {"format": FORMAT, "class": type(self).__name__, "state": text}), others

    def _from_bytes(self, data, what):
        tensors, metadata = _safetensors.parse(data, what)
        if metadata.get("format") != FORMAT or metadata.get("class") != type(self).__name__:
            raise OSError(f"{what}: holds no {type(self).__name__} of this format "
                          f"(found {metadata.get('class')!r}, {metadata.get('format')!r})")
        try:
            state = json.loads(metadata["state"])
            vars(self).update({name: _decode(v, tensors) for name, v in state.items()})
        except (AttributeError, KeyError, OverflowError, RecursionError, TypeError,
                ValueError) as error:
            raise OSError(f"{what}: its state is damaged ({error})") from None

    def __getstate__(self):
        data, others = self._to_bytes()
        return {"latlas": data, "others": others}  # others: parameters that are no plain values

    def __setstate__(self, state):
        vars(self).update(vars(type(self)()))  # parameters that an earlier version did not know
        self._from_bytes(state["latlas"], "pickle")
        vars(self).update(state["others"])

    def save(self, path):
        """Writes the estimator, parameters and fitted attributes, as a safetensors file; whole or
        not at all. Nothing in such a file can run. latlas.load(path) reads it."""
        data, others = self._to_bytes()
        if others:
            raise self._unwritable(*next(iter(others.items())))
        write_whole(path, data)

    def _unwritable(self, name, value):
        return ValueError(f"{type(self).__name__}: {name} is {value!r}, which cannot be written; set it "
                          f"to a plain value first")


class Transformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Estimator):
    """An estimator that turns rows into other rows; these are float32, whatever went in."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags


def load(path: Union[str, "os.PathLike[str]"]) -> "Estimator":
    """The estimator that `save` wrote to that path, or the autoencoder that a run of the program
    left as model.safetensors."""
    import latlas

    with open(path, "rb") as file:
        data = file.read()
    _, metadata = _safetensors.parse(data, str(path))
    if metadata.get("format") == "latlas autoencoder":
        return latlas.Autoencoder._of_model_file(data, metadata, str(path))
    known = ("Autoencoder", "NearestNeighbors", "PCA", "TSNE", "UMAP")
    if metadata.get("format") != FORMAT or metadata.get("class") not in known:
        raise OSError(f"{path}: is no estimator of latlas (its format is "
                      f"{metadata.get('format')!r}, expected {FORMAT!r})")
    estimator = getattr(latlas, metadata["class"])()  # parameters that the file does not know: defaults
    estimator._from_bytes(data, str(path))
    return estimator


def write_whole(path, data):
    """Writes a file aside, then puts it in its place."""
    path = os.fspath(path)
    handle, aside = tempfile.mkstemp(dir=os.path.dirname(path) or ".", prefix=".latlas-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(aside, 0o666 & ~mask)
        os.replace(aside, path)
    except BaseException:
        os.unlink(aside)
        raise


def _encode(value, name, tensors):
    """A value as JSON, its arrays as tensors; TypeError for kinds that are not listed here."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (float, np.floating)):
        return {"float": float(value).hex()}
    if isinstance(value, (np.bool_, np.integer)):
        return value.item()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "OU":
            if not all(isinstance(v, str) for v in value.ravel()) or value.ndim != 1:
                raise TypeError(name)
            return {"texts": [str(v) for v in value]}
        if value.dtype not in _safetensors.NAMES:
            raise TypeError(name)
        tensors[name] = value
        return {"tensor": name}
    if isinstance(value, _core.Model):
        tensors[name] = np.frombuffer(value.to_bytes({}), np.uint8)
        return {"model": name}
    if isinstance(value, (list, tuple)):
        items = [_encode(v, f"{name}.{i}", tensors) for i, v in enumerate(value)]
        return items if isinstance(value, list) else {"tuple": items}
    if isinstance(value, dict) and all(isinstance(k, str) for k in value):
        return {"dict": {k: _encode(v, f"{name}.{k}", tensors) for k, v in value.items()}}
    raise TypeError(name)


def _decode(value, tensors):
    if isinstance(value, list):
        return [_decode(v, tensors) for v in value]
    if not isinstance(value, dict):
        return value
    (kind, content), = value.items()
    if kind == "float":
        return float.fromhex(content)
    if kind == "texts":
        return np.array(content, dtype=object)
    if kind == "tensor":
        return tensors[content]
    if kind == "model":
        return _core.model_from_bytes(tensors[content].tobytes(), content)
    if kind == "tuple":
        return tuple(_decode(v, tensors) for v in content)
    if kind == "dict":
        return {k: _decode(v, tensors) for k, v in content.items()}
    raise ValueError(f"unknown kind {kind!r}")


__all__ = ["Estimator", "Transformer", "check_is_fitted", "load"]
