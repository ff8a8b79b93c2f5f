"""The numerical core of latlas; use the package around it."""

from collections.abc import Callable, Mapping
import os
import pathlib
from typing import Annotated

import numpy
from numpy.typing import NDArray


def fields(what: str) -> list:
    """The parameters of a step: name, default, help, low, high, choices."""

def threads() -> int:
    """Threads that work uses unless told otherwise."""

def simd() -> str:
    """The instruction set in use: avx512, avx2, neon or portable."""

def select_simd(name: str) -> None: ...

def available_memory() -> int:
    """Bytes."""

def known_datasets() -> dict:
    """The catalog, by name; files are (name, size, SHA-256, addresses)."""

def find_dataset(name: str) -> object:
    """The folder that holds a dataset of the catalog, or None."""

def dataset_folder(name: str) -> pathlib.Path:
    """Where a dataset of the catalog is downloaded to."""

def load_dataset(name: str) -> dict: ...

def read_idx_folder(folder: str | os.PathLike) -> dict: ...

def synthetic_digits(params: dict, threads: int = 0) -> dict: ...

class Model:
    """An autoencoder: its layers and their weights."""

    def __init__(self, inputs: int, params: dict) -> None:
        """With random weights."""

    @property
    def inputs(self) -> int: ...

    @property
    def latent(self) -> int: ...

    @property
    def parameters(self) -> int: ...

    def summary(self) -> str: ...

    def train(self, data: object, validation: object, params: dict, callback: object | None = None, threads: int = 0) -> list:
        """Trains in place; a list of (epoch, loss, val_loss, seconds)."""

    def encode(self, data: object, threads: int = 0) -> NDArray[numpy.float32]: ...

    def decode(self, latents: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], threads: int = 0) -> NDArray[numpy.float32]: ...

    def reconstruct(self, data: object, threads: int = 0) -> NDArray[numpy.float32]: ...

    def loss(self, data: object, loss: str, threads: int = 0) -> float: ...

    def to_bytes(self, more: Mapping[str, str]) -> bytes:
        """The safetensors file, as bytes."""

    def write(self, path: str | os.PathLike, more: Mapping[str, str]) -> None: ...

def model_from_bytes(bytes: bytes, what: str) -> Model: ...

class Graph:
    """The k nearest rows of every row."""

    def __init__(self, distance: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], index: Annotated[NDArray[numpy.int32], dict(shape=(None, None), order='C', device='cpu', writable=False)]) -> None:
        """From arrays n × k, sorted by distance."""

    @property
    def k(self) -> int: ...

    def __len__(self) -> int: ...

    @property
    def distance(self) -> NDArray[numpy.float32]:
        """n × k, ascending in each row; a view."""

    @property
    def index(self) -> NDArray[numpy.int32]:
        """n × k rows of the data; a view."""

def unit_rows(rows: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], what: str, threads: int = 0) -> NDArray[numpy.float32]:
    """The rows, scaled to norm 1."""

def find_neighbors(data: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], params: dict, callback: object | None = None, threads: int = 0) -> Graph:
    """The nearest of every row among the other rows."""

def find_neighbors_of(queries: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], data: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], params: dict, callback: object | None = None, threads: int = 0) -> Graph:
    """The nearest rows of the data for every query."""

class NeighborIndex:
    """Rows made ready for queries in batches."""

    def __init__(self, data: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], params: dict, threads: int = 0) -> None: ...

    def search(self, queries: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], callback: object | None = None, threads: int = 0) -> Graph:
        """The nearest rows of the data for every query."""

def searches_exactly(queries: int, n: int, d: int, params: dict) -> bool: ...

def measured_recall(graph: Graph, data: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], metric: str, sample: int, seed: int, threads: int = 0) -> tuple: ...

def fit_pca(rows: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], params: dict, threads: int = 0) -> dict: ...

def pca_transform(components: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu', writable=False)], mean: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], rows: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], threads: int = 0) -> NDArray[numpy.float32]: ...

def pca_inverse_transform(components: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu', writable=False)], mean: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], coordinates: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], threads: int = 0) -> NDArray[numpy.float32]: ...

def umap(graph: Graph, start: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], params: dict, callback: object | None = None, threads: int = 0) -> dict: ...

def umap_place(train_map: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], to_train: Graph, params: dict, callback: object | None = None, threads: int = 0) -> dict: ...

def procrustes(map: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], other: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], scale: bool, reflection: bool) -> dict: ...

def procrustes_transform(rotation: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu', writable=False)], scale: float, from_: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], to: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], rows: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)]) -> NDArray[numpy.float32]: ...

def novelty(fitted: Graph, to_train: Graph, params: dict, threads: int = 0) -> dict:
    """Which new rows are far from everything."""

class Affinities:
    """Of a graph, with the parameters of t-SNE settled for it."""

    @property
    def notes(self) -> list[str]:
        """What was settled otherwise than asked for."""

    def placing(self) -> tuple:
        """(parameters, neighbors) that new rows are placed by."""

def tsne_neighbors(n: int, params: dict) -> int:
    """How many neighbors of each of n rows t-SNE asks for."""

def affinities(graph: Graph, params: dict, threads: int = 0) -> Affinities: ...

def make_start(name: str, rows: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], affinities: Affinities | None, columns: int, seed: int, threads: int = 0) -> tuple:
    """(places, notes)"""

def tsne(affinities: Affinities, start: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], anchors: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)] | None = None, anchor_strength: float = 0.0, checkpoint: str | os.PathLike | None = None, checkpoint_every: int = 100, callback: object | None = None, threads: int = 0) -> dict: ...

def kl_divergence(graph: Graph, perplexity: float, map: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], threads: int = 0) -> float: ...

class FrozenMap:
    """A fitted map made ready for new rows."""

    def __init__(self, train_map: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], params: dict, threads: int = 0) -> None: ...

    def place(self, to_train: Graph, callback: object | None = None, threads: int = 0) -> dict: ...

def aligned_tsne(steps: int, affinities: Callable, start: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], params: dict, aligned: dict, callback: object | None = None, threads: int = 0) -> tuple:
    """
    (results, moves); affinities(step) is called for each step, the last one first.
    """

def trustworthiness(data: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], map: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], params: dict, threads: int = 0) -> tuple:
    """(value, standard error, rows)"""

def continuity(data: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], map: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], params: dict, threads: int = 0) -> tuple:
    """(value, standard error, rows)"""

def recall(data: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], map: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], params: dict, threads: int = 0) -> tuple:
    """(value, standard error, rows)"""

def spearman(data: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], map: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], params: dict, threads: int = 0) -> tuple:
    """(value, standard error, rows)"""

def label_accuracy(map: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], labels: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], params: dict, threads: int = 0) -> tuple: ...

def knn_accuracy(train: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], train_labels: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], test: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], test_labels: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], params: dict, threads: int = 0) -> tuple: ...

def probe_accuracy(train: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], train_labels: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], test: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], test_labels: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], params: dict, threads: int = 0) -> tuple: ...

def evaluate_map(data: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], map: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], labels: object | None, params: dict, threads: int = 0) -> dict: ...
