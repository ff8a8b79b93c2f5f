"""How far a map can be trusted: the scores of the core, under their names."""

import math
from typing import Any, Dict, Optional

from numpy.typing import ArrayLike

from latlas import _core
from latlas._arrays import as_float_rows, as_labels, coded
from latlas._threads import threads_of


class Score(float):
    """A score: a number that also knows its standard_error (0 where it is exact) and over how many
    rows (of spearman: pairs) it is a mean."""

    standard_error: float
    rows: int

    def __new__(cls, value: float, standard_error: float = 0.0, rows: int = 0) -> "Score":
        score = super().__new__(cls, value)
        score.standard_error, score.rows = standard_error, rows
        return score

    def __getnewargs__(self):
        return float(self), self.standard_error, self.rows

    def __repr__(self):
        error = f" ± {self.standard_error:.2g}" if self.standard_error else ""
        return f"{float(self):.4g}{error}"


def _measured(caller, data, metric, n_jobs):
    """The data as rows whose euclidean distances are what is asked for, or have its order."""
    from latlas._neighbors import DISTANCES, metric_of

    data, metric = as_float_rows(data, "data"), metric_of(caller, metric, DISTANCES)
    return data if metric == "euclidean" else _core.unit_rows(data, "data", threads_of(n_jobs))


def _of_map(name, data, map, metric, n_jobs, fields):
    score = getattr(_core, name)
    return Score(*score(_measured(name, data, metric, n_jobs), as_float_rows(map, "map"), fields,
                        threads_of(n_jobs)))


def trustworthiness(data: ArrayLike, map: ArrayLike, *, metric: str = "euclidean",
                    n_jobs: Optional[int] = None, **fields: Any) -> Score:
    """Were the neighbors seen in the map neighbors in the data? 0 … 1, larger is better.
    metric: of the data, euclidean or cosine. Keywords: parameters("evaluate"), e.g. k=15."""
    return _of_map("trustworthiness", data, map, metric, n_jobs, fields)


def continuity(data: ArrayLike, map: ArrayLike, *, metric: str = "euclidean",
               n_jobs: Optional[int] = None, **fields: Any) -> Score:
    """Did the neighbors in the data stay neighbors in the map? 0 … 1, larger is better."""
    return _of_map("continuity", data, map, metric, n_jobs, fields)


def recall(data: ArrayLike, map: ArrayLike, *, metric: str = "euclidean",
           n_jobs: Optional[int] = None, **fields: Any) -> Score:
    """The share of the k nearest in the data that are among the k nearest in the map."""
    return _of_map("recall", data, map, metric, n_jobs, fields)


def spearman(data: ArrayLike, map: ArrayLike, *, metric: str = "euclidean",
             n_jobs: Optional[int] = None, **fields: Any) -> Score:
    """Rank correlation of distances in the data and in the map: is far apart what was? −1 … 1.
    Under cosine the data's distances are those of rows of norm 1."""
    return _of_map("spearman", data, map, metric, n_jobs, fields)


def label_accuracy(map: ArrayLike, labels: Any, *, n_jobs: Optional[int] = None,
                   **fields: Any) -> Score:
    """The share of rows whose label is that of most of their label_k nearest in the map."""
    map = as_float_rows(map, "map")
    return Score(*_core.label_accuracy(map, as_labels(labels, len(map)), fields,
                                       threads_of(n_jobs)))


def _both(train, train_labels, test, test_labels):
    train, test = as_float_rows(train, "train"), as_float_rows(test, "test")
    import numpy as np

    for labels, rows, what in ((train_labels, train, "train_labels"),
                               (test_labels, test, "test_labels")):
        if len(labels) != len(rows):
            raise ValueError(f"{what}: {len(labels)} for {len(rows)} rows; one a row is needed")
        coded(labels, what)  # names the row that has none
    together, _ = coded(np.concatenate([np.asarray(train_labels), np.asarray(test_labels)]))
    return train, together[:len(train)], test, together[len(train):]


def knn_accuracy(train: ArrayLike, train_labels: Any, test: ArrayLike, test_labels: Any, *,
                 n_jobs: Optional[int] = None, **fields: Any) -> Score:
    """The share of test rows whose label is that of most of their label_k nearest training rows."""
    return Score(*_core.knn_accuracy(*_both(train, train_labels, test, test_labels), fields,
                                     threads_of(n_jobs)))


def probe_accuracy(train: ArrayLike, train_labels: Any, test: ArrayLike, test_labels: Any, *,
                   n_jobs: Optional[int] = None, **fields: Any) -> Score:
    """Accuracy on test rows of a linear probe trained on the training rows. Keywords:
    parameters("probe")."""
    return Score(*_core.probe_accuracy(*_both(train, train_labels, test, test_labels), fields,
                                       threads_of(n_jobs)))


def evaluate_map(data: ArrayLike, map: ArrayLike, labels: Any = None, *, metric: str = "euclidean",
                 n_jobs: Optional[int] = None, **fields: Any) -> Dict[str, Score]:
    """All scores of a map, as a dictionary: trustworthiness, continuity, recall, spearman, and
    label_accuracy where there are labels. The same numbers as one by one, in less time.
    metric: of the data, euclidean or cosine; take what the map was made by."""
    data = _measured("evaluate_map", data, metric, n_jobs)
    map = as_float_rows(map, "map")
    codes = None if labels is None else as_labels(labels, len(map))
    found = _core.evaluate_map(data, map, codes, fields, threads_of(n_jobs))
    return {name: Score(*score) for name, score in found.items()}


def kl_divergence(data: ArrayLike, map: ArrayLike, *, perplexity: float = 30.0,
                  metric: str = "euclidean", n_jobs: Optional[int] = None) -> float:
    """KL(P ‖ Q) of a map of any origin, in nats: what t-SNE minimizes; lower is better. The
    normalizer is over all pairs (n² / 2) up to 100,000 rows, above by a sample of rows; likewise
    exact neighbors up to there, approximate ones above."""
    from latlas._neighbors import DISTANCES, metric_of

    data, map = as_float_rows(data, "data"), as_float_rows(map, "map")
    metric = metric_of("kl_divergence", metric, DISTANCES)
    if not 1 <= perplexity < len(data):
        raise ValueError(f"perplexity is {perplexity}, it must be at least 1 and below the number "
                         f"of rows, {len(data)}")
    k = min(math.ceil(3 * perplexity), len(data) - 1)
    # Exact neighbors, so that no map is judged by the very graph it was made from.
    search = "exact" if len(data) <= 100_000 else "auto"
    graph = _core.find_neighbors(data, {"k": k, "metric": metric, "search": search}, None,
                                 threads_of(n_jobs))
    return _core.kl_divergence(graph, min(perplexity, k / 3), map, threads_of(n_jobs))
