"""Writes the type stubs of the Python package: of its core, by nanobind's generator, and of the
estimators, whose parameters come from the core's lists.

    python scripts/python_stubs.py [FOLDER]      by default python/latlas
"""

import inspect
import pathlib
import sys

ESTIMATORS = {
    "_pca": ("PCA", "Transformer"), "_neighbors": ("NearestNeighbors", "Estimator"),
    "_autoencoder": ("Autoencoder", "Transformer"), "_tsne": ("TSNE", "MapEstimator"),
    "_umap": ("UMAP", "MapEstimator")}
HOMES = {"Transformer": "_estimator", "Estimator": "_estimator", "MapEstimator": "_maps"}
HEAD = '''# Made by scripts/python_stubs.py.
import os
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latlas.{home} import {base}
from latlas._progress import Report

Floats = NDArray[np.float32]
Given = Optional[Tuple[ArrayLike, ArrayLike]]

'''
# Parameters whose type their default does not tell.
TYPES = {
    "callback": "Optional[Callable[[Report], Optional[bool]]]", "n_jobs": "Optional[int]",
    "random_state": "Union[None, int, np.random.RandomState, np.random.Generator]",
    "iterated_power": "Union[int, str]", "learning_rate": "Union[str, float]",
    "init": "Union[str, ArrayLike]", "metric": "Union[str, Callable[..., float]]",
    "metric_params": "Optional[Dict[str, Any]]", "metric_kwds": "Optional[Dict[str, Any]]",
    "max_iter": "Optional[int]", "momentum": "Optional[float]", "n_epochs": "Optional[int]",
    "hidden": "Union[int, Sequence[int]]", "checkpoint": "Union[None, str, os.PathLike[str]]",
    "verbose": "Union[bool, int]"}
OWN_TYPES = {("PCA", "n_components"): "Union[None, int, float]",
             ("Autoencoder", "learning_rate"): "float", ("UMAP", "learning_rate"): "float",
             ("NearestNeighbors", "metric"): "str", ("UMAP", "a"): "Optional[float]",
             ("UMAP", "b"): "Optional[float]"}
ATTRIBUTES = {
    "PCA": {"components_": "NDArray[np.float64]", "mean_": "NDArray[np.float64]",
            "explained_variance_": "NDArray[np.float64]",
            "explained_variance_ratio_": "NDArray[np.float64]",
            "singular_values_": "NDArray[np.float64]", "n_components_": "int", "n_samples_": "int",
            "noise_variance_": "float", "n_features_in_": "int"},
    "NearestNeighbors": {"n_samples_fit_": "int", "n_features_in_": "int"},
    "Autoencoder": {"history_": "Dict[str, List[float]]", "loss_": "str",
                    "output_activation_": "str", "n_parameters_": "int", "n_iter_": "int",
                    "n_features_in_": "int"},
    "TSNE": {"embedding_": "Floats", "kl_divergence_": "float", "n_iter_": "int",
             "learning_rate_": "float", "converged_": "bool", "trace_": "List[Tuple[int, float]]",
             "notes_": "List[str]", "n_features_in_": "int"},
    "UMAP": {"embedding_": "Floats", "a_": "float", "b_": "float", "n_epochs_": "int",
             "notes_": "List[str]", "n_features_in_": "int"}}
