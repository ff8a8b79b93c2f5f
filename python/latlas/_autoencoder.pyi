# Made by scripts/python_stubs.py.
import os
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latlas._estimator import Transformer
from latlas._progress import Report

Floats = NDArray[np.float32]
Given = Optional[Tuple[ArrayLike, ArrayLike]]


class Autoencoder(Transformer):
    history_: Dict[str, List[float]]
    loss_: str
    output_activation_: str
    n_parameters_: int
    n_iter_: int
    n_features_in_: int
    def __init__(
        self,
        latent: int = 32,
        *,
        hidden: Union[int, Sequence[int]] = (),
        activation: str = 'relu',
        latent_activation: str = 'relu',
        output_activation: str = 'auto',
        loss: str = 'auto',
        epochs: int = 50,
        batch_size: int = 256,
        learning_rate: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-07,
        shuffle: bool = True,
        verbose: Union[bool, int] = 0,
        random_state: Union[None, int, np.random.RandomState, np.random.Generator] = None,
        n_jobs: Optional[int] = None,
        callback: Optional[Callable[[Report], Optional[bool]]] = None,
    ) -> None: ...
    def fit(self, X: ArrayLike, y: object = None, *, validation_data: Optional[ArrayLike] = None) -> 'Autoencoder': ...
    def fit_transform(self, X: ArrayLike, y: object = None) -> Floats: ...
    def transform(self, X: ArrayLike) -> Floats: ...
    def inverse_transform(self, X: ArrayLike) -> Floats: ...
    def reconstruct(self, X: ArrayLike) -> Floats: ...
    def score(self, X: ArrayLike, y: object = None) -> float: ...
    def summary(self) -> str: ...
    def save(self, path: Any) -> None: ...
