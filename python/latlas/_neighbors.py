"""The k nearest rows."""

import numpy as np

from latlas import _core
from latlas._arrays import as_float_rows
from latlas._estimator import Estimator, check_is_fitted
from latlas._parameters import given, refuse_unknown, with_parameters
from latlas._progress import Reporter
from latlas._threads import threads_of

NATIVE = tuple(next(f["choices"] for f in _core.fields("neighbors") if f["name"] == "metric"))
# Metrics of the core, by the names that scikit-learn gives them.
ALIASES = {"l2": "euclidean"}
DISTANCES = ("euclidean", "cosine")  # those that a map can be made and judged by


def metric_of(caller, metric, known=NATIVE):
    """The core's name of a metric; ValueError in the caller's name where it is none of the known."""
    name = ALIASES.get(metric, metric) if isinstance(metric, str) else metric
    if name not in known:
        raise ValueError(f"{caller}: metric is {metric!r}, it must be "
                         f"{' or '.join(map(repr, known))}")
    return name


def stopped(what):
    """The error for a callback that ended the work before there was anything to return."""
    return RuntimeError(f"{what}: stopped by the callback before there was a result")


def knn(X, n_neighbors=15, *, queries=None, metric="euclidean", search="auto", n_jobs=None,
        verbose=0, callback=None, **fields):
    """The nearest rows of X for every row of X (itself left out, by its index), or for every query.

    X            n × d
    n_neighbors  k ≥ 1, below n; with queries at most n
    queries      m × d, or None
    metric       euclidean: |x − y|; cosine: 1 − x·y / (|x| |y|); inner_product: −x·y, so that the
                 rows of largest product are the nearest, and distances may be negative
    search       exact, approximate, or auto by size
    fields       of parameters("neighbors"): probes, sweeps

    Returns (distances, indices), each n (or m) × k, float32 and int32, nearest first, equal
    distances by index. ValueError for NaN and infinity, rows of norm 0 under cosine, and parameters
    outside their range. Cost of an exact search: at most n² d multiply-adds.
    """
    X = as_float_rows(X, "X")
    refuse_unknown("knn", fields, ("n_neighbors", "queries", "metric", "search", "probes", "sweeps"))
    params = {"k": n_neighbors, "metric": metric_of("knn", metric), "search": search, **fields}
    with Reporter(verbose, callback) as report:
        if queries is None:
            graph = _core.find_neighbors(X, params, report.hear, threads_of(n_jobs))
        else:
            graph = _core.find_neighbors_of(as_float_rows(queries, "queries"), X, params,
                                            report.hear, threads_of(n_jobs))
    if len(graph) == 0 and len(X if queries is None else queries) > 0:
        raise stopped("knn")
    return graph.distance, graph.index


def knn_recall(neighbors, X, *, metric="euclidean", sample=1000, seed=0, n_jobs=None):
    """The share of the true neighbors that a graph of any origin holds, a Score: of a `sample` of
    its rows, by the seed, against exact search.

    neighbors  (distances, indices), each n × k, nearest first and without the row itself, as
               latlas.knn returns them; a neighbor counts where its distance is at most that of the
               k-th true one
    X          n × d, the rows among which they were found
    metric     of those distances: euclidean (not squared), cosine, inner_product
    ValueError for graphs that are none. Cost: sample · n · d multiply-adds.
    """
    from latlas._maps import given_graph
    from latlas._scores import Score

    X = as_float_rows(X, "X")
    return Score(*_core.measured_recall(given_graph(neighbors, len(X)), X,
                                        metric_of("knn_recall", metric), sample, seed,
                                        threads_of(n_jobs)))


@with_parameters(
    own={"n_neighbors": (5, "neighbors of a row")},
    structs={"neighbors": {"k": "n_neighbors"}},
    last={"n_jobs": (None, "threads; None or -1: as many as there are")},
    only={"algorithm": ("auto", "brute", "kd_tree", "ball_tree"), "leaf_size": (30, ...),
          "radius": (1.0,), "p": (2,), "metric_params": (None,)})
class NearestNeighbors(Estimator):
    """The nearest of the fitted rows, by the names of sklearn.neighbors.NearestNeighbors.

    Rows are kept as they were given (a float32 array is not copied; do not change it afterwards).
    """

    _sparse = True

    def fit(self, X, y=None):
        """Keeps the rows."""
        rows = self._rows(X, reset=True)
        params = given(self, "neighbors", metric=metric_of("NearestNeighbors", self.metric))
        # The core checks parameters and values where it searches: here for one row, which needs no
        # index, and as many neighbors as there are.
        once = {"k": min(params["k"], len(rows)),
                "search": "exact" if self.search == "approximate" else self.search}
        _core.find_neighbors_of(rows[:1], rows, {**params, **once}, None, self._threads())
        self._fit_X, self._ready = rows, {}
        self.n_samples_fit_ = len(rows)
        return self

    def kneighbors(self, X=None, n_neighbors=None, return_distance=True):
        """(distances, indices) of the nearest fitted rows for each row of X; without X, for each
        fitted row among the others. Only indices where return_distance is false."""
        check_is_fitted(self)
        params = given(self, "neighbors", metric=metric_of("NearestNeighbors", self.metric),
                       k=self.n_neighbors if n_neighbors is None else n_neighbors)
        if X is None:
            graph = _core.find_neighbors(self._fit_X, params, None, self._threads())
        else:
            index = self._made_once(f"index {params['k']}", (self._fit_X, params),
                                    _core.NeighborIndex)
            graph = index.search(self._rows(X), None, self._threads())
        return (graph.distance, graph.index) if return_distance else graph.index

    def kneighbors_graph(self, X=None, n_neighbors=None, mode="connectivity"):
        """The same as a sparse matrix of ones (connectivity) or distances."""
        from scipy.sparse import csr_matrix

        if mode not in ("connectivity", "distance"):
            raise ValueError(f"mode is {mode!r}, it must be 'connectivity' or 'distance'")
        distances, indices = self.kneighbors(X, n_neighbors)
        n, k = indices.shape
        values = np.ones(n * k) if mode == "connectivity" else distances.ravel().astype(float)
        return csr_matrix((values, indices.ravel(), np.arange(0, n * k + 1, k)),
                          shape=(n, self.n_samples_fit_))
