"""What t-SNE and UMAP share: the graph of neighbors, the start, the placing of new rows."""

import numpy as np
from sklearn.neighbors import VALID_METRICS, NearestNeighbors as AnyNeighbors

from latlas import _core
from latlas._estimator import Transformer, check_is_fitted
from latlas._neighbors import ALIASES, DISTANCES, NATIVE, stopped
from latlas._parameters import refuse_unknown
from latlas._progress import Reporter

_METRICS = [*DISTANCES, *sorted(set().union(*VALID_METRICS.values()) - {*DISTANCES})]


class MapEstimator(Transformer):
    """A map of rows, into which new rows can be placed."""

    _sparse = True
    _least_rows = 2
    _metric_params = "metric_params"

    @property
    def _n_features_out(self):
        return self.embedding_.shape[1]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = self.metric == "precomputed"
        return tags

    def fit_transform(self, X, y=None, **given):
        """Makes the map and returns it, n × n_components; row i is the place of row i of X. What
        else `fit` can be given are keywords here too."""
        return self.fit(X, y, **given).embedding_

    def _types(self, X):
        # What scikit-learn searches is rounded once: its distances.
        return super()._types(X) if self._is_native() else [np.float64, np.float32]

    def _metric(self):
        if callable(self.metric):
            return self.metric
        if not isinstance(self.metric, str):
            raise ValueError(f"{type(self).__name__}: metric is {self.metric!r}, it must be a name or a "
                             f"function of two rows")
        if self.metric == "inner_product":
            raise ValueError(f"{type(self).__name__}: metric is 'inner_product', of which no map is "
                             f"made, since weights are made of distances; take euclidean or cosine")
        refuse_unknown(f"{type(self).__name__}: metric", [self.metric], _METRICS)
        return ALIASES.get(self.metric, self.metric)

    def _is_native(self):
        return self._metric() in NATIVE and not getattr(self, self._metric_params)

    def _search(self):
        return {"search": self.search} if hasattr(self, "search") else {}

    def _graph(self, X, k, hear, neighbors=None):
        """The k nearest of each row, n × k, unless its neighbors are given."""
        if neighbors is not None:
            return given_graph(neighbors, X.shape[0])
        k = max(1, min(int(k), X.shape[0] - 1))
        if self._is_native():
            graph = _core.find_neighbors(X, {"k": k, "metric": self._metric(), **self._search()},
                                         hear, self._threads())
            if len(graph) == 0:
                raise stopped(type(self).__name__)
            return graph
        return _graph_of(self._other_neighbors(X, k).kneighbors())

    def _other_neighbors(self, X, k):
        """A search under a metric that the core lacks, by scikit-learn."""
        return AnyNeighbors(n_neighbors=k, metric=self.metric, n_jobs=self.n_jobs,
                            metric_params=getattr(self, self._metric_params)).fit(X)

    def _start(self, X, init, columns, seed, affinities=None):
        """Where the rows start, n × columns: by a name that the core knows, or as given; notes."""
        n = X.shape[0]
        if not isinstance(init, str):
            start = np.array(init, np.float32, order="C")
            if start.shape != (n, columns):
                raise ValueError(f"init has the shape {start.shape}, the map needs {(n, columns)}")
            return start, []
        if self.metric != "precomputed":
            rows = np.ascontiguousarray(X, np.float32)
            return _core.make_start(init, rows, affinities, columns, seed, self._threads())
        no_rows = np.zeros((n, 1), np.float32)
        start, notes = _core.make_start(init, no_rows, affinities, columns, seed, self._threads())
        if not notes:
            return start, []
        start, _ = _core.make_start("random", no_rows, None, columns, seed, self._threads())
        return start, ["the graph has no spectral start; a random one took its place"]

    def _keep(self, X):
        """Keeps what new rows are placed by."""
        self._fit_X = None if self.metric == "precomputed" else X
        self._ready = {}

    def _to_train(self, X, k, hear):
        """The nearest fitted rows of new rows."""
        k = max(1, min(int(k), len(self._fit_X)))
        if self._is_native():
            if self._fit_X.dtype != np.float32:  # it was fitted under a metric of scikit-learn's
                self._fit_X = np.ascontiguousarray(self._fit_X, np.float32)
            params = {"k": k, "metric": self._metric(), **self._search()}
            index = self._made_once("index", (self._fit_X, params), _core.NeighborIndex)
            return index.search(X, hear, self._threads())
        return _graph_of(self._other_neighbors(self._fit_X, k).kneighbors(X))

    def transform(self, X):
        """Places new rows into the map, each by itself: a row's place does not depend on which
        others came along, and a row that equals a fitted row stands where that one stands."""
        check_is_fitted(self)
        if self.metric == "precomputed":
            raise ValueError(f"{type(self).__name__}: new rows cannot be placed into a map that was "
                             f"made from precomputed distances, since their own are not known")
        X = self._rows(X)
        with Reporter(self.verbose, self.callback) as report:
            to_train = self._to_train(X, self._transform_neighbors(), report.hear)
            if len(to_train) == 0:
                raise stopped(type(self).__name__)
            placed = self._place(to_train, report.hear)
        told = vars(self).setdefault("_ready", {}).setdefault("told", set())
        self._note(note for note in placed["notes"] if note not in told)  # batches are many
        told.update(placed["notes"])
        return placed["map"]


def given_graph(neighbors, n):
    """A graph from (distances, indices); that its rows are lawful is the core's check."""
    try:
        distances, indices = (np.asarray(part) for part in neighbors)
    except (TypeError, ValueError):
        raise ValueError("neighbors must be (distances, indices), two arrays n × k, as latlas.knn "
                         "returns them") from None
    if distances.ndim != 2 or distances.shape != indices.shape or len(indices) != n:
        raise ValueError(f"neighbors: distances have the shape {distances.shape}, indices "
                         f"{indices.shape}; both must have a row for each of the {n} of X")
    if indices.dtype.kind not in "iu":
        raise ValueError(f"neighbors: indices hold {indices.dtype}, they must be whole numbers; the "
                         f"order is (distances, indices)")
    if indices.size and (indices.min() < 0 or indices.max() >= n):  # before they are cut to 32 bits
        raise ValueError(f"neighbors: an index lies outside the {n} rows of X")
    falls = (distances[:, 1:] < distances[:, :-1]).any(axis=1) if distances.size else np.zeros(0, bool)
    if falls.any():
        raise ValueError(f"neighbors: the distances of row {int(np.argmax(falls))} (counted from 0) do "
                         f"not ascend; the nearest come first")
    return _graph_of((distances, indices))


def _graph_of(found):
    distances, indices = found
    return _core.Graph(np.ascontiguousarray(distances, np.float32),
                       np.ascontiguousarray(indices, np.int32))
