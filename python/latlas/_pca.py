"""PCA, by scikit-learn's names."""

import numpy as np

from latlas import _core
from latlas._arrays import as_float_rows
from latlas._estimator import Transformer, check_is_fitted
from latlas._parameters import with_parameters


@with_parameters(
    own={"n_components": (None, "directions kept: their number, a share of the variance below 1 "
                                "that they are to explain, or None for all"),
         "whiten": (False, "whether coordinates are scaled to variance 1"),
         "n_jobs": (None, "threads; None or -1: as many as there are")},
    only={"copy": (True, False), "svd_solver": ("auto", "full", "covariance_eigh", "arpack",
                                                "randomized"),
          "tol": (0.0, ...), "iterated_power": ("auto", ...), "n_oversamples": (10, ...),
          "power_iteration_normalizer": ("auto", ...), "random_state": (None, ...)})
class PCA(Transformer):
    """Principal component analysis: the directions in which the rows vary most.

    Names and attributes are those of sklearn.decomposition.PCA: components_, explained_variance_,
    explained_variance_ratio_, singular_values_, mean_, n_components_, n_samples_, noise_variance_.
    The decomposition is exact, summed in double precision; coordinates are float32. What chooses
    among scikit-learn's solvers (svd_solver, random_state, copy, tol, …) is taken and has no effect.
    """

    _sparse = True
    _least_rows = 2

    def fit(self, X, y=None):
        """Finds the directions."""
        self._fit(self._rows(X, reset=True))
        return self

    def fit_transform(self, X, y=None):
        """Finds the directions and gives the rows' coordinates in them, n × n_components_."""
        X = self._rows(X, reset=True)
        self._fit(X)
        return self._coordinates(X)

    def _fit(self, X):
        most, wanted = min(X.shape), self.n_components
        share = isinstance(wanted, (float, np.floating))
        if share and not 0 < wanted < 1:
            raise ValueError(f"n_components is {wanted}; a share must lie between 0 and 1, a number "
                             f"of components be whole")
        if not share and wanted is not None and (isinstance(wanted, (bool, str)) or wanted < 1):
            raise ValueError(f"n_components is {wanted!r}; it must be a whole number of at least 1, "
                             f"a share between 0 and 1, or None")
        found = _core.fit_pca(X, {"components": most if share or wanted is None else wanted},
                              self._threads())
        kept = len(found["components"])
        if share:
            explained = np.cumsum(found["explained_variance_ratio"])
            kept = min(int(np.searchsorted(explained, wanted, side="right")) + 1, kept)
        self.components_ = found["components"][:kept]
        self.mean_ = found["mean"]
        self.explained_variance_ = found["explained_variance"][:kept]
        self.explained_variance_ratio_ = found["explained_variance_ratio"][:kept]
        self.singular_values_ = found["singular_values"][:kept]
        self.n_components_ = kept
        self.n_samples_ = len(X)
        rest = found["total_variance"] - float(self.explained_variance_.sum())
        self.noise_variance_ = max(rest, 0.0) / (most - kept) if kept < most else 0.0

    @property
    def _n_features_out(self):
        return self.n_components_

    def _scale(self):  # a direction without variance keeps its coordinates, which are 0
        deviation = np.sqrt(self.explained_variance_)
        return np.where(deviation > 0, deviation, 1).astype(np.float32)

    def _coordinates(self, X):
        out = _core.pca_transform(self.components_, self.mean_, X, self._threads())
        return out / self._scale() if self.whiten else out

    def transform(self, X):
        """The rows' coordinates in the directions; a row's result does not depend on the others."""
        check_is_fitted(self)
        return self._coordinates(self._rows(X))

    def inverse_transform(self, X):
        """Rows from coordinates: the nearest rows in the span of the directions."""
        check_is_fitted(self)
        X = as_float_rows(X, "X")
        if X.shape[1] != self.n_components_:
            raise ValueError(f"PCA: X has {X.shape[1]} columns, there are {self.n_components_} "
                             f"components")
        if self.whiten:
            X = X * self._scale()
        return _core.pca_inverse_transform(self.components_, self.mean_, X, self._threads())
