"""Maps beside maps: turned to lie near each other, or laid out to follow each other."""

from typing import Any, List, NamedTuple, Sequence

import numpy as np
from numpy.typing import ArrayLike

from latlas import _core
from latlas._arrays import as_float_rows
from latlas._progress import Reporter
from latlas._tsne import TSNE


class Procrustes(NamedTuple):
    """What brings a map nearest to another: y ↦ scale · rotation (y − from_) + to.

    rotation  d × d, orthogonal
    scale     1 unless it was asked for
    from_     d, the center of the map
    to        d, the center of the other
    residual  root of the mean squared distance of the rows, once aligned, in units of the other map
    """

    rotation: np.ndarray
    scale: float
    from_: np.ndarray
    to: np.ndarray
    residual: float

    def transform(self, rows: ArrayLike) -> np.ndarray:
        """Rows in the map's coordinates (m × d) in those of the other, float32."""
        rows = as_float_rows(rows, "rows")
        if rows.shape[1] != len(self.to):
            raise ValueError(f"procrustes: rows have {rows.shape[1]} columns, the maps {len(self.to)}")
        return _core.procrustes_transform(self.rotation, self.scale, self.from_, self.to, rows)


def procrustes(map: ArrayLike, other: ArrayLike, *, scale: bool = False,
               reflection: bool = True) -> Procrustes:
    """The rotation and shift (a Procrustes) that bring a map nearest to another of the same rows, in
    least squares; its `transform` applies them.

    map, other  n × d, the same rows; n ≥ 1, 1 ≤ d ≤ 64
    scale       also stretch the map evenly
    reflection  also mirror it where that is nearer
    ValueError when shapes differ or values are not finite. Cost: n d² + d³.
    Schönemann, A generalized solution of the orthogonal Procrustes problem, 1966.
    """
    return Procrustes(**_core.procrustes(as_float_rows(map, "map"), as_float_rows(other, "other"),
                                         bool(scale), bool(reflection)))


def align(map: ArrayLike, other: ArrayLike, *, scale: bool = False,
          reflection: bool = True) -> np.ndarray:
    """The map (n × d) turned to lie as near as it can to the other; arguments as for procrustes.

        monday = latlas.align(monday, sunday)
    """
    return procrustes(map, other, scale=scale, reflection=reflection).transform(map)


class AlignedMaps(NamedTuple):
    """Maps of the same rows that follow each other.

    maps            one a time, n × n_components, in the order of time
    kl_divergence   of each map
    moved           root of the mean squared move of the rows from each map to the next, in its units
    """

    maps: List[np.ndarray]
    kl_divergence: np.ndarray
    moved: np.ndarray


def aligned_tsne(sequence: Sequence[ArrayLike], *, alignment: float = 1.0,
                 **parameters: Any) -> AlignedMaps:
    """t-SNE of the same rows at several times, e.g. the latents of the epochs of a training, in maps
    between which rows move no more than they have reason to. Returns AlignedMaps.

    sequence    of length ≥ 1: for each time the rows, n × d (n the same for all). Each is asked for
                as sequence[t] when it is needed, the last one first.
    alignment   0 … 1000: pull of a map towards its neighbor in time; larger is calmer, and leaves
                each map a worse divergence; 0: none
    parameters  of latlas.TSNE. The last map is the one that TSNE makes of these rows.
    A callback that ends the run leaves the maps done so far, those of the last times.
    ValueError as TSNE.fit, and where the number of rows changes. Cost: a fit for each time; the
    earlier ones have no early exaggeration.
    """
    tsne, last = TSNE(**parameters), len(sequence) - 1
    _check(sequence, tsne)
    params = tsne._params()
    with Reporter(tsne.verbose, tsne.callback) as report:
        rows = _rows_at(sequence, last)
        tsne._check_perplexity(len(rows))
        affinities = tsne._affinities(rows, params, report.hear)
        start, notes = tsne._start(rows, tsne.init, tsne.n_components, params["seed"], affinities)

        def affinities_at(step):  # a stop is heard by the fits alone, so that it leaves their maps
            return affinities if step == last else \
                tsne._affinities(_rows_at(sequence, step), params, None)

        results, moved = _core.aligned_tsne(len(sequence), affinities_at, start, params,
                                            {"alignment": alignment}, report.hear, tsne._threads())
    tsne._note(dict.fromkeys(affinities.notes + notes + [n for r in results for n in r["notes"]]))
    return AlignedMaps([r["map"] for r in results], np.array([r["kl"] for r in results]), moved)


def _check(sequence, tsne):
    if len(sequence) == 0:
        raise ValueError("aligned_tsne: there is no step; the sequence is empty")
    if tsne.metric == "precomputed":
        raise ValueError("aligned_tsne: metric is 'precomputed', but a sequence is made of rows")
    if tsne.checkpoint is not None:
        raise ValueError("aligned_tsne: checkpoint is for a single fit; a sequence keeps none")
    tsne._check_parameters()


def _rows_at(sequence, step):
    return as_float_rows(sequence[step], f"sequence[{step}]")
