# Made by scripts/python_stubs.py.
import os
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latlas._estimator import Transformer
from latlas._progress import Report

Floats = NDArray[np.float32]
Given = Optional[Tuple[ArrayLike, ArrayLike]]


class PCA(Transformer):
    components_: NDArray[np.float64]
    mean_: NDArray[np.float64]
    explained_variance_: NDArray[np.float64]
    explained_variance_ratio_: NDArray[np.float64]
    singular_values_: NDArray[np.float64]
    n_components_: int
    n_samples_: int
    noise_variance_: float
    n_features_in_: int
    def __init__(
        self,
        n_components: Union[None, int, float] = None,
        *,
        whiten: bool = False,
        n_jobs: Optional[int] = None,
        copy: bool = True,
        svd_solver: str = 'auto',
        tol: float = 0.0,
        iterated_power: Union[int, str] = 'auto',
        n_oversamples: int = 10,
        power_iteration_normalizer: str = 'auto',
        random_state: Union[None, int, np.random.RandomState, np.random.Generator] = None,
    ) -> None: ...
    def fit(self, X: ArrayLike, y: object = None) -> 'PCA': ...
    def fit_transform(self, X: ArrayLike, y: object = None) -> Floats: ...
    def transform(self, X: ArrayLike) -> Floats: ...
    def inverse_transform(self, X: ArrayLike) -> Floats: ...
    def save(self, path: Any) -> None: ...
