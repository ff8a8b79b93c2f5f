# Made by scripts/python_stubs.py.
import os
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latlas._estimator import Estimator
from latlas._progress import Report
from latlas._scores import Score

Floats = NDArray[np.float32]
Given = Optional[Tuple[ArrayLike, ArrayLike]]


class NearestNeighbors(Estimator):
    n_samples_fit_: int
    n_features_in_: int
    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        metric: str = 'euclidean',
        search: str = 'auto',
        probes: int = 0,
        sweeps: int = 2,
        n_jobs: Optional[int] = None,
        algorithm: str = 'auto',
        leaf_size: int = 30,
        radius: float = 1.0,
        p: int = 2,
        metric_params: Optional[Dict[str, Any]] = None,
    ) -> None: ...
    def fit(self, X: ArrayLike, y: object = None) -> 'NearestNeighbors': ...
    def save(self, path: Any) -> None: ...
    def kneighbors(self, X: Optional[ArrayLike] = None, n_neighbors: Optional[int] = None, return_distance: bool = True) -> Any: ...
    def kneighbors_graph(self, X: Optional[ArrayLike] = None, n_neighbors: Optional[int] = None, mode: str = 'connectivity') -> Any: ...

def knn(X: ArrayLike, n_neighbors: int = 15, *, queries: Optional[ArrayLike] = None,
        metric: str = 'euclidean', search: str = 'auto', n_jobs: Optional[int] = None,
        verbose: Union[bool, int] = 0, callback: Optional[Callable[[Report], Optional[bool]]] = None,
        **fields: Any) -> Tuple[Floats, NDArray[np.int32]]: ...

def knn_recall(neighbors: Tuple[ArrayLike, ArrayLike], X: ArrayLike, *, metric: str = 'euclidean',
               sample: int = 1000, seed: int = 0, n_jobs: Optional[int] = None) -> Score: ...

NATIVE: Tuple[str, ...]
ALIASES: Dict[str, str]

def stopped(what: str) -> RuntimeError: ...
