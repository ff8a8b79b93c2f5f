"""t-SNE, by scikit-learn's names."""

import math
import numbers
import warnings

import numpy as np

from latlas import _core
from latlas._maps import MapEstimator
from latlas._parameters import given, with_parameters
from latlas._progress import Reporter

_HAS = {f["name"] for f in _core.fields("tsne")}
_MOST_ITERATIONS = 1000


# Without them in the core, maps have two dimensions and n_components is no parameter.
_ANY_DIMENSION = "dimensions" in _HAS


@with_parameters(
    own={
        **({"n_components": (2, "dimensions of the map: 1, 2 or 3")} if _ANY_DIMENSION else {}),
        "perplexity": (30.0, "effective neighbors of a row, below the number of rows; larger favors "
                             "global structure"),
        "early_exaggeration": (12.0, "early attraction; larger gives tighter, farther clusters"),
        "learning_rate": ("auto", "'auto' is n / exaggeration of the phase; larger moves faster"),
        "max_iter": (None, "iterations in all, at most; None is 1000"),
        "n_iter_without_progress": (300, "without effect: stop_below ends the run"),
        "min_grad_norm": (1e-7, "without effect: stop_below ends the run"),
        "metric": ("euclidean", "euclidean and cosine are the core's own; all other metrics of "
                                "sklearn.neighbors.NearestNeighbors are searched by scikit-learn, in "
                                "n² time; 'precomputed': X is n × n distances, or a sparse graph of "
                                "some of them"),
        "metric_params": (None, "further arguments of such a metric"),
        "init": ("pca", "'pca', 'random', or an array n × n_components"),
        "verbose": (0, "1 shows progress"),
        "random_state": (None, "a seed; None is 0: the same input gives the same map"),
        "method": ("barnes_hut", "'exact' sums over all pairs, in n² time; 'barnes_hut' is the "
                                 "fast field of the core (for more rows than exact_below; it is no "
                                 "Barnes–Hut tree)"),
        "angle": (0.5, "without effect: the field has no tree"),
        "n_jobs": (None, "threads; None or -1: as many as there are"),
        "momentum": (None, "larger remembers longer; None is the core's own where learning_rate is "
                           "'auto', else scikit-learn's 0.8, with which its rates were chosen"),
    },
    structs={"tsne": {"exaggeration": "early_exaggeration", "iterations": "max_iter"}},
    fixed={"seed", "dimensions"},
    last={"search": ("auto", "of neighbors: exact, approximate, or auto by size"),
          "callback": (None, "called with a Report every 25 iterations; True ends the run")},
    only={} if _ANY_DIMENSION else {"n_components": 2}, positional=_ANY_DIMENSION)
