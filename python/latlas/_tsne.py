"""t-SNE, by scikit-learn's names."""

import numbers
import os
import pathlib

import numpy as np

from latlas import _core
from latlas._arrays import as_float_rows
from latlas._maps import MapEstimator
from latlas._parameters import given, with_parameters
from latlas._progress import Reporter

_MOST_ITERATIONS = 1000


@with_parameters(
    own={
        "n_components": (2, "dimensions of the map: 1, 2 or 3"),
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
        "init": ("pca", "'pca', 'spectral', 'random', or an array n × n_components, e.g. an earlier "
                        "map, which keep_start=True takes as it is"),
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
          "anchor_strength": (0.0, "0 holds anchors where they are; above, they are pulled there: 1 "
                                   "is as strong as all neighbors of a row together"),
          "checkpoint": (None, "a file in which the fit keeps itself, and from which it goes on"),
          "checkpoint_every": (100, "iterations from one checkpoint to the next"),
          "callback": (None, "called with a Report every 25 iterations; True ends the run")})
class TSNE(MapEstimator):
    """t-SNE: a map in which rows that are near in the data stay near.

    A replacement for sklearn.manifold.TSNE: the same parameters and attributes (embedding_,
    kl_divergence_, learning_rate_, n_iter_), and `transform` for new rows. Beyond these:
    converged_ (the divergence stopped falling), trace_ (iteration, divergence), notes_ (where a
    limit acted).
    """

    def fit(self, X, y=None, *, neighbors=None, anchors=None):
        """Makes the map.

        X          n × d rows, or distances where metric is "precomputed".
        neighbors  (distances, indices), each n × k, as latlas.knn(X, k) returns them: the neighbors
                   of each row, nearest first and without itself; k ≥ 3 perplexity. None: they are
                   found here.
        anchors    n × n_components: places at which rows are held, or towards which they are pulled
                   (anchor_strength), in units of the map; a row of NaN is free. Such a map is not
                   centered.
        ValueError where shapes differ, values are not finite or a parameter leaves its range.

        With `checkpoint`, the fit writes itself into that file every checkpoint_every iterations,
        and when it is stopped by a callback or Ctrl-C (but for the second in which preset="fast"
        lays out the groups of very many rows first). Where the file is there, the fit goes on
        from it, to the same bits as if it had never ended; it is a ValueError when it belongs to
        other data or parameters. A fit that comes to its end removes the file.
        """
        self._check_parameters()
        X = self._distances(X) if self.metric == "precomputed" else self._rows(X, reset=True)
        n = X.shape[0]
        self._check_perplexity(n)
        anchors = None if anchors is None else self._anchors(anchors, n)
        params = self._params()
        with Reporter(self.verbose, self.callback) as report:
            affinities = self._affinities(X, params, report.hear, neighbors)
            start, notes = self._start(X, self.init, self.n_components, params["seed"], affinities)
            result = _core.tsne(affinities, start, anchors, self.anchor_strength, self.checkpoint,
                                self.checkpoint_every, report.hear, self._threads())
        if self.checkpoint is not None and not result["stopped"]:
            pathlib.Path(self.checkpoint).unlink(missing_ok=True)
        self.embedding_ = result["map"]
        self.kl_divergence_ = result["kl"]
        self.n_iter_ = max(result["iterations"] - 1, 0)  # of the last one, as scikit-learn counts
        first = self.early_exaggeration if result["exaggerated"] else 1
        self.learning_rate_ = params["learning_rate"] or n / first
        self.converged_ = result["converged"]
        self.trace_ = result["trace"]
        self.notes_ = affinities.notes + notes + result["notes"]
        self._placing, self._placing_neighbors = affinities.placing()
        self._keep(X)
        self._note(self.notes_)
        return self

    def _params(self):
        """The parameters as the core's TsneParams."""
        return given(self, "tsne", **{
            "learning_rate": 0.0 if self.learning_rate == "auto" else float(self.learning_rate),
            "momentum": self._momentum(), "dimensions": self.n_components, "seed": self._seed(),
            "iterations": _MOST_ITERATIONS if self.max_iter is None else self.max_iter,
            "exact_below": 1_000_000 if self.method == "exact" else self.exact_below})

    def _affinities(self, X, params, hear, neighbors=None):
        graph = self._graph(X, _core.tsne_neighbors(X.shape[0], params), hear, neighbors)
        return _core.affinities(graph, params, self._threads())

    def _anchors(self, anchors, n):
        anchors = as_float_rows(anchors, "anchors")
        if anchors.shape != (n, self.n_components):
            raise ValueError(f"anchors has the shape {anchors.shape}, the map needs "
                             f"{(n, self.n_components)}; a row of NaN is free")
        return anchors

    def _momentum(self):
        if self.momentum is None and self.learning_rate != "auto":
            return 0.8
        return self.momentum

    def _check_parameters(self):
        def refuse(name, expected):
            raise ValueError(f"TSNE: {name} is {getattr(self, name)!r}, it must be {expected}")

        if not isinstance(self.n_components, numbers.Integral) or self.n_components < 1:
            refuse("n_components", "1, 2 or 3")
        if self.n_components > 3:
            raise ValueError(f"TSNE: 'n_components' should be 1, 2 or 3, it is {self.n_components}")
        if self.method not in ("barnes_hut", "exact"):
            refuse("method", "'barnes_hut' or 'exact'")
        for name in ("perplexity", "early_exaggeration"):
            value = getattr(self, name)
            if not isinstance(value, numbers.Real) or not value > 0:
                refuse(name, "a number above 0")
        rate = self.learning_rate
        if rate != "auto" and (not isinstance(rate, numbers.Real) or isinstance(rate, bool)
                               or not 0 < rate < float("inf")):
            refuse("learning_rate", "'auto' or a number above 0")
        if not isinstance(self.anchor_strength, numbers.Real):
            refuse("anchor_strength", "a number of at least 0")
        if not isinstance(self.checkpoint, (str, os.PathLike, type(None))):
            refuse("checkpoint", "the path of a file, or None")
        if isinstance(self.init, str) and self.init not in ("pca", "spectral", "random"):
            refuse("init", "'pca', 'spectral', 'random' or an array")
        if isinstance(self.init, str) and self.init == "pca" and self.metric == "precomputed":
            raise ValueError('The parameter init="pca" cannot be used with metric="precomputed". '
                             'Take init="random" or an array.')
        if not isinstance(self.checkpoint_every, numbers.Integral) or self.checkpoint_every < 1:
            refuse("checkpoint_every", "a whole number of at least 1")
        for name, default in (("n_iter_without_progress", 300), ("min_grad_norm", 1e-7),
                              ("angle", 0.5)):
            if getattr(self, name) != default:
                self._note([f"{name} has no effect here"])

    def _check_perplexity(self, n):
        if self.perplexity >= n:
            raise ValueError(f"perplexity ({self.perplexity}) must be less than n_samples ({n})")

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
        return self._placing_neighbors

    def _place(self, to_train, hear):
        frozen = self._made_once("frozen", (self.embedding_, self._placing), _frozen_map)
        return frozen.place(to_train, hear, self._threads())


def _frozen_map(embedding, placing, threads):
    return _core.FrozenMap(np.ascontiguousarray(embedding, np.float32), placing, threads)
