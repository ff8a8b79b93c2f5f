# Made by scripts/python_stubs.py.
import os
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latlas._maps import MapEstimator
from latlas._progress import Report

Floats = NDArray[np.float32]
Given = Optional[Tuple[ArrayLike, ArrayLike]]


class UMAP(MapEstimator):
    embedding_: Floats
    a_: float
    b_: float
    n_epochs_: int
    notes_: List[str]
    n_features_in_: int
    def __init__(
        self,
        n_neighbors: int = 15,
        *,
        n_components: int = 2,
        metric: Union[str, Callable[..., float]] = 'euclidean',
        metric_kwds: Optional[Dict[str, Any]] = None,
        n_epochs: Optional[int] = None,
        learning_rate: float = 1.0,
        init: Union[str, ArrayLike] = 'spectral',
        a: Optional[float] = None,
        b: Optional[float] = None,
        min_dist: float = 0.1,
        spread: float = 1.0,
        negative_sample_rate: float = 5.0,
        repulsion_strength: float = 1.0,
        set_op_mix_ratio: float = 1.0,
        local_connectivity: float = 1.0,
        random_state: Union[None, int, np.random.RandomState, np.random.Generator] = None,
        n_jobs: Optional[int] = None,
        verbose: Union[bool, int] = False,
        search: str = 'auto',
        callback: Optional[Callable[[Report], Optional[bool]]] = None,
        low_memory: bool = True,
        densmap: bool = False,
        unique: bool = False,
        output_metric: str = 'euclidean',
        output_metric_kwds: Any = None,
        disconnection_distance: Any = None,
        force_approximation_algorithm: bool = False,
        transform_seed: int = 42,
        transform_queue_size: float = 4.0,
        tqdm_kwds: Any = None,
        target_metric: str = 'categorical',
        target_metric_kwds: Any = None,
        target_n_neighbors: int = -1,
        target_weight: float = 0.5,
        angular_rp_forest: bool = False,
    ) -> None: ...
    def fit(self, X: ArrayLike, y: object = None, *, neighbors: Given = None) -> 'UMAP': ...
    def fit_transform(self, X: ArrayLike, y: object = None, *, neighbors: Given = None) -> Floats: ...
    def transform(self, X: ArrayLike) -> Floats: ...
    def save(self, path: Any) -> None: ...
