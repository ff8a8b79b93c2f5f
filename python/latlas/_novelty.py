"""Which new rows are far from everything that a map was fitted to."""

from typing import Any, NamedTuple, Optional

import numpy as np
from numpy.typing import ArrayLike

from latlas import _core
from latlas._arrays import as_float_rows
from latlas._neighbors import DISTANCES, metric_of
from latlas._threads import threads_of


class Novelty(NamedTuple):
    """How unlike the fitted rows m new rows are. Both numbers are about 1 where a row is as usual.

    distance        m: mean distance to the nearest fitted rows, over the fitted rows' median of it
    density         m: the same over the mean of those nearest rows' own, as in the local outlier factor
    far             m, bool: one of the two is above its limit
    distance_limit  the quantile of the fitted rows' own distances
    density_limit   and of their densities
    """

    distance: np.ndarray
    density: np.ndarray
    far: np.ndarray
    distance_limit: float
    density_limit: float


def novelty(train: ArrayLike, new: ArrayLike, *, metric: str = "euclidean",
            n_jobs: Optional[int] = None, **fields: Any) -> Novelty:
    """Whether new rows are like those that a map was fitted to, or far from everything (a Novelty).
    A map has a place for every row, also for one that belongs nowhere; this looks at the data.

        strangers = new[latlas.novelty(train, new).far]

    train   n × d, n ≥ 2
    new     m × d; a row's result does not depend on the others
    metric  euclidean or cosine: the one that the map was made by
    fields  of parameters("novelty"): k nearest rows (15), and the quantile (0.999) of the fitted rows
            that counts as usual, so that about 1 in 1,000 rows like the fitted ones is flagged
    ValueError for NaN and infinity and parameters outside their range. Cost: a search for k
    neighbors of all rows. Breunig, Kriegel, Ng & Sander, LOF: identifying density-based local
    outliers, 2000.
    """
    train, new = as_float_rows(train, "train"), as_float_rows(new, "new")
    if metric == "inner_product":
        raise ValueError("novelty: metric is 'inner_product', which is no distance; take euclidean or "
                         "cosine")
    metric = metric_of("novelty", metric, DISTANCES)
    if len(train) < 2:
        raise ValueError("novelty: train has 1 row; 2 or more are needed, since rows are compared "
                         "with how near the fitted ones lie to each other")
    defaults = {field["name"]: field["default"] for field in _core.fields("novelty")}
    k = fields.get("k", defaults["k"])
    search = {"k": max(1, min(k, len(train) - 1)), "metric": metric}
    threads = threads_of(n_jobs)
    found = _core.novelty(_core.find_neighbors(train, search, None, threads),
                          _core.find_neighbors_of(new, train, search, None, threads), fields, threads)
    found["far"] = found["far"].astype(bool)
    return Novelty(**found)
