"""UMAP, by umap-learn's names."""

import numpy as np

from latlas import _core
from latlas._maps import MapEstimator
from latlas._parameters import given, with_parameters
from latlas._progress import Reporter


@with_parameters(
    own={
        "n_neighbors": (15, "neighbors of a row, itself counted; larger shows more of the whole"),
        "n_components": (2, "dimensions of the map; it can only be 2"),
        "metric": ("euclidean", "euclidean and cosine are the core's own; all others as in TSNE"),
        "metric_kwds": (None, "further arguments of such a metric"),
        "n_epochs": (None, "None: 500 up to 10,000 rows, 200 above"),
        "learning_rate": (1.0, "of the first epoch; it falls to 0 in equal steps"),
        "init": ("spectral", "'spectral', 'pca', 'random', or an array n × 2"),
        "a": (None, "of the curve 1 / (1 + a d^2b), with b in place of min_dist and spread"),
        "b": (None, "of the same curve"),
    },
    structs={"umap": {}},
    fixed={"seed"},
    last={"random_state": (None, "a seed; None is 0: the same input gives the same map"),
          "n_jobs": (None, "threads; None or -1: as many as there are"),
          "verbose": (False, "True shows progress"),
          "search": ("auto", "of neighbors: exact, approximate, or auto by size"),
          "callback": (None, "called with a Report every few epochs; True ends the run")},
    only={"low_memory": (True, False), "densmap": (False,), "unique": (False,),
          "output_metric": ("euclidean",), "output_metric_kwds": (None,),
          "disconnection_distance": (None,), "force_approximation_algorithm": (False,),
          "transform_seed": (42, ...), "transform_queue_size": (4.0, ...), "tqdm_kwds": (None, ...),
          "target_metric": ("categorical", ...), "target_metric_kwds": (None, ...),
          "target_n_neighbors": (-1, ...), "target_weight": (0.5, ...),
          "angular_rp_forest": (False, ...)})
class UMAP(MapEstimator):
    """UMAP: a map in which rows that are surely neighbors attract each other, and others repel.

    Names and meanings are umap-learn's: embedding_, and `transform` for new rows. Beyond these:
    n_epochs_ (done), a_ and b_ (of the curve 1 / (1 + a d^2b)), notes_ (where a limit acted).
    """

    _metric_params = "metric_kwds"
    _fit_seed = None  # a RandomState gives each fit another one, which transform needs

    def fit(self, X, y=None, *, neighbors=None):
        """Makes the map; y is ignored.

        X          n × d rows, or distances where metric is "precomputed".
        neighbors  (distances, indices), each n × k, as latlas.knn(X, k) returns them: the neighbors
                   of each row, nearest first and without itself; k ≥ n_neighbors − 1. None: they
                   are found here.
        ValueError where shapes differ, values are not finite or a parameter leaves its range.
        """
        if self.n_components not in (1, 2):
            raise ValueError(f"UMAP: n_components is {self.n_components!r}, it can only be 2")
        if self.n_components == 1:  # scikit-learn's checks set it wherever there is one, and fit
            self._note(["n_components is 1, but maps have 2 dimensions, and this one has them too"])
        if not isinstance(self.n_neighbors, (int, np.integer)):
            raise ValueError(f"UMAP: n_neighbors is {self.n_neighbors!r}, it must be a whole number")
        if (self.a is None) != (self.b is None):
            raise ValueError(f"UMAP: a is {self.a!r} and b is {self.b!r}; give both or none, in place of "
                             f"min_dist and spread")
        if isinstance(self.init, str) and self.init not in ("spectral", "pca", "random"):
            raise ValueError(f"UMAP: init is {self.init!r}, it must be 'spectral', 'pca', 'random' "
                             f"or an array")
        if self.metric == "precomputed" and isinstance(self.init, str) and self.init == "pca":
            raise ValueError("UMAP: init='pca' needs rows; it cannot be used with precomputed "
                             "distances")
        if self.metric == "precomputed" and hasattr(X, "toarray"):
            raise ValueError("UMAP: sparse distances are not taken, since what is absent would count as "
                             "0; give neighbors=(distances, indices) instead")
        X = self._rows(X, reset=True)
        seed = self._fit_seed = self._seed()
        named = isinstance(self.init, str)
        params = given(self, "umap", seed=seed, init=self.init if named else "pca",
                       n_epochs=0 if self.n_epochs is None else self.n_epochs)
        start = "random" if self.metric == "precomputed" and named else \
            ("pca" if named else self.init)
        with Reporter(self.verbose, self.callback) as report:
            graph = self._graph(X, max(self.n_neighbors - 1, 1), report.hear, neighbors)
            start, _ = self._start(X, start, 2, seed)
            result = _core.umap(graph, start, params, report.hear, self._threads())
        self.embedding_ = result["map"]
        self.a_, self.b_ = result["a"], result["b"]
        self.n_epochs_ = result["epochs"]
        self.notes_ = result["notes"]
        self._keep(X)
        self._note(self.notes_)
        return self

    def _transform_neighbors(self):
        return self.n_neighbors

    def _place(self, to_train, hear):
        params = given(self, "umap", seed=self._seed() if self._fit_seed is None else self._fit_seed,
                       init="pca",
                       n_neighbors=max(2, min(self.n_neighbors, to_train.k)),
                       n_epochs=0 if self.n_epochs is None else self.n_epochs)
        return _core.umap_place(np.ascontiguousarray(self.embedding_), to_train, params, hear,
                                self._threads())