class TSNE(MapEstimator):
    """t-SNE: a map in which rows that are near in the data stay near.

    A replacement for sklearn.manifold.TSNE: the same parameters and attributes (embedding_,
    kl_divergence_, learning_rate_, n_iter_), and `transform` for new rows. Beyond these:
    converged_ (the divergence stopped falling), trace_ (iteration, divergence), notes_ (where a
    limit acted).
    """

    def fit(self, X, y=None):
        """Makes the map."""
        self._check_parameters()
        X = self._distances(X) if self.metric == "precomputed" else self._rows(X, reset=True)
        n = X.shape[0]
        if self.perplexity >= n:
            raise ValueError(f"perplexity ({self.perplexity}) must be less than n_samples ({n})")
        exaggeration = self.early_exaggeration
        rate = 0.0 if self.learning_rate == "auto" else self.learning_rate
        seed = self._seed()
        special = {
            "learning_rate": rate, "momentum": self._momentum(),
            "dimensions": self._dimensions(), "seed": seed,
            "iterations": _MOST_ITERATIONS if self.max_iter is None else self.max_iter,
            "exact_below": 1_000_000 if self.method == "exact" else self.exact_below}
        params = given(self, "tsne", **special)
        with Reporter(self.verbose, self.callback) as report:
            graph = self._graph(X, math.ceil(3 * self.perplexity), report.hear)
            start = self._start(X, self.init, self._dimensions(), seed)
            result = _core.tsne(graph, start, params, report.hear, self._threads())
        self.embedding_ = result["map"]
        self.kl_divergence_ = result["kl"]
        self.n_iter_ = result["iterations"] - 1  # the number of the last one, as scikit-learn counts
        self.learning_rate_ = n / exaggeration if rate == 0 else float(rate)
        self.converged_ = result["converged"]
        self.trace_ = result["trace"]
        self.notes_ = result["notes"]
        self._fit_X = None if self.metric == "precomputed" else X
        self._note(self.notes_)
        return self

    def _momentum(self):
        if self.momentum is None and self.learning_rate != "auto":
            return 0.8
        return self.momentum

    def _dimensions(self):
        return getattr(self, "n_components", 2)

    def _check_parameters(self):
        def refuse(name, expected):
            raise ValueError(f"TSNE: {name} is {getattr(self, name)!r}, it must be {expected}")

        if not isinstance(self._dimensions(), numbers.Integral) or self._dimensions() < 1:
            refuse("n_components", "1, 2 or 3")
        if self._dimensions() > 3:
            raise ValueError(f"TSNE: 'n_components' should be 1, 2 or 3, it is {self._dimensions()}")
        if self.method not in ("barnes_hut", "exact"):
            refuse("method", "'barnes_hut' or 'exact'")
        for name in ("perplexity", "early_exaggeration"):
            value = getattr(self, name)
            if not isinstance(value, numbers.Real) or not value > 0:
                refuse(name, "a number above 0")
        if isinstance(self.learning_rate, str) and self.learning_rate != "auto":
            refuse("learning_rate", "'auto' or a number above 0")
        if isinstance(self.init, str) and self.init not in ("pca", "random"):
            refuse("init", "'pca', 'random' or an array")
        if isinstance(self.init, str) and self.init == "pca" and self.metric == "precomputed":
            raise ValueError('The parameter init="pca" cannot be used with metric="precomputed". '
                             'Take init="random" or an array.')
        for name, default in (("n_iter_without_progress", 300), ("min_grad_norm", 1e-7),
                              ("angle", 0.5)):
            if getattr(self, name) != default:
                warnings.warn(f"TSNE: {name} has no effect here", UserWarning, stacklevel=3)

    def _distances(self, X):
        """Checked precomputed distances, dense or sparse."""
        if hasattr(X, "toarray"):
            if self.method == "exact":
                raise TypeError('TSNE: method="exact" takes no sparse distances; use '
                                'method="barnes_hut" or a dense array')
            X = X.tocsr()
            values = X.data
            self.n_features_in_ = X.shape[1]
        else:
            X = values = self._rows(X, reset=True)
        if X.shape[0] != X.shape[1]:
            raise ValueError(f"X should be a square distance matrix, it is {X.shape[0]} × "
                             f"{X.shape[1]}")
        if (values < 0).any():
            raise ValueError("All distances should be positive, those given as X are not")
        return X

    def _other_neighbors(self, X, k):
        if self.method == "exact" and self.metric != "precomputed":
            # All pairs, so that a metric that gives nonsense is found out.
            from sklearn.metrics import pairwise_distances
            from sklearn.neighbors import NearestNeighbors as AnyNeighbors

            if X is getattr(self, "_fit_X", None):
                return super()._other_neighbors(X, k)
            distances = pairwise_distances(X, metric=self.metric, n_jobs=self.n_jobs,
                                           **(self.metric_params or {}))
            if (distances < 0).any():
                raise ValueError("All distances should be positive, the metric given is not correct")
            return AnyNeighbors(n_neighbors=k, metric="precomputed").fit(distances)
        return super()._other_neighbors(X, k)

    def _transform_neighbors(self):
        return math.ceil(3 * self.perplexity)

    def _place(self, to_train, hear):
        most = max(1.0, to_train.k / 3)
        params = {"perplexity": max(1.0, min(float(self.perplexity), most)),
                  "grid_spacing": self.grid_spacing}
        for name in ("dimensions", "degrees_of_freedom"):
            if name in {f["name"] for f in _core.fields("place")} and hasattr(self, name):
                params[name] = getattr(self, name)
        return _core.place(np.ascontiguousarray(self.embedding_), to_train, params, hear,
                           self._threads())
