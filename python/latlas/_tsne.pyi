# Made by scripts/python_stubs.py.
import os
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latlas._maps import MapEstimator
from latlas._progress import Report

Floats = NDArray[np.float32]
Given = Optional[Tuple[ArrayLike, ArrayLike]]


class TSNE(MapEstimator):
    embedding_: Floats
    kl_divergence_: float
    n_iter_: int
    learning_rate_: float
    converged_: bool
    trace_: List[Tuple[int, float]]
    notes_: List[str]
    n_features_in_: int
    def __init__(
        self,
        n_components: int = 2,
        *,
        perplexity: float = 30.0,
        early_exaggeration: float = 12.0,
        learning_rate: Union[str, float] = 'auto',
        max_iter: Optional[int] = None,
        n_iter_without_progress: int = 300,
        min_grad_norm: float = 1e-07,
        metric: Union[str, Callable[..., float]] = 'euclidean',
        metric_params: Optional[Dict[str, Any]] = None,
        init: Union[str, ArrayLike] = 'pca',
        verbose: Union[bool, int] = 0,
        random_state: Union[None, int, np.random.RandomState, np.random.Generator] = None,
        method: str = 'barnes_hut',
        angle: float = 0.5,
        n_jobs: Optional[int] = None,
        momentum: Optional[float] = None,
        exaggeration_iterations: int = 250,
        stop_below: float = 0.0003,
        grid_spacing: float = 0.0,
        exact_below: int = 2000,
        coarse_above: int = 0,
        degrees_of_freedom: float = 1.0,
        preset: str = 'default',
        affinities: str = 'automatic',
        scales: tuple = (),
        bandwidth: float = 0.0,
        kept_mass: float = 1.0,
        late_exaggeration: float = 0.0,
        keep_start: bool = False,
        search: str = 'auto',
        anchor_strength: float = 0.0,
        checkpoint: Union[None, str, os.PathLike[str]] = None,
        checkpoint_every: int = 100,
        callback: Optional[Callable[[Report], Optional[bool]]] = None,
    ) -> None: ...
    def fit(self, X: ArrayLike, y: object = None, *, neighbors: Given = None, anchors: Optional[ArrayLike] = None) -> 'TSNE': ...
    def fit_transform(self, X: ArrayLike, y: object = None, *, neighbors: Given = None, anchors: Optional[ArrayLike] = None) -> Floats: ...
    def transform(self, X: ArrayLike) -> Floats: ...
    def save(self, path: Any) -> None: ...