METHODS = {
    "fit": "(self, X: ArrayLike, y: object = None) -> '{0}'",
    "Autoencoder.fit": "(self, X: ArrayLike, y: object = None, *, validation_data: "
                       "Optional[ArrayLike] = None) -> '{0}'",
    "TSNE.fit": "(self, X: ArrayLike, y: object = None, *, neighbors: Given = None, "
                "anchors: Optional[ArrayLike] = None) -> '{0}'",
    "UMAP.fit": "(self, X: ArrayLike, y: object = None, *, neighbors: Given = None) -> '{0}'",
    "fit_transform": "(self, X: ArrayLike, y: object = None) -> Floats",
    "TSNE.fit_transform": "(self, X: ArrayLike, y: object = None, *, neighbors: Given = None, "
                          "anchors: Optional[ArrayLike] = None) -> Floats",
    "UMAP.fit_transform": "(self, X: ArrayLike, y: object = None, *, neighbors: Given = None) "
                          "-> Floats",
    "transform": "(self, X: ArrayLike) -> Floats",
    "inverse_transform": "(self, X: ArrayLike) -> Floats",
    "reconstruct": "(self, X: ArrayLike) -> Floats",
    "score": "(self, X: ArrayLike, y: object = None) -> float",
    "summary": "(self) -> str",
    "save": "(self, path: Any) -> None",
    "kneighbors": "(self, X: Optional[ArrayLike] = None, n_neighbors: Optional[int] = None, "
                  "return_distance: bool = True) -> Any",
    "kneighbors_graph": "(self, X: Optional[ArrayLike] = None, n_neighbors: Optional[int] = None, "
                        "mode: str = 'connectivity') -> Any"}
KNN = '''
def knn(X: ArrayLike, n_neighbors: int = 15, *, queries: Optional[ArrayLike] = None,
        metric: str = 'euclidean', search: str = 'auto', n_jobs: Optional[int] = None,
        verbose: Union[bool, int] = 0, callback: Optional[Callable[[Report], Optional[bool]]] = None,
        **fields: Any) -> Tuple[Floats, NDArray[np.int32]]: ...

def knn_recall(neighbors: Tuple[ArrayLike, ArrayLike], X: ArrayLike, *, metric: str = 'euclidean',
               sample: int = 1000, seed: int = 0, n_jobs: Optional[int] = None) -> Score: ...
'''


def type_of(cls, name, default):
    known = OWN_TYPES.get((cls, name)) or TYPES.get(name)
    return known or ("Any" if default is None else type(default).__name__)


def stub_of(cls, base):
    name = cls.__name__
    lines = [f"class {name}({base}):"]
    lines += [f"    {attribute}: {kind}" for attribute, kind in ATTRIBUTES[name].items()]
    lines.append("    def __init__(")
    parameters = list(inspect.signature(cls.__init__).parameters.values())
    for i, p in enumerate(parameters):
        if i == 0:
            lines.append("        self,")
            continue
        if p.kind == p.KEYWORD_ONLY and parameters[i - 1].kind != p.KEYWORD_ONLY:
            lines.append("        *,")
        lines.append(f"        {p.name}: {type_of(name, p.name, p.default)} = {p.default!r},")
    lines.append("    ) -> None: ...")
    for method, signature in METHODS.items():
        own, _, plain = method.rpartition(".")
        if own and own != name or not own and f"{name}.{method}" in METHODS:
            continue
        if hasattr(cls, plain):
            lines.append(f"    def {plain}{signature.format(name)}: ...")
    return "\n".join(lines) + "\n"


def stub_of_core():
    from nanobind.stubgen import StubGen

    from latlas import _core

    generator = StubGen(_core)
    generator.put(_core)
    return generator.get().rstrip() + "\n"


def main():
    import importlib

    source = pathlib.Path(__file__).parents[1]
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else source / "python/latlas"
    (folder / "_core.pyi").write_text(stub_of_core())
    for home, (name, base) in ESTIMATORS.items():
        cls = getattr(importlib.import_module(f"latlas.{home}"), name)
        text = HEAD.format(home=HOMES[base], base=base) + "\n" + stub_of(cls, base)
        if home == "_neighbors":
            text = text.replace("from latlas._progress import Report\n",
                                "from latlas._progress import Report\nfrom latlas._scores import Score\n")
            text += KNN + "\nNATIVE: Tuple[str, ...]\nALIASES: Dict[str, str]\n\n" \
                "def stopped(what: str) -> RuntimeError: ...\n"
        (folder / f"{home}.pyi").write_text(text)


if __name__ == "__main__":
    main()
